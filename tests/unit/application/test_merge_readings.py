"""Readings of one title are merged to the same record, in whatever order they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.merge_readings import Reading, merge, stored_reading
from domain.movie import Credit, Movie, Person
from tests.support.movies import movie

MOVIE: Final = movie(1)


def reading(day: int, missing: Sequence[str] = (), cut: Sequence[str] = (), **told: Any) -> Reading:
    scraped_at = MOVIE.scraped_at + timedelta(days=day)
    record = replace(MOVIE, scraped_at=scraped_at, incomplete=tuple(sorted(cut)), **told)
    return Reading(record, frozenset(missing) | frozenset(cut))


def cast(*numbers: int) -> tuple[Credit, ...]:
    return tuple(
        Credit(Person(f"nm{number:07d}", f"Person {number}"), "cast", place) for place, number in enumerate(numbers, 1)
    )


def merged(readings: Sequence[Reading]) -> Movie:
    def one_more(known: Reading, new: Reading) -> Reading:
        newer, older = sorted((known, new), key=lambda each: each.movie.scraped_at, reverse=True)
        return merge(newer, older)

    return reduce(one_more, readings).movie


def the_result(*readings: Reading) -> Movie:
    """The record of these readings, which is the same in every order."""
    results = {repr(merged(order)): merged(order) for order in permutations(readings)}
    assert len(results) == 1, results.keys()
    return results.popitem()[1]


def test_of_two_older_readings_the_later_one_fills_a_gap() -> None:
    result = the_result(
        reading(3, cut=["plot"], plot=None), reading(2, plot="The later one."), reading(1, plot="The first one.")
    )
    assert (result.plot, result.incomplete) == ("The later one.", ())


def test_of_incomplete_values_the_longest_counts_and_is_named() -> None:
    result = the_result(
        reading(3, cut=["plot"], plot="A fer"),
        reading(2, missing=["plot"], plot="A ferry a"),
        reading(1, cut=["plot"], plot=None),
    )
    assert (result.plot, result.incomplete) == ("A ferry a", ("plot",))


def test_a_newer_reading_that_says_there_is_none_is_believed() -> None:
    assert the_result(reading(2, plot=None), reading(1, plot="Withdrawn.")).plot is None


def test_a_saved_record_does_not_say_that_there_is_none() -> None:
    saved = stored_reading(reading(3, plot=None).movie, outranked=False)
    assert the_result(saved, reading(2, plot="Told.")).plot == "Told."


def test_the_longest_cast_that_the_newest_begins_is_kept() -> None:
    result = the_result(
        reading(4, cast=cast(1, 2), cast_total=5),
        reading(3, cast=cast(2, 1), cast_total=5),
        reading(1, cast=cast(1, 2, 3, 4, 5), cast_total=5),
    )
    assert len(result.cast) == 5


def test_a_person_has_the_name_that_the_newest_reading_tells() -> None:
    def named(name: str) -> tuple[Credit, ...]:
        return (Credit(Person("nm0000009", name), "director", 1),)

    result = the_result(
        reading(4),
        reading(3, directors=named("New Name"), cut=["cast"], cast=()),
        reading(2, cast=(replace(named("Middle Name")[0], category="cast"),)),
        reading(1, directors=named("An Old Name")),
    )
    assert {credit.person.name for credit in result.credits} <= {"New Name"}


_PLOTS: Final = st.sampled_from([None, "A.", "A. B.", "C.", "C. D. E."])
_STATE: Final = st.sampled_from(["told", "missing", "cut"])


@given(st.lists(st.tuples(_PLOTS, _STATE, st.sampled_from([None, 5, 7]), _STATE), min_size=2, max_size=4))
def test_the_order_of_readings_does_not_matter(forms: list[tuple[str | None, str, int | None, str]]) -> None:
    the_result(
        *(
            reading(
                day,
                [name for name, state in (("plot", plot_state), ("votes", votes_state)) if state == "missing"],
                [name for name, state in (("plot", plot_state), ("votes", votes_state)) if state == "cut"],
                plot=plot,
                votes=votes,
            )
            for day, (plot, plot_state, votes, votes_state) in enumerate(forms)
        )
    )


@pytest.mark.parametrize("missing", [(), ("cast",)])
def test_a_longer_cast_does_not_replace_a_whole_one(missing: tuple[str, ...]) -> None:
    whole = reading(2, cast=cast(1, 2), cast_total=2)
    assert the_result(whole, reading(1, missing, cast=cast(1, 2, 3), cast_total=3)).cast == whole.movie.cast
