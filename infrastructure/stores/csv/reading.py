"""Rows and movies out of files whose index is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from application.records import Row, Table, from_rows, sort_key
from domain.errors import StoreError
from domain.movie import Movie
from infrastructure.stores.csv.dialect import decode, parse
from infrastructure.stores.csv.failures import STORE
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.index import Index, Span

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """Files, an index of them, and how their cells are written."""

    files: TableFiles
    index: Index
    escaped: bool

    def page(self, table: Table, after: str) -> tuple[list[Row], str]:
        """The rows of the next few ids behind one, and the last of these ids; none at the end.

        Raises:
            OSError: the disk refuses.
            StoreError: the bytes are not rows any more.
        """
        rows: list[Row] = []
        last = ""
        for last, span in self.index.page(table, after, _PAGE):  # noqa: B007 - wanted behind the loop
            found = self._rows(table, span)
            rows += sorted(found, key=lambda row: sort_key(table, row)) if len(found) > 1 else found
        return rows, last

    def find(self, imdb_id: str) -> Movie | None:
        """One movie.

        Raises:
            OSError: the disk refuses.
            StoreError: it is there, but is no movie.
        """
        entry = self.index.movies([imdb_id]).get(imdb_id)
        if entry is None:
            return None
        span = self.index.credits([imdb_id]).get(imdb_id)
        listed = self._rows(Table.CREDITS, span) if span else []
        people = self.index.people(row[1] or "" for row in listed)
        names = {person_id: self._rows(Table.PEOPLE, span)[0][1] or "" for person_id, span in people.items()}
        return built(self._rows(Table.MOVIES, entry.span)[0], listed, names)

    def credited(self, span: Span) -> list[str]:
        """The people of a movie's credits."""
        return list(dict.fromkeys(row[1] or "" for row in self._rows(Table.CREDITS, span)))

    def _rows(self, table: Table, span: Span) -> list[Row]:
        data = self.files.read(table, span.offset, span.length)
        try:
            return list(_decoded(io.StringIO(data.decode(), newline="\n"), escaped=self.escaped))
        except (csv.Error, UnicodeDecodeError) as error:
            raise StoreError(STORE, f"{self.files.path(table)} was changed at byte {span.offset}: {error}") from error


def _decoded(lines: Iterable[str], *, escaped: bool) -> Iterator[Row]:
    for cells in parse(lines):
        yield decode(cells, escaped=escaped)


def built(movie: Row, listed: Iterable[Row], names: Mapping[str, str]) -> Movie:
    """A movie from its rows.

    Raises:
        StoreError: the rows do not make a movie.
    """
    try:
        return from_rows(movie, listed, names)
    except KeyError as error:
        raise StoreError(STORE, f"{movie[0]} credits {error.args[0]}, who has no name in people.csv") from error
    except ValueError as error:
        raise StoreError(STORE, f"{movie[0]} cannot be read: {error}") from error
