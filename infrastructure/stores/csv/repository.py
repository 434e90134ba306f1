"""The repository of the CSV store: concurrent saves share one wait for the disk."""

from __future__ import annotations

import contextvars
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import Final, TypeVar

from application.ports.stores import PreparedTables
from application.records import MovieRows, Row, is_from_future, sort_key, to_rows
from domain.fields import Table
from domain.movie import Movie
from infrastructure.data_dir import DiskWait
from infrastructure.stores.csv.chart_files import write_chart_files
from infrastructure.stores.csv.dialect import header
from infrastructure.stores.csv.files import STORE, ChangedFile, Layout, translate_os_errors
from infrastructure.stores.csv.generations import Generations
from infrastructure.stores.csv.journal import Entry, entry, held_entry, movie_entry
from infrastructure.stores.csv.view import CsvReader, View
from infrastructure.stores.csv.writer import CsvWriter
from shared.batcher import BackgroundBatcher
from shared.clock import Clock, SystemClock

T = TypeVar("T")
_log = logging.getLogger(__name__)
_MAX_GROUP_SIZE: Final = 256
_ROWS_AT_ONCE: Final = 500


class CsvMovieRepository:
    """The tables as CSV files in one directory; satisfies ``BackgroundRepository`` and ``RestoringRepository``.

    Only one process may write a directory at a time: the holder of ``DataDir.lock``.

    Args:
        escape_formulas: put an apostrophe before text that a spreadsheet would treat as a formula.
        read_only: change nothing; works beside a process that writes.
        set_aside_unreadable: move rows that cannot be read to ``unreadable-<table>.csv`` instead of refusing them.
        disk_wait: how long to wait on a full disk; not at all unless given.
        rank_chart: returns the chart of the ranks in files of version 0.1, and is called if there are such files;
            if it returns none, they are written to ``ranks-before.csv``.
        clock: decides whether a stored record or chart was read in the future.

    Raises:
        UsageError: a file has other columns, or a row cannot be read; nothing was changed.
        StoreUnavailable: the disk refuses.
    """

    name = STORE
    may_reject = False  # files accept all values that the field table allows

    def __init__(
        self,
        directory: Path,
        *,
        escape_formulas: bool = False,
        read_only: bool = False,
        set_aside_unreadable: bool = False,
        disk_wait: DiskWait | None = None,
        rank_chart: Callable[[], str | None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._layout = Layout(directory)
        self._escape = escape_formulas
        self._disk_wait = disk_wait or DiskWait()
        self._batcher: BackgroundBatcher[Entry] | None = None
        self._closed = False
        self._writer: CsvWriter | None = None
        self._reader: CsvReader | None = None
        with translate_os_errors(directory):
            if read_only:
                self._reader = CsvReader(self._layout, escaped=escape_formulas)
                self._reader.view()
            else:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._batcher = BackgroundBatcher(self._flush, max_batch=_MAX_GROUP_SIZE, name=f"save-{STORE}")
                files = Generations(
                    self._layout, escape=escape_formulas, set_aside=set_aside_unreadable, rank_chart=rank_chart
                )
                self._writer = CsvWriter(files)

    @property
    def edited_during_run(self) -> frozenset[Table]:
        """Tables whose files another program has changed since they were opened."""
        return frozenset(self._writer.files.edited) if self._writer is not None else frozenset()

    @property
    def missing_titles(self) -> list[str]:
        """Ids of titles that are missing in an edited ``movies.csv`` but not in the other files or the old version."""
        return sorted(self._writer.files.missing) if self._writer else []

    # --- writing ----------------------------------------------------------------

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        self.save_async(movie, rows)()

    def save_async(self, movie: Movie, rows: MovieRows | None = None) -> Callable[[], None]:
        return self._put(movie_entry(movie, rows or to_rows(movie), escape=self._escape))

    def hold(self, imdb_id: str) -> Callable[[], None]:
        with translate_os_errors(self._layout.directory):
            read = self._retry_if_changed(lambda: self._view().hold(imdb_id))

        def put_back() -> None:
            with translate_os_errors(self._layout.directory):
                held = read()
            self._put(held_entry(imdb_id, held))()

        return put_back

    def replace(self, imdb_id: str, movie: Movie | None) -> None:
        if movie is None:
            self._put(held_entry(imdb_id, {}))()
        else:
            self._put(movie_entry(movie, to_rows(movie), escape=self._escape, kind="replace"))()

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:
        made = entry(kind="chart", table=Table.CHARTS, chart=chart, rows=list(rows))

        def put(writer: CsvWriter) -> None:
            stored = max((str(row[-1]) for row in writer.files.view.group(Table.CHARTS, chart)), default="")
            if rows and stored > (read_at := str(rows[0][-1])):
                if not is_from_future(stored, read_at, self._clock.now()):
                    return
                _log.warning("CSV: chart %s was stored as read at %s, in the future; replaced", chart, stored)
            writer.append([made])

        self._write(put)

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        remaining = iter(rows)
        while some := list(islice(remaining, _ROWS_AT_ONCE)):
            some.sort(key=lambda row: sort_key(table, row))
            groups = [list(group) for _, group in groupby(some, key=lambda row: row[0])]
            self._write(lambda writer, groups=groups: writer.save_groups(table, groups))  # type: ignore[misc]

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        wanted = sorted(set(keys))
        return self._write(lambda writer: writer.delete(table, wanted))

    @property
    def marker(self) -> str | None:
        with translate_os_errors(self._layout.directory):
            return self._view().marker

    def set_marker(self, marker: str) -> None:
        self._write(lambda writer: writer.append([entry(kind="marker", marker=marker)]))

    # --- loads ------------------------------------------------------------------

    @property
    def load_id(self) -> str | None:
        return self._view().snapshot.manifest.load

    def write_table(self, table: Table, path: Path) -> None:
        source = self._layout.table(table)
        with translate_os_errors(self._layout.directory):
            if self._writer is not None:
                self._writing().files.merge(complete=True)
            if not self._escape:
                try:
                    os.link(source, path)  # a merge replaces the file; the link keeps the old one
                except OSError:
                    shutil.copyfile(source, path)
                return
            with path.open("wb") as out:
                out.write(header(table))
                view = self._view()
                out.writelines(view.canonical(table, chunk.data) for chunk in view.snapshot.chunks(table))

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        writer = self._writing()
        with translate_os_errors(self._layout.directory), writer.files.loading(prepared, load_id) as commit:
            yield commit

    def finalize(self) -> None:
        """Merges journals into the files and writes ``<chart>.csv``.

        Raises:
            StoreUnavailable: the disk refuses; the files are unchanged and complete.
        """
        if self._writer is None:
            return
        files = self._writing().files

        def finish() -> None:
            with translate_os_errors(self._layout.directory):
                files.merge(complete=True)
                write_chart_files(self._layout, files.view, escape=self._escape)

        self._disk_wait(finish)

    def close(self) -> None:
        """Merges the journals, if the disk accepts it, and closes the files. Saving afterwards is an error."""
        if self._batcher is not None:
            self._batcher.close()
        if self._reader is not None:
            self._reader.close()
        if self._writer is not None and not self._closed:
            self._closed = True
            self._writer.close()

    def _put(self, made: Entry) -> Callable[[], None]:
        self._writing()  # misuse is reported here, not in the thread that writes
        assert self._batcher is not None  # noqa: S101 - a store that is written has one
        return self._batcher.put(made).wait

    def _write(self, put: Callable[[CsvWriter], T]) -> T:
        writer = self._writing()

        def locked() -> T:
            with writer.files.lock:
                return put(writer)

        def attempt() -> T:
            with translate_os_errors(self._layout.directory):
                writer.wait_for_room()
                return self._retry_if_changed(locked)

        return self._disk_wait(attempt)

    def _retry_if_changed(self, read: Callable[[], T]) -> T:
        """Calls a function that reads the files; again, after a merge, if another program has written them."""
        try:
            return read()
        except ChangedFile:
            if self._writer is None:
                raise
            # In a context of its own, because its warnings are about files, not about the current job.
            contextvars.Context().run(self._writer.files.merge, changed=True)
            return read()

    def _flush(self, entries: Sequence[Entry]) -> None:
        self._write(lambda writer: writer.save(entries, self._clock.now()))

    def _writing(self) -> CsvWriter:
        if self._writer is None:
            raise RuntimeError("this CSV repository only reads")
        if self._closed:
            raise RuntimeError("this CSV repository is closed")
        return self._writer

    # --- reading ----------------------------------------------------------------

    def find(self, imdb_id: str) -> Movie | None:
        with translate_os_errors(self._layout.directory):
            return self._retry_if_changed(lambda: self._view().find(imdb_id))

    def ids(self) -> Iterator[str]:
        with translate_os_errors(self._layout.directory):
            yield from self._view().ids()

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of a table.

        In read-only mode, rows of a file that another program has changed are returned
        unchecked, including duplicates and unreadable ones.

        Raises:
            StoreUnavailable: the disk refuses.
            UsageError: the file has other columns.
        """
        with translate_os_errors(self._layout.directory):
            yield from self._view(table).rows(table)

    def text(self, table: Table) -> Iterator[bytes] | None:
        with translate_os_errors(self._layout.directory):
            view = self._view(table)
        return None if table in view.imported else self._pieces(view, table)

    def _pieces(self, view: View, table: Table) -> Iterator[bytes]:
        with translate_os_errors(self._layout.directory):
            for _, data in view.pieces(table):
                if data:
                    yield view.canonical(table, data)

    def unreadable_rows(self) -> Iterator[str]:
        """Rows of changed files that cannot be read, each as one line of text: file, line and reason."""
        with translate_os_errors(self._layout.directory):
            for table in Table:
                view = self._view(table)
                for row in view.imported[table].rows() if table in view.imported else ():
                    if row.problem:
                        text = f"{table}.csv line {row.line}: {row.problem}"
                        yield text.encode(errors="backslashreplace").decode()

    def _view(self, check: Table | None = None) -> View:
        """The store at this moment; a reader compares the file of ``check`` with its checksum."""
        return self._reader.view(check) if self._reader else self._writing().files.view


def require_readable(directory: Path) -> None:
    """Checks that files without a manifest, such as those of version 0.1, can be migrated. Changes nothing.

    It runs before any store is migrated, so that none is migrated while another refuses.

    Raises:
        UsageError: a file has other columns, a row cannot be read, or a journal is unknown.
        StoreUnavailable: the disk refuses.
    """
    layout = Layout(directory)
    if layout.manifest.exists() or not any(layout.table(table).exists() for table in Table):
        return
    with translate_os_errors(directory):
        for imported in CsvReader(layout, escaped=False).view().imported.values():
            imported.require_readable(directory)
