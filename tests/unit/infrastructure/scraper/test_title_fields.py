"""Single fields and lists of people in the site's JSON, and how several readings make one movie."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.scraper.title_credits import people_in
from infrastructure.scraper.title_fields import FIELDS, CreditLine, TitlePart, build_movie, merge_parts
from infrastructure.scraper.title_json import read_fields
from infrastructure.scraper.values import FieldAbsent, clean
from tests.support.title_pages import line, role_line

NOW = datetime(2026, 8, 1, tzinfo=UTC)
ADA = CreditLine("nm0000001", "Ada")


def part_of(*nodes: object) -> TitlePart:
    part = TitlePart("test")
    read_fields(part, *nodes)
    return part


def told(name: str, node: object) -> Any:
    return part_of(node).whole[name]


# --- fields ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(None, None), (0, None), (1, 1), (59, 1), (60, 1), (119, 1), (120, 2), (8520, 142), (-1, -1)],
)
def test_seconds_become_whole_minutes(seconds: int | None, minutes: int | None) -> None:
    assert told("duration_minutes", {"runtime": {"seconds": seconds}}) == minutes


def test_no_running_time_is_null_at_any_depth() -> None:
    assert told("duration_minutes", {"runtime": None}) is None


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
    assert told("release_date", {"releaseDate": parts}) == date


@pytest.mark.parametrize(("written", "rating"), [(9, 9.0), (8.6, 8.6), (None, None)])
def test_a_rating_is_a_fraction_however_it_is_written(written: Any, rating: float | None) -> None:
    assert told("rating", {"ratingsSummary": {"aggregateRating": written}}) == rating


def test_genres_stand_in_two_shapes() -> None:
    assert told("genres", {"genres": {"genres": [{"text": "Drama"}]}}) == ("Drama",)
    assert told("genres", {"titleGenres": {"genres": [{"genre": {"text": "Drama"}}]}}) == ("Drama",)
    assert told("genres", {"genres": None}) == ()
    assert part_of({"genres": {"genres": ["Drama"]}}).cut == {"genres"}


@pytest.mark.parametrize(
    "node", [{}, None, 5, "text", [], {"titleText": {}}, {"titleText": {"text": 5}}, {"titleText": None}]
)
def test_no_title_is_never_told_as_none(node: object) -> None:
    assert "title" not in part_of(node).whole


@pytest.mark.parametrize("wrong", ["1994", 1994.5, True, [], {}, math.inf])
def test_a_number_of_another_kind_is_not_told(wrong: object) -> None:
    part = part_of({"releaseYear": {"year": wrong}})
    assert "year" not in part.whole
    assert part.cut == {"year"}


@pytest.mark.parametrize("wrong", [10**400, "9.0", True, [9.0]])
def test_a_rating_of_another_kind_is_doubtful(wrong: object) -> None:
    assert "rating" in part_of({"ratingsSummary": {"aggregateRating": wrong, "voteCount": 5}}).cut


def test_the_first_object_that_tells_a_field_wins_even_if_it_says_none() -> None:
    first = {"plot": None, "certificate": {"rating": 5}, "releaseYear": {"year": 1961}}
    second = {"plot": {"plotText": {"plainText": "x"}}, "certificate": {"rating": "PG"}, "releaseYear": None}
    assert part_of(first, second).whole | {"end_year": None} == {
        "plot": None, "certificate": "PG", "year": 1961, "end_year": None
    }  # fmt: skip


# --- people ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "inner", "entry"),
    [
        ("genres", "genres", "genres", {"text": "Drama"}),
        ("countries", "countriesOfOrigin", "countries", {"id": "NO"}),
        ("languages", "spokenLanguages", "spokenLanguages", {"id": "no"}),
    ],
)
def test_a_short_list_that_states_a_larger_total_is_a_beginning(
    name: str, key: str, inner: str, entry: dict[str, str]
) -> None:
    assert len(part_of({key: {inner: [entry], "total": 1}}).whole[name]) == 1
    part = part_of({key: {inner: [entry], "total": 3}})
    assert name not in part.whole
    assert len(part.partial[name]) == 1


def test_a_list_may_be_plain_or_wrapped() -> None:
    plain = [line(1, "Ada Holm"), line(2, "Bo Lind")]
    expected = (CreditLine("nm0000001", "Ada Holm"), CreditLine("nm0000002", "Bo Lind"))
    assert people_in(plain).lines == expected
    assert people_in({"edges": [{"node": node} for node in plain]}).lines == expected
    assert people_in(None).lines == ()


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
    (credited,) = people_in([{**line(1, "Ada Holm"), **roles}]).lines
    assert credited.characters == characters


def test_several_credited_roles_are_all_of_one_person() -> None:
    two = role_line(1, "Ada Holm", "Fog")
    two["creditedRoles"]["edges"] += role_line(1, "Ada Holm", "Rain")["creditedRoles"]["edges"]
    assert people_in([two]).lines[0].characters == ("Fog", "Rain")


@pytest.mark.parametrize(
    "nobody", [None, 5, {}, {"name": None}, {"name": {"id": "nm0000001", "nameText": None}}, line(1, " ")]
)
def test_a_line_that_names_nobody_is_passed_over(nobody: object) -> None:
    assert people_in([nobody, line(2, "Bo Lind")]).lines == (CreditLine("nm0000002", "Bo Lind"),)


@pytest.mark.parametrize("wrong", [5, "text", {}, {"edges": 5}])
def test_what_is_no_list_is_not_told(wrong: object) -> None:
    with pytest.raises(FieldAbsent):
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
    first = TitlePart("__NEXT_DATA__", whole={"title": "A", "plot": None}, partial={"genres": ("x",), "cast": ()})
    second = TitlePart("ld+json", whole={"title": "B", "genres": ("x", "y")}, partial={"cast": (ADA,)}, cut={"cast"})
    merged = merge_parts([first, second])
    assert merged.values == {"title": "A", "plot": None, "genres": ("x", "y"), "cast": (ADA,)}
    assert merged.cut == {"cast"}
    assert merged.untold == FIELDS - {"title", "plot", "genres", "cast"}


@pytest.mark.parametrize(
    ("linked", "markup", "plot"),
    [
        ("A ferry and a", "A ferry and a fog.", "A ferry and a fog."),
        ("A ferry and a fog.", "A ferry and ...", "A ferry and a fog."),
        ("A ferry.", "A fog.", "A fog."),
        ("A ferry.", None, "A ferry."),
    ],
)
def test_of_two_texts_the_longer_counts_if_it_continues_the_other_and_else_the_markup(
    linked: str, markup: str | None, plot: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    parts = [TitlePart("ld+json", whole={"plot": linked}), TitlePart("markup", whole={"plot": markup})]
    assert merge_parts(parts).values["plot"] == plot
    assert ("contradict" in caplog.text) == (markup == "A fog.")


def test_what_a_longer_beginning_continues_was_not_whole() -> None:
    first = TitlePart("ld+json", whole={"plot": "A ferry.", "genres": ("Drama", "War")})
    second = TitlePart(
        "markup", partial={"plot": "A ferry. It s...", "genres": ("Drama", "War", "Music")}, cut={"plot"}
    )
    merged = merge_parts([first, second])
    assert merged.values == {"plot": "A ferry. It s...", "genres": ("Drama", "War", "Music")}
    assert merged.cut == {"plot"}
    assert merged.untold & {"plot", "genres"} == {"genres"}


def movie(**values: Any) -> Any:
    return build_movie({"title": "x", **values}, imdb_id="tt0000001", scraped_at=NOW)[0]


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


def test_a_person_named_twice_keeps_the_first_place_with_all_roles_and_jobs() -> None:
    ada, bo = CreditLine("nm0000001", "Ada", ("Fog",)), CreditLine("nm0000002", "Bo")
    again = CreditLine("nm0000001", "Ada H.", ("Rain", "Fog"), attributes=("voice",))
    result = movie(cast=(ada, bo, again, bo), directors=(ada,))
    assert [(c.person.name, c.position, c.characters, c.attributes) for c in result.cast] == [
        ("Ada", 1, ("Fog", "Rain"), ("voice",)),
        ("Bo", 2, (), ()),
    ]
    lines = [CreditLine("nm0000001", "Ada", job=(job,), category="writer") for job in ("story by", "screenplay by")]
    assert [(credit.position, credit.job) for credit in movie(crew=tuple(lines)).crew] == [
        (1, ("story by", "screenplay by"))
    ]
    assert [credit.person.name for credit in result.directors] == ["Ada"]


def test_genres_are_told_once() -> None:
    assert movie(genres=("Drama", " Drama ", "", "Sci|Fi", "\0")).genres == ("Drama", "Sci|Fi", "\ufffd")


def test_a_credit_of_a_doubtful_person_is_left_out_and_its_category_named() -> None:
    lines = (CreditLine("nm1", "Ada"), CreditLine("nm0000002", "Bo"), CreditLine("x", " "))
    result, doubtful = build_movie({"title": "x", "cast": lines}, imdb_id="tt0000001", scraped_at=NOW)
    assert [(credit.person.name, credit.position) for credit in result.cast] == [("Bo", 1)]
    assert doubtful == {"cast"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("http://ia.example/images/M/MV5@._V1._SX94_SY140_.jpg", "http://ia.example/images/M/MV5@._V1_.jpg"),
        ("https://web.archive.org/web/2020im_/https://m.example/a.jpg", "https://m.example/a.jpg"),
        ("https://m.example/images/M/MV5.jpg", "https://m.example/images/M/MV5.jpg"),
    ],
)
def test_the_address_of_a_poster_is_that_of_the_whole_picture(told: str, kept: str) -> None:
    assert movie(poster_url=told).poster_url == kept
