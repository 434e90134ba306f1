from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.errors import InvalidMovie
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person, title_url

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _movie(**changes: object) -> Movie:
    movie = Movie("tt0000001", "One", title_url("tt0000001"), NOW)
    return dataclasses.replace(movie, **changes)  # type: ignore[arg-type]


def test_nothing_but_a_title_is_a_movie() -> None:
    movie = _movie()
    assert movie.rating is None
    assert movie.credits == ()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("imdb_id", "tt12", "imdb_id 'tt12' is not tt and 7 to 10 digits"),
        ("imdb_id", "tt0000001\n", "is not tt and"),
        ("imdb_id", "tt٠٠٠٠٠٠١", "is not tt and"),
        ("title", " ", "title is empty"),
        ("source_url", "", "source_url is empty"),
        ("year", 1869, "year 1869 is outside 1870 to 9999"),
        ("rating", 10.1, "rating 10.1 is outside 1 to 10"),
        ("rating", 0.9, "rating 0.9 is outside 1 to 10"),
        ("rating", float("nan"), "rating nan is not a number"),
        ("rating", 8.65, "rating 8.65 has more than one decimal"),
        ("metascore", 101, "metascore 101 is outside 0 to 100"),
        ("metascore", -1, "metascore -1 is outside"),
        ("votes", -1, "votes -1 is outside 0 to 9223372036854775807"),
        ("duration_minutes", -5, "duration_minutes -5 is outside 0 to 2147483647"),
        ("rank", 0, "rank 0 is below 1"),
        ("plot", "", "plot is empty"),
        ("genres", ("Drama", ""), "is not a list of texts that are not empty"),
        ("votes", 2**63, "votes 9223372036854775808 is outside"),
        ("duration_minutes", 2**31, "duration_minutes 2147483648 is outside"),
        ("year", 1994.0, "year 1994.0 is not a whole number"),
        ("is_adult", 1, "is_adult 1 is not true or false"),
        ("series_id", "nm0000001", "series_id 'nm0000001' is not tt"),
        ("crew", (Credit(Person("nm0000001", "A"), "cast", 1),), "crew holds credits of cast in two places"),
        ("release_date", "1994-13", "release_date '1994-13' is not YYYY"),
        ("release_date", "1994-02-30", "is not YYYY"),
        ("release_date", "١٩٩٤", "is not YYYY"),
        ("scraped_at", datetime(2026, 1, 1), "is not a time in UTC"),  # noqa: DTZ001 - the point of the test
        ("scraped_at", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), "is not a time in UTC"),
    ],
)
def test_impossible_values_are_refused(field: str, value: object, said: str) -> None:
    with pytest.raises(InvalidMovie) as refused:
        _movie(**{field: value})
    assert said in str(refused.value)


def test_one_error_lists_all_that_is_wrong() -> None:
    with pytest.raises(InvalidMovie) as refused:
        _movie(year=1700, metascore=200, votes=-3)
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("date", ["1994", "1994-10", "1994-10-14"])
def test_a_release_date_is_as_precise_as_it_is_known(date: str) -> None:
    assert _movie(release_date=date).release_date == date


def _credit(position: int, person_id: str = "nm0000001", category: str = CAST) -> Credit:
    return Credit(Person(person_id, "Ada Example"), category, position)


@pytest.mark.parametrize(
    ("cast", "said"),
    [
        ((_credit(2),), "not numbered from 1"),
        ((_credit(1), _credit(2)), "names a person twice"),
        ((_credit(1, category=DIRECTOR),), "credit of another category"),
    ],
)
def test_credits_are_numbered_from_1_and_name_each_person_once(cast: tuple[Credit, ...], said: str) -> None:
    with pytest.raises(InvalidMovie, match=said):
        _movie(cast=cast)


def test_people_with_one_name_are_told_apart_by_id() -> None:
    movie = _movie(cast=(_credit(1, "nm0000001"), _credit(2, "nm0000002")))
    assert len({credit.person for credit in movie.credits}) == 2


def test_a_person_needs_an_id_and_a_name() -> None:
    with pytest.raises(InvalidMovie, match=r"person_id 'x' .*; name is empty"):
        Person("x", " ")


def test_a_position_counts_from_1() -> None:
    with pytest.raises(InvalidMovie, match="position 0 is outside 1"):
        _credit(0)


def test_a_movie_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _movie().title = "Two"  # type: ignore[misc]
