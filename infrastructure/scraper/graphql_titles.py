"""What GraphQL responses tell: titles, further pages of their lists, charts, episodes and people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from domain.chart import ChartEntry
from domain.errors import InvalidMovie, NotFound, SourceError, Transient, UnknownLayout, WrongTitle
from domain.movie import PERSON_ID, Movie, Person, PersonDetails
from infrastructure.scraper.graphql import GraphqlError, GraphqlResponse
from infrastructure.scraper.title_credits import read_listed_people
from infrastructure.scraper.title_fields import ParsedTitle, TitlePart, build_movie, merge_parts
from infrastructure.scraper.title_json import fields_under, read_fields
from infrastructure.scraper.values import (
    FieldAbsent,
    clean,
    full_size,
    get,
    integer_at,
    list_at,
    optional,
    partial_date,
    text_at,
    value_at,
)

_CREDITS: Final = ("directors", "cast", "crew")
LISTS: Final = {
    "directors": "directors", "cast": "cast", "crew": "crew", "keywords": "keywords", "taglines": "taglines",
    "filmingLocations": "locations", "akas": "akas", "production": "companies",
}  # fmt: skip
"""The lists that may be longer than one page: their names in the query, and the fields that they fill."""


class LengthMismatch(UnknownLayout):
    """The response holds another number of titles than were asked for, so titles and ids cannot be matched."""


class TitleNode(msgspec.Struct):
    """One title of a response, to which the further pages of its lists are added.

    Attributes:
        imdb_id: its own.
        node: the object of the title.
        failed: fields that the server failed to tell.
    """

    imdb_id: str
    node: dict[str, Any]
    failed: frozenset[str]

    def cursor(self, name: str) -> str | None:
        """Where the next page of a list begins; ``None`` at its end."""
        return _cursor(get(self.node, name))

    def add(self, name: str, connection: object) -> None:
        """Add a further page of a list.

        Raises:
            FieldAbsent: it is none.
        """
        edges = [*list_at(self.node, name, "edges"), *list_at(connection, "edges")]
        more = connection if isinstance(connection, dict) else {}  # each page repeats the total
        self.node[name] = {**self.node[name], **more, "edges": edges, "pageInfo": value_at(connection, "pageInfo")}


def _cursor(connection: object) -> str | None:
    """Where the next page of a list begins; ``None`` at its end."""
    more = optional(value_at, connection, "pageInfo", "hasNextPage") is True
    return optional(text_at, connection, "pageInfo", "endCursor") if more else None


def read_titles(response: GraphqlResponse, asked: Sequence[str]) -> list[TitleNode | SourceError]:
    """One title or one error for each id asked for, in the same order.

    Raises:
        LengthMismatch: titles and ids cannot be matched.
    """
    ids = [_own_id(node) for node in _nodes(response, "titles", "titles", asked)]
    results: list[TitleNode | SourceError] = []
    for place, imdb_id in enumerate(asked):
        try:
            results.append(_read(response, _place_of(place, asked, ids), imdb_id))
        except SourceError as error:
            results.append(error)
    return results


def _nodes(response: GraphqlResponse, key: str, what: str, asked: Sequence[str]) -> list[object]:
    nodes = response.data.get(key)
    if not isinstance(nodes, list) or len(nodes) != len(asked):
        found = f"{len(nodes)} {what}" if isinstance(nodes, list) else f"no list of {what}"
        raise LengthMismatch(f"GraphQL was asked for {len(asked)} {what} and answered {found}")
    return nodes


def _own_id(node: object) -> str | None:
    return cast("str | None", optional(text_at, node, "id"))


def _place_of(place: int, asked: Sequence[str], ids: Sequence[str | None]) -> int:
    """Where the title asked for at ``place`` is in the response: there, unless the order was not kept.

    Raises:
        WrongTitle: the title at its place belongs to another id that was asked for.
    """
    imdb_id, there = asked[place], ids[place]
    if there in (imdb_id, None):
        return place
    if imdb_id in ids:
        return ids.index(imdb_id)
    if there in asked and ids[asked.index(there)] != there:
        raise WrongTitle(f"GraphQL was asked for {imdb_id} and answered {there}, out of order")
    return place  # it has moved: the new id is in the place of the old one


def _read(response: GraphqlResponse, place: int, imdb_id: str) -> TitleNode:
    node = response.data["titles"][place]
    own_id = _own_id(node)
    errors = response.errors_at("titles", place)
    name = optional(text_at, node, "titleText", "text")
    if own_id is None or name is None or not isinstance(node, dict):
        if errors:
            said = "; ".join(dict.fromkeys(error.message for error in errors))
            raise Transient(f"GraphQL failed on {imdb_id}: {said}")
        if node is None or (isinstance(node, dict) and "titleText" in node):
            raise NotFound(f"GraphQL has no title {imdb_id}")
        raise UnknownLayout(f"GraphQL answered no title for {imdb_id}: no id and titleText were found")
    failed: frozenset[str] = frozenset().union(*(_left_empty(error) for error in errors))
    return TitleNode(own_id, dict(node), failed)


def to_title(title: TitleNode, *, scraped_at: datetime) -> ParsedTitle:
    """The movie of a title whose pages are read.

    A list is whole if it holds as many entries as it states; the cast also if it holds as many as we ask for.

    Raises:
        InvalidMovie: its id or title cannot be true.
    """
    part = TitlePart("GraphQL", title.imdb_id)
    read_fields(part, {name: value for name, value in title.node.items() if name != "cast"})
    read_listed_people(part, title.node)
    part.cut |= part.partial.keys() & set(LISTS.values()) - {"cast", "crew"}  # of which we ask for one page only
    for name in title.failed:
        part.whole.pop(name, None)
        part.cut.add(name)
    return merge_parts([part]).parsed(title.imdb_id, scraped_at)


def with_credits(movie: Movie, title: TitleNode) -> tuple[Movie, frozenset[str]]:
    """The movie with the complete lists of people in this node, and those of them that are incomplete.

    A list that is not longer than the movie's own and not whole leaves the movie's own in place.
    """
    part = TitlePart("GraphQL", title.imdb_id)
    read_listed_people(part, title.node, whole_cast=True)
    values = {"title": movie.title, **part.partial, **part.whole}
    read, doubtful = build_movie(values, imdb_id=movie.imdb_id, scraped_at=movie.scraped_at)
    told: dict[str, Any] = {
        name: credits
        for name in _CREDITS
        if (credits := getattr(read, name)) and (name in part.whole or len(credits) > len(getattr(movie, name)))
    }
    if read.cast_total is not None:
        told["cast_total"] = read.cast_total
    cut = (doubtful | part.cut).intersection(_CREDITS)
    return replace(movie, **told), cut


def _left_empty(error: GraphqlError) -> tuple[str, ...]:
    """The fields that an error below a title has left empty."""
    match error.path[2:]:
        case ("ratingsSummary", "voteCount", *_):
            return ("votes",)
        case ("ratingsSummary", "aggregateRating", *_):
            return ("rating",)
        case (str(key), *_):
            return (key, *fields_under(key)) if key in _CREDITS else fields_under(key)
    return ()


class ChartStretch(msgspec.Struct, frozen=True):
    """Some places of a chart; ``cursor`` is where the next ones begin, ``None`` at the end."""

    entries: tuple[ChartEntry, ...]
    cursor: str | None
    total: int | None = None


def read_stretch(response: GraphqlResponse) -> ChartStretch:
    """The places in this response. One without a readable rank or id is left out, so that it will be missed.

    Raises:
        UnknownLayout: there is no list in it.
    """
    try:
        edges = list_at(response.data, "chartTitles", "edges")
    except FieldAbsent as error:
        raise UnknownLayout("GraphQL answered no chart: no chartTitles.edges was found") from error
    total = optional(integer_at, response.data, "chartTitles", "total")
    found = tuple(entry for edge in edges for entry in _entry(edge))
    return ChartStretch(found, _cursor(get(response.data, "chartTitles")), total)


def _entry(edge: object) -> Iterator[ChartEntry]:
    with suppress(FieldAbsent, InvalidMovie):
        rank, imdb_id = integer_at(edge, "currentRank"), text_at(edge, "node", "id")
        if rank is not None and imdb_id is not None:
            yield ChartEntry(rank, imdb_id, optional(text_at, edge, "node", "titleText", "text") or "")


class EpisodesPage(msgspec.Struct, frozen=True):
    """Some episodes of a series, by id and title.

    Attributes:
        series: its title.
        episodes: id and title of each.
        total: the number of all episodes, as IMDb states it.
        cursor: where the next ones begin, ``None`` at the end.
        of: id and title of the series where the title is itself an episode; there are no episodes then.
    """

    series: str
    episodes: tuple[tuple[str, str], ...]
    total: int
    cursor: str | None
    of: tuple[str, str] | None = None


def read_episodes(response: GraphqlResponse, imdb_id: str) -> EpisodesPage:
    """The episodes in this response.

    Raises:
        NotFound: there is no such title, or it has no episodes.
        UnknownLayout: there is no list in it.
    """
    try:
        title = value_at(response.data, "title")
        name = text_at(title, "titleText", "text")
        connection = value_at(title, "episodes", "episodes")
    except FieldAbsent as error:
        raise UnknownLayout(f"GraphQL answered no episodes of {imdb_id}: {error} was not found") from error
    if name is None:
        raise NotFound(f"GraphQL has no title {imdb_id}")
    if connection is None:
        series = optional(value_at, title, "series", "series")
        if series_id := _own_id(series):
            return EpisodesPage(name, (), 0, None, (series_id, optional(text_at, series, "titleText", "text") or ""))
        raise NotFound(f"{imdb_id} ({name}) has no episodes: it is no series")
    try:
        total = integer_at(connection, "total") or 0
        found = tuple(
            (episode, text_at(edge, "node", "titleText", "text") or "")
            for edge in list_at(connection, "edges")
            if (episode := text_at(edge, "node", "id"))
        )
    except FieldAbsent as error:
        raise UnknownLayout(f"GraphQL answered no episodes of {imdb_id}: {error} was not found") from error
    return EpisodesPage(name, found, total, _cursor(connection))


def read_person_details(
    response: GraphqlResponse, asked: Sequence[str], *, read_at: datetime
) -> list[tuple[Person, PersonDetails] | SourceError]:
    """The name and the details of each person asked for, in the same order, or an error.

    Raises:
        LengthMismatch: people and ids cannot be matched.
    """
    nodes = _nodes(response, "names", "people", asked)
    return [_person(node, person_id, read_at) for node, person_id in zip(nodes, asked, strict=True)]


def _person(node: object, asked: str, read_at: datetime) -> tuple[Person, PersonDetails] | SourceError:
    own_id, name = _own_id(node), clean(optional(text_at, node, "nameText", "text"))
    if own_id is None or not name or not PERSON_ID.fullmatch(own_id):
        return NotFound(f"GraphQL has no person {asked}")
    person = Person(own_id, name)
    picture = optional(text_at, node, "primaryImage", "url")
    told: dict[str, Any] = {
        "born": optional(_date, node, "birthDate"),
        "died": optional(_date, node, "deathDate"),
        "birth_place": clean(optional(text_at, node, "birthLocation", "text")),
        "picture_url": picture and (full_size(picture) or picture),
        "professions": optional(_distinct, node, "primaryProfessions", entry=("category", "text")) or (),
        "known_for": optional(_distinct, node, "knownFor", "edges", entry=("node", "title", "id")) or (),
    }
    try:
        return person, PersonDetails(own_id, read_at, "graphql", **told)
    except InvalidMovie:  # each doubtful value alone is left out
        kept: dict[str, Any] = {}
        for field, value in told.items():
            with suppress(InvalidMovie):
                PersonDetails(own_id, read_at, "graphql", **{field: value})
                kept[field] = value
        return person, PersonDetails(own_id, read_at, "graphql", **kept)


def _date(node: object, key: str) -> str | None:
    parts = value_at(node, key, "dateComponents")
    return partial_date(*(integer_at(parts, name) for name in ("year", "month", "day")))


def _distinct(node: object, *path: str, entry: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for one in list_at(node, *path) if (text := clean(text_at(one, *entry)))))
