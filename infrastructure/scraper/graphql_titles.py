"""Movies out of an answer to ``titles(ids:)``: which belongs to which id, and what each does not tell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.errors import InvalidMovie, NotFound, SourceError, Transient, UnknownLayout, WrongTitle
from domain.movie import Movie
from infrastructure.scraper.fields import Untold, read_fields, text_at, value_at
from infrastructure.scraper.graphql_answer import Answer, AnswerError
from infrastructure.scraper.people import people_in
from infrastructure.scraper.reading import Reading, combine, to_movie

_FIELDS_UNDER: Final = {
    "titleText": ("title",),
    "originalTitleText": ("original_title",),
    "titleType": ("kind",),
    "releaseYear": ("year",),
    "ratingsSummary": ("rating", "votes"),
    "runtime": ("duration_minutes",),
    "metacritic": ("metascore",),
    "titleGenres": ("genres",),
    "directors": ("directors",),
    "cast": ("cast",),
    "plot": ("plot",),
    "primaryImage": ("poster_url",),
    "certificate": ("certificate",),
    "releaseDate": ("release_date",),
}


class OtherLength(UnknownLayout):
    """The answer is not as long as the question, so nobody can tell which title belongs to which id."""


@dataclass(frozen=True, slots=True)
class GraphqlTitle:
    """A movie, and the fields that the server failed to tell."""

    movie: Movie
    missing: frozenset[str]


def read_titles(
    answer: Answer, asked: Sequence[str], *, scraped_at: datetime
) -> list[GraphqlTitle | SourceError | InvalidMovie]:
    """One movie or one error for each id asked for, in the same order.

    Raises:
        OtherLength: titles and ids cannot be brought together.
    """
    nodes = answer.data.get("titles")
    if not isinstance(nodes, list) or len(nodes) != len(asked):
        found = f"{len(nodes)} titles" if isinstance(nodes, list) else "no list of titles"
        raise OtherLength(f"GraphQL was asked for {len(asked)} titles and answered {found}")
    ids = [_own_id(node) for node in nodes]
    results: list[GraphqlTitle | SourceError | InvalidMovie] = []
    for place, imdb_id in enumerate(asked):
        try:
            results.append(_read(answer, _place_of(place, asked, ids), imdb_id, scraped_at))
        except (SourceError, InvalidMovie) as error:
            results.append(error)
    return results


def _own_id(node: object) -> str | None:
    with suppress(Untold):
        return text_at(node, "id")
    return None


def _place_of(place: int, asked: Sequence[str], ids: Sequence[str | None]) -> int:
    """Where the title asked for at ``place`` stands in the answer: there, unless the order was not kept.

    Raises:
        WrongTitle: the title at its place belongs to another id of the same question.
    """
    imdb_id, there = asked[place], ids[place]
    if there in (imdb_id, None):
        return place
    if imdb_id in ids:
        return ids.index(imdb_id)
    if there in asked and ids[asked.index(there)] != there:
        raise WrongTitle(f"GraphQL was asked for {imdb_id} and answered {there}, out of order")
    return place  # it has moved: the new id stands in the place of the old one


def _read(answer: Answer, place: int, imdb_id: str, scraped_at: datetime) -> GraphqlTitle:
    node = answer.data["titles"][place]
    fields = read_fields(node)
    with suppress(Untold):
        fields["directors"] = people_in(value_at(node, "directors"))
    with suppress(Untold):
        fields["cast"] = people_in(value_at(node, "cast"))
    errors = answer.errors_at("titles", place)
    own_id = _own_id(node)
    if own_id is None or "title" not in fields:
        if errors:
            said = "; ".join(dict.fromkeys(error.message for error in errors))
            raise Transient(f"GraphQL failed on {imdb_id}: {said}")
        if node is None or (isinstance(node, dict) and "titleText" in node):
            raise NotFound(f"GraphQL has no title {imdb_id}")
        raise UnknownLayout(f"GraphQL answered no title for {imdb_id}: no id and titleText were found")
    told, missing = combine([Reading(own_id, fields)])
    movie = to_movie(told, imdb_id=own_id, scraped_at=scraped_at)
    return GraphqlTitle(movie, missing.union(*(_left_empty(error) for error in errors)))


def _left_empty(error: AnswerError) -> tuple[str, ...]:
    """The fields that an error below a title has left empty."""
    match error.path[2:]:
        case ("ratingsSummary", "voteCount", *_):
            return ("votes",)
        case ("ratingsSummary", "aggregateRating", *_):
            return ("rating",)
        case (str(key), *_):
            return _FIELDS_UNDER.get(key, ())
    return ()
