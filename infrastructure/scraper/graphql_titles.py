"""What GraphQL responses tell: titles, further pages of their credits, places of a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.chart import ChartEntry
from domain.errors import InvalidMovie, NotFound, SourceError, Transient, UnknownLayout, WrongTitle
from domain.movie import Movie
from infrastructure.scraper.graphql import GraphqlError, GraphqlResponse
from infrastructure.scraper.title_fields import CreditLine, TitlePart, build_movie, merge_parts
from infrastructure.scraper.title_json import CAST_SHOWN, people_in, read_fields
from infrastructure.scraper.values import FieldAbsent, entries, integer_at, list_at, text_at, value_at

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


class LengthMismatch(UnknownLayout):
    """The response holds another number of titles than were asked for, so titles and ids cannot be matched."""


@dataclass(frozen=True, slots=True)
class CreditsPage:
    """One page of a connection of credits.

    Attributes:
        lines: the people of this page.
        listed: how many entries the page has, readable or not.
        total: how many there are in all.
        cursor: where the next page begins; ``None`` at the end.
    """

    lines: tuple[CreditLine, ...]
    listed: int
    total: int | None
    cursor: str | None


@dataclass(slots=True)
class TitleNode:
    """One title of a response, before its further pages are read.

    Attributes:
        imdb_id: its own.
        part: its fields.
        credits: the first page of each list of people, by field.
        failed: fields that the server failed to tell.
    """

    imdb_id: str
    part: TitlePart
    credits: dict[str, CreditsPage]
    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class GraphqlTitle:
    """A movie, and the fields that the server did not tell (``untold``) or not completely (``cut``)."""

    movie: Movie
    untold: frozenset[str]
    cut: frozenset[str]


def read_titles(response: GraphqlResponse, asked: Sequence[str]) -> list[TitleNode | SourceError]:
    """One title or one error for each id asked for, in the same order.

    Raises:
        LengthMismatch: titles and ids cannot be matched.
    """
    nodes = response.data.get("titles")
    if not isinstance(nodes, list) or len(nodes) != len(asked):
        found = f"{len(nodes)} titles" if isinstance(nodes, list) else "no list of titles"
        raise LengthMismatch(f"GraphQL was asked for {len(asked)} titles and answered {found}")
    ids = [_own_id(node) for node in nodes]
    results: list[TitleNode | SourceError] = []
    for place, imdb_id in enumerate(asked):
        try:
            results.append(_read(response, _place_of(place, asked, ids), imdb_id))
        except SourceError as error:
            results.append(error)
    return results


def _own_id(node: object) -> str | None:
    with suppress(FieldAbsent):
        return text_at(node, "id")
    return None


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
    part = TitlePart("GraphQL", _own_id(node))
    read_fields(part, {key: value for key, value in node.items() if key != "cast"} if isinstance(node, dict) else node)
    errors = response.errors_at("titles", place)
    if part.imdb_id is None or "title" not in part.whole:
        if errors:
            said = "; ".join(dict.fromkeys(error.message for error in errors))
            raise Transient(f"GraphQL failed on {imdb_id}: {said}")
        if node is None or (isinstance(node, dict) and "titleText" in node):
            raise NotFound(f"GraphQL has no title {imdb_id}")
        raise UnknownLayout(f"GraphQL answered no title for {imdb_id}: no id and titleText were found")
    credits: dict[str, CreditsPage] = {}
    for name in ("directors", "cast"):
        with suppress(FieldAbsent):
            credits[name] = read_credits(value_at(node, name))
    return TitleNode(part.imdb_id, part, credits, frozenset().union(*(_left_empty(error) for error in errors)))


def read_credits(connection: object) -> CreditsPage:
    """One page of a connection of credits; null is an empty one.

    Raises:
        FieldAbsent: it is none.
    """
    if connection is None:
        return CreditsPage((), 0, None, None)
    total = cursor = None
    with suppress(FieldAbsent):
        total = integer_at(connection, "total")
    with suppress(FieldAbsent):
        if value_at(connection, "pageInfo", "hasNextPage") is True:
            cursor = text_at(connection, "pageInfo", "endCursor")
    return CreditsPage(people_in(connection), sum(1 for _ in entries(connection)), total, cursor)


def to_title(node: TitleNode, *, scraped_at: datetime) -> GraphqlTitle:
    """The movie of a title whose pages are read.

    A list is whole if it holds as many entries as it states; the cast also if it holds as many as we ask for.

    Raises:
        InvalidMovie: its id or title cannot be true.
    """
    part = node.part
    for name, page in node.credits.items():
        total = page.listed if page.total is None else page.total
        if name == "cast":
            if page.total is not None:
                part.whole["cast_total"] = page.total
            total = min(total, CAST_SHOWN)
        more = page.listed < total or (page.cursor is not None and name != "cast")
        if more or len(page.lines) < page.listed:
            part.partial[name] = page.lines
            part.cut.add(name)
        else:
            part.whole[name] = page.lines
    for name in node.failed:
        part.whole.pop(name, None)
        part.cut.add(name)
    merged = merge_parts([part])
    movie, doubtful = build_movie(merged.values, imdb_id=node.imdb_id, scraped_at=scraped_at)
    cut = merged.cut | doubtful
    return GraphqlTitle(movie, merged.untold - cut, cut)


def _left_empty(error: GraphqlError) -> tuple[str, ...]:
    """The fields that an error below a title has left empty."""
    match error.path[2:]:
        case ("ratingsSummary", "voteCount", *_):
            return ("votes",)
        case ("ratingsSummary", "aggregateRating", *_):
            return ("rating",)
        case (str(key), *_):
            return _FIELDS_UNDER.get(key, ())
    return ()


@dataclass(frozen=True, slots=True)
class ChartStretch:
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
    cursor = total = None
    with suppress(FieldAbsent):
        if value_at(response.data, "chartTitles", "pageInfo", "hasNextPage") is True:
            cursor = text_at(response.data, "chartTitles", "pageInfo", "endCursor")
    with suppress(FieldAbsent):
        total = integer_at(response.data, "chartTitles", "total")
    return ChartStretch(tuple(entry for edge in edges for entry in _entry(edge)), cursor, total)


def _entry(edge: object) -> Iterator[ChartEntry]:
    with suppress(FieldAbsent, InvalidMovie):
        rank, imdb_id = integer_at(edge, "currentRank"), text_at(edge, "node", "id")
        if rank is not None and imdb_id is not None:
            title = None
            with suppress(FieldAbsent):
                title = text_at(edge, "node", "titleText", "text")
            yield ChartEntry(rank, imdb_id, title or "")
