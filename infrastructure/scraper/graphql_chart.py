"""A stretch of a chart out of an answer to ``chartTitles``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from domain.chart import ChartEntry
from domain.errors import InvalidMovie, UnknownLayout
from infrastructure.scraper.fields import Untold, integer_at, list_at, text_at, value_at
from infrastructure.scraper.graphql_answer import Answer


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some places of a chart; ``cursor`` is where the next ones begin, ``None`` at the end."""

    entries: tuple[ChartEntry, ...]
    cursor: str | None


def read_stretch(answer: Answer) -> Stretch:
    """The places in this answer. One without a readable rank or id is left out, so that it will be missed.

    Raises:
        UnknownLayout: there is no list in it.
    """
    try:
        edges = list_at(answer.data, "chartTitles", "edges")
    except Untold as error:
        raise UnknownLayout("GraphQL answered no chart: no chartTitles.edges was found") from error
    cursor = None
    with suppress(Untold):
        if value_at(answer.data, "chartTitles", "pageInfo", "hasNextPage") is True:
            cursor = text_at(answer.data, "chartTitles", "pageInfo", "endCursor")
    return Stretch(tuple(entry for edge in edges for entry in _entry(edge)), cursor)


def _entry(edge: object) -> Iterator[ChartEntry]:
    with suppress(Untold, InvalidMovie):
        rank, imdb_id = integer_at(edge, "currentRank"), text_at(edge, "node", "id")
        if rank is not None and imdb_id is not None:
            title = None
            with suppress(Untold):
                title = text_at(edge, "node", "titleText", "text")
            yield ChartEntry(rank, imdb_id, title or "")
