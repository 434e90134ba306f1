"""Titles out of GraphQL answers: whose they are, what they hold, what the server kept back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import FilmledgerError, InvalidMovie, NotFound, Transient, UnknownLayout, WrongTitle
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.scraper.graphql import GraphqlError, GraphqlResponse
from infrastructure.scraper.graphql_titles import TitleNode, read_titles, to_title
from infrastructure.scraper.title_fields import CORE_FIELDS, ParsedTitle
from tests.support.site_shapes import graphql_title

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GLASS, TIDE, LAMP = "tt0000001", "tt0000002", "tt0000003"


EMPTY = dict.fromkeys(graphql_title(), None)


def read(nodes: list[Any], asked: list[str], *errors: GraphqlError) -> list[ParsedTitle | FilmledgerError]:
    results = read_titles(GraphqlResponse({"titles": nodes}, errors), asked)
    return [to_title(result, scraped_at=NOW) if isinstance(result, TitleNode) else result for result in results]


def missing(title: ParsedTitle) -> frozenset[str]:
    return (title.untold | title.cut) & CORE_FIELDS


def only(node: Any, *errors: GraphqlError, asked: str = GLASS) -> ParsedTitle:
    (result,) = read([node], [asked], *errors)
    assert isinstance(result, ParsedTitle), result
    return result


def error_at(*path: str | int) -> GraphqlError:
    return GraphqlError("the backend is tired", "INTERNAL", ("titles", *path))


def test_every_field_is_read() -> None:
    director, ferryman, extra = (
        Person("nm0000001", "Ada Holm"),
        Person("nm0000002", "Bo Lind"),
        Person("nm0000003", "Cy Moe"),
    )
    title = only(graphql_title())
    assert title.cut == missing(title) == frozenset()
    assert title.movie == (
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
        )
    )


def test_null_without_an_error_means_that_there_is_none() -> None:
    result = only(EMPTY | {"id": GLASS, "titleText": {"text": "The Glass Ferry 01"}})
    assert missing(result) == frozenset()
    assert result.movie == Movie(GLASS, "The Glass Ferry 01", "https://www.imdb.com/title/tt0000001/", NOW)


@pytest.mark.parametrize(
    ("key", "expected"),
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
def test_null_with_an_error_is_a_field_that_was_not_told(key: tuple[str | int, ...], expected: set[str]) -> None:
    assert only(graphql_title() | {str(key[0]): None}, error_at(0, *key)).cut & CORE_FIELDS == expected


def test_every_field_of_the_query_has_its_place_among_the_missing() -> None:
    told = set().union(
        *(missing(only(graphql_title(), error_at(0, key))) for key in graphql_title() if key not in ("id", "titleText"))
    )
    assert told == {
        "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore", "genres",
        "directors", "cast", "plot", "poster_url", "certificate", "release_date",
    }  # fmt: skip


def test_a_key_that_is_not_in_the_answer_was_not_told() -> None:
    node = graphql_title()
    del node["cast"], node["metacritic"]
    assert missing(only(node)) == {"cast", "metascore"}


@pytest.mark.parametrize("node", [None, EMPTY, EMPTY | {"id": GLASS}])
def test_nothing_without_an_error_is_a_title_that_does_not_exist(node: Any) -> None:
    found, absent, also = read([graphql_title(TIDE), node, graphql_title(LAMP)], [TIDE, GLASS, LAMP])
    assert isinstance(absent, NotFound)
    assert GLASS in str(absent)
    assert isinstance(found, ParsedTitle)
    assert isinstance(also, ParsedTitle)


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
    assert isinstance(first, ParsedTitle)
    assert missing(first) == frozenset()
    assert isinstance(second, Transient)


def test_a_title_that_has_moved_stands_in_its_old_place_under_its_new_id() -> None:
    first, second = read([graphql_title(TIDE), graphql_title(LAMP)], [TIDE, GLASS])
    assert isinstance(second, ParsedTitle)
    assert second.movie.imdb_id == LAMP
    assert second.movie.source_url.endswith(f"/{LAMP}/")
    assert isinstance(first, ParsedTitle)


def test_a_title_that_has_moved_to_another_of_the_same_question_is_both() -> None:
    results = read([graphql_title(TIDE), graphql_title(TIDE)], [GLASS, TIDE])
    assert [result.movie.imdb_id for result in results if isinstance(result, ParsedTitle)] == [TIDE, TIDE]


def test_titles_out_of_order_are_found_by_their_ids() -> None:
    results = read([graphql_title(LAMP), graphql_title(GLASS), graphql_title(TIDE)], [GLASS, TIDE, LAMP])
    assert [result.movie.imdb_id for result in results if isinstance(result, ParsedTitle)] == [GLASS, TIDE, LAMP]


def test_a_moved_title_in_an_answer_out_of_order_is_not_guessed() -> None:
    moved, kept = read([graphql_title(TIDE), graphql_title(LAMP)], [GLASS, TIDE])
    assert isinstance(moved, WrongTitle)
    assert isinstance(kept, ParsedTitle)
    assert kept.movie.imdb_id == TIDE


def test_impossible_values_are_left_out_and_named() -> None:
    title = only(graphql_title(ratingsSummary={"aggregateRating": 11, "voteCount": -1}))
    assert (title.movie.rating, title.movie.votes) == (None, None)
    assert title.cut == {"rating", "votes"}


def test_an_impossible_title_fails_alone() -> None:
    with pytest.raises(InvalidMovie, match="title is empty"):
        only(graphql_title(titleText={"text": " "}))


def directors(count: int, total: int | None, cursor: str | None = None) -> dict[str, Any]:
    people = [
        {"node": {"name": {"id": f"nm00000{n:02d}", "nameText": {"text": f"Director {n}"}}}} for n in range(count)
    ]
    more = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"directors": {"edges": people, "total": total, "pageInfo": more}}


@pytest.mark.parametrize(
    ("connection", "cut"),
    [
        (directors(3, 3), set()),
        (directors(3, None), set()),
        (directors(3, 22), {"directors"}),
        (directors(3, 3, "more"), {"directors"}),
        (directors(0, 1), set()),  # withheld: untold
        (directors(0, 0), set()),
    ],
)
def test_a_list_is_whole_when_it_holds_what_it_states(connection: dict[str, Any], cut: set[str]) -> None:
    title = only(graphql_title() | connection)
    assert title.cut == cut
    assert len(title.movie.directors) == len(connection["directors"]["edges"])


_LISTS: dict[str, tuple[str, Any]] = {
    "keywords": ("keywords", {"keyword": {"text": {"text": "fog"}}}),
    "taglines": ("taglines", {"text": "Mind the gap."}),
    "locations": ("filmingLocations", {"text": "Oslo"}),
    "akas": ("akas", {"text": "Fähre", "country": None, "language": None, "attributes": []}),
    "companies": ("production", {"company": {"companyText": {"text": "Fog Films"}}}),
}


@pytest.mark.parametrize("name", _LISTS)
@pytest.mark.parametrize(
    ("more", "total", "unreadable", "whole"),
    [(False, 1, 0, True), (False, 7, 0, False), (True, 1, 0, False), (False, 2, 1, False)],
)
def test_every_list_is_whole_when_it_holds_what_it_states(
    name: str, more: bool, total: int | None, unreadable: int, whole: bool
) -> None:
    key, node = _LISTS[name]
    edges = [{"node": node}, *({"node": None} for _ in range(unreadable))]
    title = only(graphql_title() | {key: {"edges": edges, "total": total, "pageInfo": {"hasNextPage": more}}})
    assert len(getattr(title.movie, name)) == 1
    assert (name in title.cut) is not whole


@pytest.mark.parametrize(("shown", "total", "cut"), [(18, 60, set()), (4, 4, set()), (4, 60, {"cast"})])
def test_a_cast_is_bounded_where_it_holds_as_many_as_are_asked_for(shown: int, total: int, cut: set[str]) -> None:
    assert only(graphql_title() | {"cast": directors(shown, total)["directors"]}).cut == cut


@pytest.mark.parametrize("nodes", [[], [{}, {}], None, {}])
def test_an_answer_of_another_length_belongs_to_nobody(nodes: Any) -> None:
    with pytest.raises(UnknownLayout, match="asked for 1 titles"):
        read(nodes, [GLASS])
