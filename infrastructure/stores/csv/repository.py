"""The CSV store behind the port: fifty threads, one wait for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from application.records import Row, Table
from domain.movie import Movie, Person
from infrastructure.data_dir.disk_wait import DiskWait
from infrastructure.stores.csv.edited import EditedFiles, check_headers
from infrastructure.stores.csv.entry import Entry, entry_of, name_alone
from infrastructure.stores.csv.failures import STORE, told_apart
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.reading import Reading, built
from infrastructure.stores.csv.scan import ALL_TABLES, Irregular, scan
from infrastructure.stores.csv.snapshot import Standing, snapshot
from infrastructure.stores.csv.store import CsvStore
from shared.batcher import BackgroundBatcher

_MAX_GROUP_SIZE = 256
_ROWS_AT_ONCE = 500


class CsvMovieRepository:
    """``movies.csv``, ``people.csv`` and ``credits.csv`` in one directory; satisfies ``BackgroundRepository``.

    Only one process may write a directory at a time: whoever makes a writing
    repository holds ``DataDir.lock``.

    Args:
        directory: where the files are or will be.
        escape_formulas: put an apostrophe before text that a spreadsheet would take for a formula.
        read_only: change nothing, not even torn lines; works beside a process that writes.
        set_aside_unreadable: move rows that cannot be read to ``unreadable-<table>.csv`` instead of refusing them.
        disk_wait: how long a full disk is waited for; not at all unless given.

    Raises:
        UsageError: there is a file of another shape, or a row that cannot be read; nothing was changed.
        StoreUnavailable: the disk refuses.
    """

    def __init__(
        self,
        directory: Path,
        *,
        escape_formulas: bool = False,
        read_only: bool = False,
        set_aside_unreadable: bool = False,
        disk_wait: DiskWait | None = None,
    ) -> None:
        self._layout = Layout(directory)
        self._escape = escape_formulas
        self._disk_wait = disk_wait or DiskWait()
        self._lock = threading.RLock()
        self._batcher: BackgroundBatcher[Entry] = BackgroundBatcher(
            self._flush, max_batch=_MAX_GROUP_SIZE, name=f"save-{STORE}"
        )
        self._closed = False
        self._store: CsvStore | None = None
        with told_apart(directory):
            if read_only:
                self._look()
            else:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = CsvStore(self._layout, escape=escape_formulas, set_aside=set_aside_unreadable)

    @property
    def name(self) -> str:
        return STORE

    # --- writing ----------------------------------------------------------------

    def save(self, movie: Movie) -> None:
        """Insert or replace one movie; its rows and their commit are on the disk when this returns.

        Raises:
            StoreUnavailable: nothing was saved; the files are as they were.
            RecordRejected: a text holds a NUL or half a surrogate pair.
        """
        self.save_async(movie)()

    def save_async(self, movie: Movie) -> Callable[[], None]:
        """See ``BackgroundRepository.begin``.

        Raises:
            RecordRejected: a text holds a NUL or half a surrogate pair.
        """
        return self._put(entry_of(movie, escape=self._escape))

    def rename(self, person: Person) -> None:
        """Set a person's name without regard to who gave the stored one; who gave it stays noted.

        Raises:
            StoreUnavailable: nothing was saved.
            RecordRejected: the name holds a NUL or half a surrogate pair.
        """
        self._put(name_alone(person, escape=self._escape))()

    def finalize(self) -> None:
        """Rank order, one row a movie, nobody uncredited; each file replaced whole.

        Raises:
            StoreUnavailable: the disk refuses; the files are as they were, and complete.
        """
        if self._store is not None:
            self._disk_wait(self._finish)

    def close(self) -> None:
        """Let go of the files. Saving afterwards is an error."""
        self._batcher.close()
        with self._lock:
            if self._store is not None and not self._closed:
                self._closed = True
                self._store.close()

    def _put(self, entry: Entry) -> Callable[[], None]:
        self._writer()  # a misuse is told here, not by the thread that writes
        return self._batcher.put(entry).wait

    def _flush(self, entries: Sequence[Entry]) -> None:
        self._disk_wait(lambda: self._append(entries))

    def _append(self, entries: Sequence[Entry]) -> None:
        with self._lock, told_apart(self._layout.directory):
            self._writer().append(entries)

    def _finish(self) -> None:
        with self._lock, told_apart(self._layout.directory):
            self._writer().finalize()

    def _writer(self) -> CsvStore:
        if self._store is None:
            raise RuntimeError("this CSV repository only reads")
        if self._closed:
            raise RuntimeError("this CSV repository is closed")
        return self._store

    # --- reading ----------------------------------------------------------------

    def find(self, imdb_id: str) -> Movie | None:
        """The movie as it is stored, or ``None``.

        Raises:
            StoreError: it is there, but cannot be read as a movie; or the disk refuses.
        """
        with told_apart(self._layout.directory):
            if self._store is not None:
                with self._lock:
                    return self._writer().find(imdb_id)
            with snapshot(self._layout, escaped=self._escape) as (files, found):
                return _find(files, found, imdb_id)

    def ids(self) -> Iterator[str]:
        """See ``MovieRepository.ids``."""
        if self._store is None:
            yield from (row[0] or "" for row in self.rows(Table.MOVIES))
            return
        after = ""
        while True:
            with self._lock, told_apart(self._layout.directory):
                found = self._writer().ids(after)
            if not found:
                return
            yield from found
            after = found[-1]

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of one table by key, streamed.

        Read only, they come as they stand in the files: rows that stand twice or cannot be read are among them.

        Raises:
            StoreUnavailable: the disk refuses.
            UsageError: the file is of another shape.
        """
        with told_apart(self._layout.directory):
            if self._store is None:
                with snapshot(self._layout, escaped=self._escape) as (files, found):
                    yield from _all_rows(files, found, table)
                return
            after = ""
            while True:
                with self._lock:
                    rows, after = self._writer().page(table, after)
                if not after:
                    return
                yield from rows

    def _look(self) -> None:
        """Refuse files of another shape at once, not at the first row."""
        with snapshot(self._layout, escaped=self._escape) as (files, found):
            check_headers(files, found.contents.committed)


def _all_rows(files: TableFiles, found: Standing, table: Table) -> Iterator[Row]:
    try:
        scanned = scan(files, found.contents, check=not found.trusted, tables=frozenset({table}))
    except Irregular:
        edited = EditedFiles(files, found.contents.committed, escaped=found.contents.header.escaped)
        try:
            yield from edited.rows(table)
        finally:
            edited.close()
        return
    try:
        reading = Reading(files, scanned.index, found.contents.header.escaped)
        rows, after = reading.page(table, "")
        while after:
            yield from rows
            rows, after = reading.page(table, after)
    finally:
        scanned.index.close()


def _find(files: TableFiles, found: Standing, imdb_id: str) -> Movie | None:
    try:
        index = scan(files, found.contents, check=not found.trusted, tables=ALL_TABLES).index
    except Irregular:
        edited = EditedFiles(files, found.contents.committed, escaped=found.contents.header.escaped)
        try:
            parts = edited.find(imdb_id)
            return built(*parts) if parts else None
        finally:
            edited.close()
    try:
        return Reading(files, index, found.contents.header.escaped).find(imdb_id)
    finally:
        index.close()
