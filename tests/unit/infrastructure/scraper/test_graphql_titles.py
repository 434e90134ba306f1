"""Titles out of GraphQL answers: whose they are, what they hold, what the server kept back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import FilmledgerError, InvalidMovie, NotFound, Transient, UnknownLayout, WrongTitle
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.scraper.graphql_answer import Answer, AnswerError
from infrastructure.scraper.graphql_titles import GraphqlTitle, read_titles
from tests.support.site_shapes import graphql_title

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GLASS, TIDE, LAMP = "tt0000001", "tt0000002", "tt0000003"


EMPTY = dict.fromkeys(graphql_title(), None)


def read(nodes: list[Any], asked: list[str], *errors: AnswerError) -> list[GraphqlTitle | FilmledgerError]:
    return list(read_titles(Answer({"titles": nodes}, errors), asked, scraped_at=NOW))


def only(node: Any, *errors: AnswerError, asked: str = GLASS) -> GraphqlTitle:
    (result,) = read([node], [asked], *errors)
    assert isinstance(result, GraphqlTitle), result
    return result


def error_at(*path: str | int) -> AnswerError:
    return AnswerError("the backend is tired", "INTERNAL", ("titles", *path))


def test_every_field_is_read() -> None:
    director, ferryman, extra = (
        Person("nm0000001", "Ada Holm"),
        Person("nm0000002", "Bo Lind"),
        Person("nm0000003", "Cy Moe"),
    )
    assert only(graphql_title()) == GraphqlTitle(
        Movie(
            imdb_id=GLASS,
            title="The Glass Ferry 01",
            source_url="https://www.imdb.com/title/tt0000001/",
            scraped_at=NOW,
            original_title="Die gläserne Fähre",
            kind="movie",
            year=1961,
            rating=9.0,
            votes=1234,
            duration_minutes=100,
            metascore=88,
            genres=("Drama", "Sci-Fi"),
            plot="A ferry & a fog.",
            poster_url="https://images.example/glass.jpg",
            certificate="PG",
            release_date="1961-10",
            directors=(Credit(director, DIRECTOR, 1),),
            cast=(
                Credit(ferryman, CAST, 1, ("Ferryman", "His Brother")),
                Credit(extra, CAST, 2),
            ),
        ),
        missing=frozenset(),
    )


def test_null_without_an_error_means_that_there_is_none() -> None:
    result = only(EMPTY | {"id": GLASS, "titleText": {"text": "The Glass Ferry 01"}})
    assert result.missing == frozenset()
    assert result.movie == Movie(GLASS, "The Glass Ferry 01", "https://www.imdb.com/title/tt0000001/", NOW)


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        (("plot",), {"plot"}),
        (("ratingsSummary",), {"rating", "votes"}),
        (("ratingsSummary", "voteCount"), {"votes"}),
        (("ratingsSummary", "aggregateRating"), {"rating"}),
        (("cast", "edges", 1, "node", "name"), {"cast"}),
        (("releaseDate", "day"), {"release_date"}),
        (("somethingNew",), set()),
    ],
)
def test_null_with_an_error_is_a_field_that_was_not_told(key: tuple[str | int, ...], missing: set[str]) -> None:
    assert only(graphql_title() | {str(key[0]): None}, error_at(0, *key)).missing == missing


def test_every_field_of_the_query_has_its_place_among_the_missing() -> None:
    told = set().union(
        *(only(graphql_title(), error_at(0, key)).missing for key in graphql_title() if key not in ("id", "titleText"))
    )
    assert told == {
        "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore", "genres",
        "directors", "cast", "plot", "poster_url", "certificate", "release_date",
    }  # fmt: skip


def test_a_key_that_is_not_in_the_answer_was_not_told() -> None:
    node = graphql_title()
    del node["cast"], node["metacritic"]
    assert only(node).missing == {"cast", "metascore"}


@pytest.mark.parametrize("node", [None, EMPTY, EMPTY | {"id": GLASS}])
def test_nothing_without_an_error_is_a_title_that_does_not_exist(node: Any) -> None:
    found, missing, also = read([graphql_title(TIDE), node, graphql_title(LAMP)], [TIDE, GLASS, LAMP])
    assert isinstance(missing, NotFound)
    assert GLASS in str(missing)
    assert isinstance(found, GraphqlTitle)
    assert isinstance(also, GraphqlTitle)


@pytest.mark.parametrize(("node", "path"), [(None, ()), (EMPTY | {"id": GLASS}, ("titleText",))])
def test_nothing_with_an_error_may_pass(node: Any, path: tuple[str, ...]) -> None:
    (failed,) = read([node], [GLASS], error_at(0, *path))
    assert isinstance(failed, Transient)
    assert str(failed) == f"GraphQL failed on {GLASS}: the backend is tired"


@pytest.mark.parametrize("node", ["x", [], {}, {"id": GLASS}])
def test_something_else_than_a_title_is_not_taken_for_a_missing_one(node: Any) -> None:
    (failed,) = read([node], [GLASS])
    assert isinstance(failed, UnknownLayout)


def test_an_error_harms_its_own_title_only() -> None:
    first, second = read([graphql_title(), None], [GLASS, TIDE], error_at(1))
    assert isinstance(first, GraphqlTitle)
    assert first.missing == frozenset()
    assert isinstance(second, Transient)


def test_a_title_that_has_moved_stands_in_its_old_place_under_its_new_id() -> None:
    first, second = read([graphql_title(TIDE), graphql_title(LAMP)], [TIDE, GLASS])
    assert isinstance(second, GraphqlTitle)
    assert second.movie.imdb_id == LAMP
    assert second.movie.source_url.endswith(f"/{LAMP}/")
    assert isinstance(first, GraphqlTitle)


def test_a_title_that_has_moved_to_another_of_the_same_question_is_both() -> None:
    results = read([graphql_title(TIDE), graphql_title(TIDE)], [GLASS, TIDE])
    assert [result.movie.imdb_id for result in results if isinstance(result, GraphqlTitle)] == [TIDE, TIDE]


def test_titles_out_of_order_are_found_by_their_ids() -> None:
    results = read([graphql_title(LAMP), graphql_title(GLASS), graphql_title(TIDE)], [GLASS, TIDE, LAMP])
    assert [result.movie.imdb_id for result in results if isinstance(result, GraphqlTitle)] == [GLASS, TIDE, LAMP]


def test_a_moved_title_in_an_answer_out_of_order_is_not_guessed() -> None:
    moved, kept = read([graphql_title(TIDE), graphql_title(LAMP)], [GLASS, TIDE])
    assert isinstance(moved, WrongTitle)
    assert isinstance(kept, GraphqlTitle)
    assert kept.movie.imdb_id == TIDE


def test_impossible_values_fail_their_own_title_only() -> None:
    bad, good = read(
        [graphql_title(ratingsSummary={"aggregateRating": 11, "voteCount": -1}), graphql_title(TIDE)], [GLASS, TIDE]
    )
    assert isinstance(bad, InvalidMovie)
    assert len(bad.problems) == 2
    assert isinstance(good, GraphqlTitle)


@pytest.mark.parametrize("nodes", [[], [{}, {}], None, {}])
def test_an_answer_of_another_length_belongs_to_nobody(nodes: Any) -> None:
    with pytest.raises(UnknownLayout, match="asked for 1 titles"):
        read(nodes, [GLASS])
