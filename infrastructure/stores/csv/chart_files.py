"""``<chart>.csv``: each chart as a flat file, derived from the tables."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from application.records import Cell, Row, parse_list
from domain.errors import StoreError
from domain.fields import Table
from domain.movie import CAST, DIRECTOR
from infrastructure.stores.csv.dialect import encode
from infrastructure.stores.csv.files import Layout, mode_of
from infrastructure.stores.csv.view import View
from shared.atomic import write_atomically

_log = logging.getLogger(__name__)

COLUMNS: Final = (
    "rank", "imdb_id", "title", "year", "rating", "votes", "duration", "metascore", "genres", "directors", "cast",
)  # fmt: skip
_TABLES: Final = {table.value for table in Table}
_PERSON: Final = Table.CREDITS.column_index("person_id")
_CATEGORY: Final = Table.CREDITS.column_index("category")
_POSITION: Final = Table.CREDITS.column_index("position")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


def write_chart_files(layout: Layout, view: View, *, escape: bool) -> None:
    """Writes the flat file of each chart, if it changed; each is complete at every moment."""
    for chart, places in groupby(view.rows(Table.CHARTS), key=lambda row: str(row[0])):
        if not _PLAIN.fullmatch(chart):  # it cannot be a file name
            _log.warning(
                "chart %r gets no flat file: its name has other characters than letters, digits, - and _", chart
            )
            continue
        path = layout.directory / (f"chart-{chart}.csv" if chart.lower() in _TABLES else f"{chart}.csv")
        try:
            content = b"".join(encode([COLUMNS, *_lines(view, list(places))], escape=escape))
        except StoreError as error:  # `verify` reports this with more details
            _log.warning("%s is not written: %s", path, error)
            continue
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content, mode=mode_of(path))


def _lines(view: View, places: Sequence[Row]) -> Iterator[Row]:
    """The rows of a flat file; a place whose title is not stored, or cannot be read, has empty cells."""
    ids = [str(imdb_id) for _, _, imdb_id, _ in places]
    movies = {
        str(row[0]): dict(zip(Table.MOVIES.columns, row, strict=False)) for row in view.rows_of(Table.MOVIES, ids)
    }
    credits: dict[str, list[Row]] = {}
    for row in view.rows_of(Table.CREDITS, ids):
        if row[_CATEGORY] in (DIRECTOR, CAST):
            credits.setdefault(str(row[0]), []).append(row)
    people = {str(row[_PERSON]) for rows in credits.values() for row in rows}
    names = {str(row[0]): row[1] for row in view.rows_of(Table.PEOPLE, people)}
    for (_, rank, _, _), imdb_id in zip(places, ids, strict=True):
        cells: Row = (None,) * (len(COLUMNS) - 2)
        if imdb_id in movies:
            try:
                cells = _cells(movies[imdb_id], credits.get(imdb_id, ()), names)
            except ValueError as error:
                _log.warning("CSV: %s cannot be read: %s", imdb_id, error)
            except KeyError as error:
                _log.warning("CSV: %s credits %s, who has no name in people.csv", imdb_id, error.args[0])
        yield (rank, imdb_id, *cells)


def _cells(movie: Mapping[str, Cell], credits: Sequence[Row], names: Mapping[str, Cell]) -> Row:
    ordered = sorted(credits, key=lambda row: int(row[_POSITION] or ""))

    def of(category: str) -> str:
        return ", ".join([names[str(row[_PERSON])] or "" for row in ordered if row[_CATEGORY] == category])

    figures = (movie[name] for name in ("title", "year", "rating", "votes", "duration_minutes", "metascore"))
    return (*figures, ", ".join(parse_list(movie["genres"] or "[]")), of(DIRECTOR), of(CAST))
