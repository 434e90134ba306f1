"""Combines files and journals into what every reader of the store sees."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from application.records import Row, from_rows
from domain.errors import StoreError
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.dialect import decode_all, split_groups, unescape
from infrastructure.stores.csv.journal import MOVIE_TABLES, Overlay
from infrastructure.stores.csv.layout import STORE
from infrastructure.stores.csv.merge import Pieces, overlaid
from infrastructure.stores.csv.snapshot import CHECK_SECONDS, CsvSnapshot

_CREDIT_PERSON = Table.CREDITS.column_index("person_id")


class View(msgspec.Struct):
    """The store at one moment.

    Attributes:
        snapshot: the files.
        overlay: the journals that the files do not contain.
        imported: sorted copies of files that another program has changed.
    """

    snapshot: CsvSnapshot
    overlay: Overlay
    imported: dict[Table, ImportedFile] = msgspec.field(default_factory=dict)

    @property
    def escaped(self) -> bool:
        """Formulas have an apostrophe."""
        return self.snapshot.manifest.escaped

    @property
    def marker(self) -> str | None:
        """The text set last."""
        markers = (journal.marker for journal in reversed(self.overlay.journals))
        return next((marker for marker in markers if marker is not None), self.snapshot.manifest.marker)

    def pieces(self, table: Table) -> Pieces:
        """All rows in key order, encoded, in pieces of whole groups."""
        keys = self.overlay.keys(table, empty=not self.snapshot.entry(table).keys)
        return overlaid(self.snapshot.chunks(table), self.overlay, table, keys, escaped=self.escaped)

    def ids(self) -> Iterator[str]:
        """The ids of all movies, ascending."""
        for _, data in self.pieces(Table.MOVIES):
            for key, _ in split_groups(data, escaped=self.escaped):
                yield key

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in key order. Rows of a changed file are unchecked: there may be duplicates and unreadable ones.

        Raises:
            StoreError: a file was changed while it was read.
        """
        imported = self.imported.get(table)
        if imported is not None and not self.overlay.keys(table, empty=True):
            yield from (one.row for one in imported.rows())
            return
        for _, data in self.pieces(table):
            yield from self.decoded(table, data)

    def group(self, table: Table, key: str) -> list[Row]:
        """The rows with a first key cell.

        Raises:
            StoreError: a file was changed while it was read.
        """
        return self.decoded(table, self.overlay.apply(table, key, self.snapshot.group(table, key)))

    def rows_of(self, table: Table, keys: Iterable[str]) -> list[Row]:
        """The rows with any of many first key cells, in key order.

        Raises:
            StoreError: a file was changed while it was read.
        """
        wanted = sorted(set(keys))
        groups = dict(self.snapshot.groups(table, wanted))
        changed = set(self.overlay.keys(table, empty=not self.snapshot.entry(table).keys))
        for key in changed.intersection(wanted):
            groups[key] = self.overlay.apply(table, key, groups.get(key, b""))
        return self.decoded(table, b"".join([groups[key] for key in wanted if key in groups]))

    def scraped_at(self, imdb_id: str) -> str | None:
        """When a movie was read; ``None`` if it is not stored."""
        for journal in reversed(self.overlay.journals):
            saved_at = journal.saved_at(imdb_id)
            if saved_at is not None:
                return saved_at or None
        raw = self.snapshot.group(Table.MOVIES, imdb_id)
        return self.decoded(Table.MOVIES, raw)[-1][-1] if raw else None

    def find(self, imdb_id: str) -> Movie | None:
        """One movie.

        Raises:
            StoreError: its rows cannot be read as a movie.
        """
        found = self.group(Table.MOVIES, imdb_id)
        if not found:
            return None
        credits = self.group(Table.CREDITS, imdb_id)
        people = dict.fromkeys(row[_CREDIT_PERSON] or "" for row in credits)
        names = {person_id: rows[0][1] or "" for person_id in people if (rows := self.group(Table.PEOPLE, person_id))}
        try:
            return from_rows(found[0], credits, names, self.group(Table.AKAS, imdb_id))
        except KeyError as error:
            raise StoreError(STORE, f"{imdb_id} credits {error.args[0]}, who has no name in people.csv") from error
        except ValueError as error:
            raise StoreError(STORE, f"{imdb_id} cannot be read: {error}") from error

    def hold(self, imdb_id: str) -> Callable[[], dict[Table, bytes]]:
        """A function that reads the encoded rows of a movie at this moment, even after they have been replaced.

        Raises:
            ChangedFile: another program has written a file in place.
        """
        for journal in reversed(self.overlay.journals):
            if (read := journal.movie(imdb_id)) is not None:
                return read
        snapshot = self.snapshot  # its files stay open
        snapshot.require_unchanged(MOVIE_TABLES, since=CHECK_SECONDS)
        return lambda: {table: snapshot.group(table, imdb_id) for table in MOVIE_TABLES}

    def decoded(self, table: Table, data: bytes) -> list[Row]:
        """Encoded rows as cells.

        Raises:
            StoreError: they are corrupt.
        """
        with self._as_written(table):
            return decode_all(data, escaped=self.escaped)

    def canonical(self, table: Table, data: bytes) -> bytes:
        """Encoded rows without the apostrophes before formulas.

        Raises:
            StoreError: they are corrupt.
        """
        with self._as_written(table):
            return unescape(data) if self.escaped else data

    @contextmanager
    def _as_written(self, table: Table) -> Iterator[None]:
        try:
            yield
        except (csv.Error, UnicodeDecodeError) as error:
            raise StoreError(
                STORE, f"{self.snapshot.files[table].path} was changed by another program: {error}"
            ) from error
