"""Single fields and lists of people in the site's JSON, and how several readings make one movie."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidMovie
from infrastructure.scraper import fields
from infrastructure.scraper.fields import Untold, read_fields
from infrastructure.scraper.people import people_in
from infrastructure.scraper.reading import FIELDS, Credited, Reading, TitleFields, combine, to_movie
from infrastructure.scraper.text import clean
from tests.support.title_pages import line, role_line

NOW = datetime(2026, 8, 1, tzinfo=UTC)


# --- fields ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(None, None), (0, None), (1, 1), (59, 1), (60, 1), (119, 1), (120, 2), (8520, 142), (-1, -1)],
)
def test_seconds_become_whole_minutes(seconds: int | None, minutes: int | None) -> None:
    assert fields.duration_minutes({"runtime": {"seconds": seconds}}) == minutes


def test_no_running_time_is_null_at_any_depth() -> None:
    assert fields.duration_minutes({"runtime": None}) is None


@pytest.mark.parametrize(
    ("parts", "date"),
    [
        ({"year": 1994, "month": 10, "day": 4}, "1994-10-04"),
        ({"year": 1994, "month": 10, "day": None}, "1994-10"),
        ({"year": 1994, "month": None, "day": None}, "1994"),
        ({"year": 1994, "month": None, "day": 4}, "1994"),
        ({"year": None, "month": 10, "day": 4}, None),
        (None, None),
    ],
)
def test_a_date_is_as_precise_as_the_site_knows_it(parts: dict[str, int | None] | None, date: str | None) -> None:
    assert fields.release_date({"releaseDate": parts}) == date


@pytest.mark.parametrize(("written", "rating"), [(9, 9.0), (8.6, 8.6), (None, None), (10**400, math.inf)])
def test_a_rating_is_a_fraction_however_it_is_written(written: Any, rating: float | None) -> None:
    assert fields.rating({"ratingsSummary": {"aggregateRating": written}}) == rating


def test_genres_stand_in_two_shapes() -> None:
    assert fields.genres({"genres": {"genres": [{"text": "Drama"}, {"text": None}]}}) == ("Drama",)
    assert fields.genres({"titleGenres": {"genres": [{"genre": {"text": "Drama"}}]}}) == ("Drama",)
    assert fields.genres({"genres": None}) == ()
    with pytest.raises(Untold):
        fields.genres({"genres": {"genres": ["Drama"]}})


@pytest.mark.parametrize(
    "node", [{}, None, 5, "text", [], {"titleText": {}}, {"titleText": {"text": 5}}, {"titleText": None}]
)
def test_no_title_is_never_told_as_none(node: object) -> None:
    with pytest.raises(Untold):
        fields.title(node)


@pytest.mark.parametrize("wrong", ["1994", 1994.5, True, [], {}])
def test_a_number_of_another_kind_is_not_told(wrong: object) -> None:
    assert "year" not in read_fields({"releaseYear": {"year": wrong}})


def test_the_first_object_that_tells_a_field_wins_even_if_it_says_none() -> None:
    first = {"plot": None, "certificate": {"rating": 5}, "releaseYear": {"year": 1961}}
    second = {"plot": {"plotText": {"plainText": "x"}}, "certificate": {"rating": "PG"}, "releaseYear": None}
    assert read_fields(first, second) == {"plot": None, "certificate": "PG", "year": 1961}


# --- people ---------------------------------------------------------------------


def test_a_list_may_be_plain_or_wrapped() -> None:
    plain = [line(1, "Ada Holm"), line(2, "Bo Lind")]
    expected = (Credited("nm0000001", "Ada Holm"), Credited("nm0000002", "Bo Lind"))
    assert people_in(plain) == expected
    assert people_in({"edges": [{"node": node} for node in plain]}) == expected
    assert people_in(None) == ()


@pytest.mark.parametrize(
    ("roles", "characters"),
    [
        ({"characters": [{"name": "Fog"}, {"name": "Rain"}]}, ("Fog", "Rain")),
        ({"characters": None}, ()),
        ({}, ()),
        ({"creditedRoles": None}, ()),
        ({"creditedRoles": {"edges": [{"node": {"characters": None}}]}}, ()),
        ({"characters": 5}, ()),
        ({"characters": [{"name": None}, {"name": "Fog"}, {"name": "Fog"}]}, ("Fog",)),
    ],
)
def test_roles_of_every_time(roles: dict[str, Any], characters: tuple[str, ...]) -> None:
    (credited,) = people_in([{**line(1, "Ada Holm"), **roles}])
    assert credited.characters == characters


def test_several_credited_roles_are_all_of_one_person() -> None:
    two = role_line(1, "Ada Holm", "Fog")
    two["creditedRoles"]["edges"] += role_line(1, "Ada Holm", "Rain")["creditedRoles"]["edges"]
    assert people_in([two])[0].characters == ("Fog", "Rain")


@pytest.mark.parametrize(
    "nobody", [None, 5, {}, {"name": None}, {"name": {"id": "nm0000001", "nameText": None}}, line(1, " ")]
)
def test_a_line_that_names_nobody_is_passed_over(nobody: object) -> None:
    assert people_in([nobody, line(2, "Bo Lind")]) == (Credited("nm0000002", "Bo Lind"),)


@pytest.mark.parametrize("wrong", [5, "text", {}, {"edges": 5}])
def test_what_is_no_list_is_not_told(wrong: object) -> None:
    with pytest.raises(Untold):
        people_in(wrong)


# --- text -----------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_can_be_stored_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)
    if cleaned is not None:
        cleaned.encode()
        assert "\0" not in cleaned
        assert cleaned == cleaned.strip() != ""
        assert clean(cleaned) == cleaned
    assert (cleaned is None) == (text.strip() == "")


def test_nothing_and_blanks_are_missing() -> None:
    assert clean(None) is clean("") is clean(" \n\u00a0") is None


# --- readings -------------------------------------------------------------------


def test_the_whole_beats_the_beginning_and_the_first_beats_the_second() -> None:
    first = Reading(None, {"title": "A", "plot": None}, {"genres": ("x",), "cast": ()})
    second = Reading(None, {"title": "B", "genres": ("x", "y")}, {"cast": (Credited("nm0000001", "z"),)})
    merged, missing = combine([first, second])
    assert merged == {"title": "A", "plot": None, "genres": ("x", "y"), "cast": ()}
    assert missing == FIELDS - {"title", "plot", "genres"}


def movie(**told: Any) -> Any:
    return to_movie(TitleFields(**{"title": "x", **told}), imdb_id="tt0000001", scraped_at=NOW)  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("rating", "votes", "expected"),
    [
        (None, 0, (None, None)),
        (None, 3, (None, 3)),
        (7.449, 0, (7.4, 0)),
        (7.45001, 9, (7.5, 9)),
        (9.0, None, (9.0, None)),
    ],
)
def test_no_votes_without_a_rating_are_missing(
    rating: float | None, votes: int | None, expected: tuple[float | None, int | None]
) -> None:
    result = movie(rating=rating, votes=votes)
    assert (result.rating, result.votes) == expected


def test_a_person_named_twice_keeps_the_first_place() -> None:
    ada, bo = Credited("nm0000001", "Ada", ("Fog",)), Credited("nm0000002", "Bo")
    result = movie(cast=(ada, bo, Credited("nm0000001", "Ada H.", ("Rain",))), directors=(ada,))
    assert [(c.person.name, c.position, c.characters) for c in result.cast] == [("Ada", 1, ("Fog",)), ("Bo", 2, ())]
    assert [credit.person.name for credit in result.directors] == ["Ada"]


def test_genres_are_told_once_and_hold_no_bar() -> None:
    assert movie(genres=("Drama", " Drama ", "", "Sci|Fi", "\0")).genres == ("Drama", "Sci/Fi", "\ufffd")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidMovie) as caught:
        movie(year=3, metascore=101, cast=(Credited("nm1", "Ada"), Credited("x", "Bo")))
    assert [problem.split()[0] for problem in caught.value.problems] == ["cast:", "cast:", "year", "metascore"]
