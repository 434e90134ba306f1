"""What readers of the store see: the files of one generation with the journals on top of them."""

from __future__ import annotations

import csv
import errno
import math
import os
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from application.records import Row, from_rows
from domain.errors import StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.csv import format1
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.dialect import decode_all, find_group, split_groups, unescape
from infrastructure.stores.csv.files import (
    BLOCK,
    STORE,
    ChangedFile,
    Chunk,
    FileEntry,
    Layout,
    Manifest,
    OpenFile,
    read_manifest,
    write_table,
)
from infrastructure.stores.csv.journal import MOVIE_TABLES, Journal, open_journals

Pieces: TypeAlias = Iterator[tuple[str, bytes]]
CHECK_SECONDS: Final = 0.001
"""How long saves trust that no other program has written a file: looking costs a switch between 50 threads."""
_CREDIT_PERSON: Final = Table.CREDITS.column_index("person_id")
_NOTHING: Final = FileEntry()
_TRIES: Final = 100  # each fails if a writer has just installed a generation


class CsvSnapshot:
    """The open files of one generation, one for each table. Thread-safe.

    What reads their rows raises ``ChangedFile`` if another program has written the file in place.
    """

    def __init__(self, manifest: Manifest, files: Mapping[Table, OpenFile]) -> None:
        self.manifest = manifest
        self.files = files
        self._opened = {table: file.status() for table, file in files.items()}
        self._checked: dict[Table, float] = {}
        self._last: dict[Table, str] = {}

    def close(self) -> None:
        """Closes the files; they are also closed when the last reader drops the snapshot."""
        for file in self.files.values():
            file.close()

    def entry(self, table: Table) -> FileEntry:
        """The manifest's entry for a table's file."""
        return self.manifest.files.get(table, _NOTHING)

    @property
    def size(self) -> int:
        """Length of all files."""
        return sum(entry.size for entry in self.manifest.files.values())

    def chunks(self, table: Table) -> Iterator[Chunk]:
        """All rows in order; one empty chunk if there are none."""
        entry = self.entry(table)
        if not entry.keys:
            yield Chunk("", None, b"")
            return
        following = [*entry.keys[1:], None]
        for first, after, begin, end in zip(entry.keys, following, entry.offsets, entry.ends, strict=True):
            yield Chunk(first, after, self._read(table, begin, end))

    def group(self, table: Table, key: str) -> bytes:
        """The rows with a first key cell; empty if there are none."""
        entry = self.entry(table)
        place = bisect_right(entry.keys, key) - 1
        if place < 0:
            return b""
        if place + 1 < len(entry.keys):
            data = self._read(table, entry.offsets[place], entry.offsets[place + 1])
        elif key > self._last_key(table):  # titles often come in order: each would be sought in all of the last chunk
            self.require_unchanged((table,), since=CHECK_SECONDS)
            return b""
        else:
            data = self._read(table, entry.offsets[place], entry.size)
        return find_group(data, key, escaped=self.manifest.escaped)

    def groups(self, table: Table, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The groups of many first key cells, ascending, those without rows left out. Reads each part once."""
        entry = self.entry(table)
        ends = entry.ends
        for place, some in groupby(keys, key=lambda key: bisect_right(entry.keys, key) - 1):
            if place >= 0:
                data = self._read(table, entry.offsets[place], ends[place])
                found = dict(split_groups(data, escaped=self.manifest.escaped))
                yield from ((key, found[key]) for key in some if key in found)

    def _last_key(self, table: Table) -> str:
        if table not in self._last:
            entry = self.entry(table)
            data = self._read(table, entry.offsets[-1], entry.size)
            self._last[table] = max(key for key, _ in split_groups(data, escaped=self.manifest.escaped))
        return self._last[table]

    def require_unchanged(self, tables: Iterable[Table], *, since: float = 0.0) -> None:
        """Raises ``ChangedFile`` if another program has written the files of these tables in place.

        Args:
            since: a check that is not older than so many seconds is enough.
        """
        now = time.monotonic()
        for table in tables:
            if now - self._checked.get(table, -math.inf) < since:
                continue
            file = self.files[table]
            if file.status() != self._opened[table]:
                raise ChangedFile(errno.ESTALE, "another program has changed it", str(file.path))
            self._checked[table] = now

    def _read(self, table: Table, begin: int, end: int) -> bytes:
        file = self.files[table]
        try:
            data = file.read(begin, end - begin)
        except OSError:
            if file.status() == self._opened[table]:
                raise
            data = b""
        self.require_unchanged((table,))
        return data

    def is_unchanged(self, table: Table) -> bool:
        """Whether the open file is the one of the manifest: by size, identity and time, otherwise by the checksum."""
        entry, file = self.entry(table), self.files[table]
        size, identity = file.status()
        if size != entry.size or file.exists != (entry.size > 0) or (entry.size and entry.columns != table.columns):
            return False
        return identity == entry.identity or file.crc(size) == entry.crc

    def import_file(
        self, table: Table, end: int | None = None, *, file: OpenFile | None = None, scratch: Path | None = None
    ) -> ImportedFile:
        """All rows of a table's file, or of another version of it, that another program has written."""
        columns = self.entry(table).columns
        escaped = self.manifest.escaped
        return ImportedFile(file or self.files[table], table, end, escaped=escaped, known=columns, scratch=scratch)

    def adopted(self) -> Manifest | None:
        """The manifest with the current identities of the files; ``None`` if nothing changed."""
        files = {
            table: replace(entry, identity=self.files[table].status()[1])
            for table, entry in self.manifest.files.items()
        }
        return None if files == self.manifest.files else replace(self.manifest, files=files)


def open_snapshot(layout: Layout, manifest: Manifest) -> CsvSnapshot:
    """Opens the files of a generation, renamed or not."""
    return CsvSnapshot(
        manifest,
        {table: OpenFile(layout.upcoming(table, manifest.generation), layout.table(table)) for table in Table},
    )


class View(msgspec.Struct):
    """The store at one moment. What decodes rows raises ``StoreError`` if they are corrupt.

    Attributes:
        snapshot: the files.
        journals: those that the files do not contain, the oldest first.
        imported: sorted copies of files that another program has changed.
    """

    snapshot: CsvSnapshot
    journals: tuple[Journal, ...] = ()
    imported: dict[Table, ImportedFile] = msgspec.field(default_factory=dict)

    @property
    def escaped(self) -> bool:
        """Formulas have an apostrophe."""
        return self.snapshot.manifest.escaped

    @property
    def marker(self) -> str | None:
        """The text set last."""
        markers = (journal.marker for journal in reversed(self.journals))
        return next((marker for marker in markers if marker is not None), self.snapshot.manifest.marker)

    def keys(self, table: Table, *, empty: bool | None = None) -> list[str]:
        """First key cells of the groups that the journals change, ascending.

        Args:
            empty: its file has no rows; by default, what the manifest says.
        """
        empty = not self.snapshot.entry(table).keys if empty is None else empty
        if empty and table is Table.AKAS and not any(journal.has_akas for journal in self.journals):
            return []  # few titles have any, so most lines need not be read
        keys: set[str] = set()
        keys.update(*(journal.keys(table) for journal in self.journals))
        return sorted(keys)

    def apply(self, table: Table, key: str, old: bytes) -> bytes:
        """The rows of a group after all journals."""
        for journal in self.journals:
            old = journal.apply(table, key, old)
        return old

    def overlaid(self, table: Table, chunks: Iterable[Chunk], keys: Sequence[str], *, escaped: bool) -> Pieces:
        """Sorted rows after the journals.

        Args:
            chunks: rows of the files, the last chunk with ``after`` None.
            keys: first key cells that the journals change, ascending.
            escaped: formulas have an apostrophe.
        """
        place = 0
        for first, after, data in chunks:
            end = len(keys) if after is None else bisect_left(keys, after, place)
            if place == end:
                yield first, data
                continue
            groups = dict(split_groups(data, escaped=escaped))
            changed = set(keys[place:end])
            place = end
            pieces: list[bytes] = []
            size = 0
            start = ""
            for key in sorted(changed.union(groups)):
                raw = groups.get(key, b"")
                if key in changed:
                    raw = self.apply(table, key, raw)
                if not raw:
                    continue
                start = start if pieces else key
                pieces.append(raw)
                size += len(raw)
                if size >= BLOCK:
                    yield start, b"".join(pieces)
                    pieces, size = [], 0
            if pieces:
                yield start, b"".join(pieces)

    def pieces(self, table: Table) -> Pieces:
        """All rows in key order, encoded, in pieces of whole groups."""
        return self.overlaid(table, self.snapshot.chunks(table), self.keys(table), escaped=self.escaped)

    def ids(self) -> Iterator[str]:
        """The ids of all movies, ascending."""
        for _, data in self.pieces(Table.MOVIES):
            for key, _ in split_groups(data, escaped=self.escaped):
                yield key

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in key order. Rows of a changed file are unchecked: there may be duplicates and unreadable ones."""
        imported = self.imported.get(table)
        if imported is not None and not self.keys(table, empty=True):
            yield from (one.row for one in imported.rows())
            return
        for _, data in self.pieces(table):
            yield from self.decoded(table, data)

    def group(self, table: Table, key: str) -> list[Row]:
        """The rows with a first key cell."""
        return self.decoded(table, self.apply(table, key, self.snapshot.group(table, key)))

    def rows_of(self, table: Table, keys: Iterable[str]) -> list[Row]:
        """The rows with any of many first key cells, in key order."""
        wanted = sorted(set(keys))
        groups = dict(self.snapshot.groups(table, wanted))
        for key in set(self.keys(table)).intersection(wanted):
            groups[key] = self.apply(table, key, groups.get(key, b""))
        return self.decoded(table, b"".join([groups[key] for key in wanted if key in groups]))

    def scraped_at(self, imdb_id: str) -> str | None:
        """When a movie was read; ``None`` if it is not stored."""
        for journal in reversed(self.journals):
            saved_at = journal.saved_at(imdb_id)
            if saved_at is not None:
                return saved_at or None
        raw = self.snapshot.group(Table.MOVIES, imdb_id)
        return self.decoded(Table.MOVIES, raw)[-1][-1] if raw else None

    def find(self, imdb_id: str) -> Movie | None:
        """One movie, or ``None``."""
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
        """A function that reads the encoded rows of a movie at this moment, even after they have been replaced."""
        for journal in reversed(self.journals):
            if (read := journal.movie(imdb_id)) is not None:
                return read
        snapshot = self.snapshot  # its files stay open
        snapshot.require_unchanged(MOVIE_TABLES, since=CHECK_SECONDS)
        return lambda: {table: snapshot.group(table, imdb_id) for table in MOVIE_TABLES}

    def decoded(self, table: Table, data: bytes) -> list[Row]:
        """Encoded rows as cells."""
        with self._as_written(table):
            return decode_all(data, escaped=self.escaped)

    def canonical(self, table: Table, data: bytes) -> bytes:
        """Encoded rows without the apostrophes before formulas."""
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


class CsvReader:
    """Reads the store while another process may write, and changes nothing. Reuses a view while files are unchanged.

    Args:
        escaped: whether formulas have an apostrophe, if no manifest says so.
    """

    def __init__(self, layout: Layout, *, escaped: bool) -> None:
        self._layout = layout
        self._escaped = escaped
        self._kept: tuple[list[object], View] | None = None

    def view(self, check: Table | None = None) -> View:
        """The store at this moment.

        Args:
            check: compare the file of this table with its checksum, even if its time did not change.

        Raises:
            UsageError: a file has other columns.
            StoreUnavailable: a writer installs generations faster than they can be opened.
        """
        for _ in range(_TRIES):
            state = self._state()
            if self._kept is not None and self._kept[0] == state:
                return _checked(self._kept[1], check)
            view = self._opened()
            after = self._state()
            if view is not None and after[0] == state[0]:
                if after == state:
                    self._kept = (state, view)
                return _checked(view, check)
        raise StoreUnavailable(STORE, f"{self._layout.directory} changes too fast to be read: try again")

    def close(self) -> None:
        """Drops the view."""
        self._kept = None

    def _state(self) -> list[object]:
        """Changes with every save, merge or edit; the first element with every merge."""
        layout = self._layout
        files = [layout.manifest, *map(layout.table, Table), *map(layout.journal, layout.journals())]
        return [(path, OpenFile(path).status()) for path in files]

    def _opened(self) -> View | None:
        """A view; ``None`` if the generation changed meanwhile."""
        layout = self._layout
        manifest = read_manifest(layout.manifest)
        settled = format1.settle(layout, manifest, escaped=self._escaped, read_only=True)
        snapshot = open_snapshot(layout, manifest or Manifest(escaped=settled.escaped))
        try:
            journals = open_journals(layout, snapshot.manifest, repair=False)
        except FileNotFoundError:
            return None
        after = read_manifest(layout.manifest)
        if (manifest and manifest.generation) != (after and after.generation):
            return None
        if settled.saves:
            with tempfile.TemporaryDirectory() as folder:  # the open journal keeps its file
                journal = Journal(Path(folder) / "saves.jsonl", 0, escaped=settled.escaped, repair=False)
                settled.write(journal, layout, [])
                journals.insert(0, journal)
        view = View(snapshot, tuple(journals))
        for table in Table:
            if not snapshot.is_unchanged(table):
                _import(view, table, settled.ends.get(table))
        return view


def _checked(view: View, check: Table | None) -> View:
    if check is not None and check not in view.imported:
        entry, file = view.snapshot.entry(check), view.snapshot.files[check]
        if file.crc(entry.size) != entry.crc:
            _import(view, check)
    return view


def _import(view: View, table: Table, end: int | None = None) -> None:
    """Replaces a changed file in a view by a sorted copy in an unnamed file."""
    snapshot = view.snapshot
    imported = snapshot.import_file(table, end)
    with tempfile.TemporaryFile() as copy:
        entry = write_table(copy, table, ((chunk.first, chunk.data) for chunk in imported.chunks(escape=view.escaped)))
        opened = OpenFile(snapshot.files[table].path, descriptor=os.dup(copy.fileno()))
    manifest = replace(snapshot.manifest, files={**snapshot.manifest.files, table: entry})
    view.snapshot = CsvSnapshot(manifest, {**snapshot.files, table: opened})
    view.imported[table] = imported
