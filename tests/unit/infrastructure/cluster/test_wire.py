"""What travels arrives as it was."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.sources import FetchedTitle
from domain.errors import (
    Blocked,
    Cancelled,
    Disallowed,
    FilmledgerError,
    InvalidMovie,
    NotATitlePage,
    NotFound,
    SourceError,
    Transient,
    UnknownLayout,
    UsageError,
    WrongTitle,
)
from infrastructure.cluster.wire import PickledCall, TitleReply
from tests.support.movies import movies

titles = st.builds(
    FetchedTitle,
    movies(),
    st.sampled_from(["page", "graphql"]),
    st.frozensets(st.sampled_from(["plot", "votes", "metascore"])),
    st.frozensets(st.sampled_from(["genres", "cast"])),
    st.integers(0, 2**40),
    st.integers(0, 100),
)
MESSAGES = [SourceError, Transient, NotFound, Disallowed, NotATitlePage, UnknownLayout, WrongTitle, Blocked, Cancelled]


@given(titles)
def test_a_title(title: FetchedTitle) -> None:
    assert TitleReply.of("tt0000001", title).outcome() == title


@pytest.mark.parametrize("kind", [*MESSAGES, UsageError])
@given(message=st.text(), requests=st.integers(0), size=st.integers(0))
def test_an_error_with_what_it_cost(kind: type[FilmledgerError], message: str, requests: int, size: int) -> None:
    error = kind(message)
    vars(error).update(requests=requests, size=size)
    there = TitleReply.of("tt0000001", error).outcome()
    assert type(there) is kind
    assert (str(there), vars(there)) == (message, {"requests": requests, "size": size})


@given(st.text(), st.lists(st.text()))
def test_a_movie_that_cannot_be_true(subject: str, problems: list[str]) -> None:
    error = InvalidMovie(subject, problems)
    error.requests = 3
    there = TitleReply.of("tt0000001", error).outcome()
    assert isinstance(there, InvalidMovie)
    assert (str(there), there.problems, there.requests) == (str(error), tuple(problems), 3)


@given(st.lists(st.integers()))
def test_a_call_is_carried_out_where_it_is_opened(numbers: list[int]) -> None:
    assert pickle.loads(PickledCall(sorted, numbers).packed()) == sorted(numbers)  # noqa: S301 - made in this very line


def test_what_a_call_raises_is_raised_where_it_is_opened() -> None:
    packed = PickledCall(int, "nine").packed()
    with pytest.raises(ValueError, match="nine"):
        pickle.loads(packed)  # noqa: S301 - made in this very test
