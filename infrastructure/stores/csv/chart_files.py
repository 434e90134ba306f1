"""``<chart>.csv``: each chart as a flat file, derived from the tables."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from application.records import Row
from domain.errors import StoreError
from domain.fields import Table
from domain.movie import Credit, Movie
from infrastructure.stores.csv.dialect import encode
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.snapshot import mode_of
from infrastructure.stores.csv.view import View
from shared.atomic import write_atomically

_log = logging.getLogger(__name__)

COLUMNS: Final = (
    "rank", "imdb_id", "title", "year", "rating", "votes", "duration", "metascore", "genres", "directors", "cast",
)  # fmt: skip
_TABLES: Final = {table.value for table in Table}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


def chart_file(layout: Layout, chart: str) -> Path | None:
    """The path of a chart's flat file; ``None`` if the chart's name cannot be a file name."""
    if not _PLAIN.fullmatch(chart):
        return None
    return layout.directory / (f"chart-{chart}.csv" if chart.lower() in _TABLES else f"{chart}.csv")


def write_chart_files(layout: Layout, view: View, *, escape: bool) -> None:
    """Writes the flat file of each chart, if it changed.

    Raises:
        OSError: the disk refuses; each file is complete all the same.
    """
    for chart, rows in groupby(view.rows(Table.CHARTS), key=lambda row: str(row[0])):
        path = chart_file(layout, chart)
        lines = [_line(view, row) for row in rows]
        if path is None:
            _log.warning(
                "chart %r gets no flat file: its name has other characters than letters, digits, - and _", chart
            )
            continue
        content = b"".join(encode([COLUMNS, *lines], escape=escape))
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content, mode=mode_of(path))


def _line(view: View, place: Row) -> Row:
    _, rank, imdb_id, _ = place
    try:
        movie = view.find(str(imdb_id))
    except StoreError as error:  # `verify` reports this with more details
        _log.warning("%s", error)
        movie = None
    return (rank, imdb_id, *(_cells(movie) if movie else (None,) * (len(COLUMNS) - 2)))


def _cells(movie: Movie) -> Row:
    return (
        movie.title,
        _number(movie.year),
        None if movie.rating is None else f"{movie.rating:.1f}",
        _number(movie.votes),
        _number(movie.duration_minutes),
        _number(movie.metascore),
        ", ".join(movie.genres),
        _names(movie.directors),
        _names(movie.cast),
    )


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _names(credits: Sequence[Credit]) -> str:
    return ", ".join(credit.person.name for credit in credits)
