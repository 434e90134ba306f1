"""Threads that wait for titles, those who hand the titles out, and what travels between them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

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
from infrastructure.cluster.pending import (
    ClusterTitleSource,
    PendingTitle,
    PendingTitles,
    PickledCall,
    TitleReply,
    TitleRequest,
)
from tests.support.movies import imdb_id, movie, movies

NEVER = threading.Event()


def _title(number: int) -> FetchedTitle:
    return FetchedTitle(movie(number), "page")


def _wanted(number: int) -> TitleRequest:
    return TitleRequest(imdb_id(number), 6)


def _asked(pending: PendingTitles, count: int) -> list[PendingTitle]:
    return [pending.put(PendingTitle(_wanted(number))) for number in range(1, count + 1)]


@contextmanager
def _waiting(pending: PendingTitles, number: int, cancel: threading.Event) -> Iterator[Future[FetchedTitle]]:
    """A thread that waits for a title."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(pending.title, _wanted(number), cancel)


def _take(pending: PendingTitles, most: int = 10) -> list[PendingTitle]:
    return pending.take(most, wait=True, unless=NEVER)


@given(st.integers(0, 20), st.lists(st.integers(0, 7)))
def test_titles_are_handed_out_once_each_in_their_order(count: int, most: list[int]) -> None:
    pending = PendingTitles()
    asked = _asked(pending, count)
    handed = [title for each in most for title in pending.take(each, wait=False, unless=NEVER)]
    assert handed == asked[: sum(most)]


def test_what_is_put_back_comes_first_and_in_its_order() -> None:
    pending = PendingTitles()
    first, second, third = _asked(pending, 3)
    assert _take(pending, 2) == [first, second]
    pending.put_back([first, second])
    assert _take(pending) == [first, second, third]


def test_the_title_comes_to_the_thread_that_asked() -> None:
    pending = PendingTitles()
    with _waiting(pending, 1, NEVER) as result:
        (title,) = _take(pending)
        title.settle(_title(1))
        assert result.result(10) == _title(1)


def test_so_does_the_error() -> None:
    pending = PendingTitles()
    with _waiting(pending, 1, NEVER) as result:
        (title,) = _take(pending)
        title.settle(NotFound("gone"))
        with pytest.raises(NotFound, match="gone"):
            result.result(10)


def test_a_stop_gives_up_what_no_worker_has() -> None:
    pending, cancel = PendingTitles(), threading.Event()
    with _waiting(pending, 1, cancel) as result:
        cancel.set()
        with pytest.raises(Cancelled):
            result.result(10)
    assert pending.take(1, wait=False, unless=NEVER) == []


def test_a_stop_waits_for_what_a_worker_has() -> None:
    pending, cancel = PendingTitles(), threading.Event()
    with _waiting(pending, 1, cancel) as result:
        (title,) = _take(pending)
        cancel.set()
        with pytest.raises(TimeoutError):
            result.result(0.3)
        title.settle(_title(1))
        assert result.result(10) == _title(1)


def test_a_stop_gives_up_what_a_worker_has_lost() -> None:
    pending, cancel = PendingTitles(), threading.Event()
    with _waiting(pending, 1, cancel) as result:
        taken = _take(pending)
        cancel.set()
        pending.put_back(taken)
        with pytest.raises(Cancelled):
            result.result(10)


def test_the_end_settles_all_those_that_a_worker_has_and_those_to_come() -> None:
    pending = PendingTitles()
    with _waiting(pending, 1, NEVER) as taken, _waiting(pending, 2, NEVER) as waiting:
        _take(pending, 1)
        pending.close(Transient("over"))
        for result in (taken, waiting):
            with pytest.raises(Transient, match="over"):
                result.result(10)
    with pytest.raises(Transient, match="over"):
        pending.title(_wanted(3), NEVER)
    assert _take(pending) == []


def test_the_first_to_settle_is_right() -> None:
    title = PendingTitle(_wanted(1))
    title.settle(_title(1))
    title.settle(Cancelled("late"))
    assert title.wait(NEVER) == _title(1)


def test_those_who_hand_out_are_woken_when_it_is_over() -> None:
    pending, over = PendingTitles(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(pending.take, 1, wait=True, unless=over)
        over.set()
        while not taking.done():
            pending.wake()
    assert taking.result() == []


def test_a_title_without_requests_left_is_not_asked_for() -> None:
    pending = PendingTitles()
    with pytest.raises(Transient, match="no request is left"):
        ClusterTitleSource(pending).title("tt0000001", max_requests=0, cancel=NEVER)
    assert pending.take(1, wait=False, unless=NEVER) == []


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
