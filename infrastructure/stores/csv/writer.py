"""Writes the CSV store: opening, journals, merges."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from itertools import groupby, islice
from typing import Final

from msgspec.structs import replace

from application.ports.stores import PreparedTables
from application.records import Row, is_from_future, key_of
from domain.errors import StoreError, StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.stores.csv import format1, merge
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.dialect import split_groups
from infrastructure.stores.csv.journal import Entry, Journal, Overlay, entry
from infrastructure.stores.csv.layout import STORE, Layout, translate_os_errors
from infrastructure.stores.csv.merge import Pieces
from infrastructure.stores.csv.snapshot import (
    ChangedFile,
    CsvSnapshot,
    FileEntry,
    Manifest,
    OpenFile,
    index_upcoming,
    mode_of,
    open_snapshot,
    read_manifest,
    write_upcoming,
)
from infrastructure.stores.csv.view import View
from shared.atomic import sync, sync_folder, write_atomically

_log = logging.getLogger(__name__)

MERGE_SECONDS: Final = 2.0
_MERGE_SHARE: Final = 10  # a merge is followed by ten times its duration without one
_RETRY_SECONDS: Final = 30.0  # after a merge that failed
_SMALL: Final = 8 << 20  # files up to this size follow the journal within seconds
_LARGE_JOURNAL: Final = 64 << 20
_MAX_ENTRIES: Final = 200_000  # ids in the index of journals, of about 220 bytes each, before a merge
_FULL: Final = 400_000  # saves wait for the merge when there are more
_MAX_SHOWN: Final = 20
_TRIES: Final = 5


class CsvWriter:
    """Files and journals of the process that holds the write lock. Callers of ``append`` hold ``lock``.

    Args:
        escape: write formulas with an apostrophe; files in the other form are rewritten.
        set_aside: move rows that cannot be read to files of their own.
        rank_chart: returns the chart of ranks in files of version 0.1.

    Raises:
        UsageError: a file has other columns, or a row cannot be read; nothing was changed.
        OSError: the disk refuses.
    """

    def __init__(self, layout: Layout, *, escape: bool, set_aside: bool, rank_chart: Callable[[], str | None]) -> None:
        self.lock = threading.RLock()
        self.edited: set[Table] = set()
        self.missing: set[str] = set()
        self._layout = layout
        self._escape = escape
        self._rank_chart = rank_chart
        self._merging = threading.RLock()
        self._active: Journal | None = None
        self._use(CsvSnapshot(Manifest(), {}), ())
        self._open(set_aside=set_aside)
        self.edited = set()
        self.missing = set()
        self._saved = threading.Event()
        self._merged = threading.Condition()
        self._stop = threading.Event()
        self._merger: threading.Thread | None = None
        self._merged_at = time.monotonic()
        self._pause = MERGE_SECONDS

    def view(self) -> View:
        """The store at this moment; never waits for a save."""
        return self._view

    def _use(self, snapshot: CsvSnapshot, journals: Iterable[Journal]) -> None:
        self._view = View(snapshot, Overlay(journals))

    @property
    def _snapshot(self) -> CsvSnapshot:
        return self._view.snapshot

    @property
    def _journals(self) -> tuple[Journal, ...]:
        return self._view.overlay.journals

    # --- saving -----------------------------------------------------------------

    def save(self, entries: Sequence[Entry], now: datetime) -> None:
        """Commits movies, except those older than the stored ones, unless these were read in the future.

        Raises:
            OSError: none of them is committed.
        """
        view = self.view()
        newest: dict[str, str] = {}
        accepted = []
        for one in entries:
            imdb_id, at = one.fields["id"], one.fields["at"]
            if one.fields["kind"] == "movie":
                stored = newest[imdb_id] if imdb_id in newest else view.scraped_at(imdb_id)
                if stored is not None and stored > at:
                    if not is_from_future(stored, at, now):
                        continue
                    _log.warning(
                        "CSV: %s was stored as read at %s, which is in the future; replaced by the record read at %s",
                        imdb_id, stored, at,
                    )  # fmt: skip
            newest[imdb_id] = at
            accepted.append(one)
        self.append(accepted)

    def wait_for_room(self) -> None:
        """Waits while the journals hold too many ids to keep in memory, as long as merges succeed."""
        with self._merged:
            while self._entries() >= _FULL and self._is_merging() and not self._stop.is_set():
                self._merged.wait(MERGE_SECONDS)

    def _is_merging(self) -> bool:
        return self._merger is not None and self._merger.is_alive() and self._pause != _RETRY_SECONDS

    def _entries(self) -> int:
        return sum(journal.entries for journal in self._journals)

    def append(self, entries: Sequence[Entry]) -> None:
        """Commits entries: when this returns, they are on the disk.

        Raises:
            OSError: none of them is committed.
        """
        if not entries:
            return
        if self._active is None:
            self._layout.make_state()
            number = self._next_journal()
            self._active = Journal(self._layout.journal(number), number, escaped=self._escape, repair=True)
            self._use(self._snapshot, (*self._journals, self._active))
        self._active.append(entries)
        self._saved.set()
        if self._merger is None and not self._stop.is_set():
            self._merger = threading.Thread(target=self._keep_merging, name=f"merge-{STORE}", daemon=True)
            self._merger.start()

    def save_groups(self, table: Table, groups: Iterable[Sequence[Row]]) -> None:
        """Commits rows, one line for the rows of each first key cell.

        Raises:
            OSError: none of them is committed.
        """
        view = self.view()
        entries = []
        for rows in groups:
            if table is Table.PEOPLE and rows[0][1] is None and not view.group(table, str(rows[0][0])):
                continue  # details of a person who is not stored
            entries.append(entry(kind="rows", table=table, rows=list(rows)))
        self.append(entries)

    def delete(self, table: Table, keys: Sequence[tuple[str, ...]]) -> int:
        """Deletes rows by their key; people only if they have no credits. Returns the number of deleted rows.

        Raises:
            OSError: none of them is deleted.
        """
        view = self.view()
        if table is Table.PEOPLE:
            asked = {key[0] for key in keys}
            asked -= {person for row in view.rows(Table.CREDITS) if (person := str(row[1])) in asked}
            keys = [key for key in keys if key[0] in asked]
        entries = []
        count = 0
        for first, group in groupby(keys, key=lambda key: key[0]):
            stored = {key_of(table, row) for row in view.group(table, first)}
            gone = [key for key in group if key in stored]
            if gone:
                entries.append(entry(kind="delete", table=table, keys=gone))
                count += len(gone)
        self.append(entries)
        return count

    def close(self) -> None:
        """Merges the journals, if the disk accepts it, and closes the files."""
        self._stop.set()
        self._saved.set()
        if self._merger is not None:
            self._merger.join()
        try:
            with translate_os_errors(self._layout.directory):
                self.merge()
        except (StoreError, UsageError) as error:
            _log.warning("%s; the saves are in %s, and the next run merges them", error, self._layout.state)
        with self.lock:
            self._snapshot.close()
            for journal in self._journals:
                journal.close()
            self._use(self._snapshot, ())

    # --- merging ----------------------------------------------------------------

    def merge(self, *, complete: bool = False, changed: bool = False) -> None:
        """Merges journals into the files. Saving continues meanwhile.

        Args:
            complete: write the files of all tables, also without a row.
            changed: also without a journal, because another program has changed a file.

        Raises:
            OSError: the disk refuses; the old files stay valid.
            StoreUnavailable: another program keeps changing the files.
            UsageError: another program has written a file with other columns.
        """
        with self._merging:
            missing_files = complete and len(self._snapshot.manifest.files) < len(Table)
            if not self._journals and not missing_files and not changed:
                return
            for _ in range(_TRIES):
                with ExitStack() as stack, suppress(ChangedFile):
                    imported = self._changed_files(stack)
                    if self._write_generation(imported):
                        return
            raise StoreUnavailable(STORE, f"{self._layout.directory} is being changed by another program: try again")

    def _keep_merging(self) -> None:
        while not self._stop.is_set():
            self._saved.wait()
            if self._stop.wait(MERGE_SECONDS):
                return
            if not self._is_due():
                continue
            self._saved.clear()
            began = time.monotonic()
            try:
                with translate_os_errors(self._layout.directory):
                    self.merge()
            except (StoreError, UsageError) as error:
                _log.warning("the CSV files could not be updated from the journal yet: %s", error)
                self._saved.set()
                self._pause = _RETRY_SECONDS
            else:
                self._pause = max(MERGE_SECONDS, (time.monotonic() - began) * _MERGE_SHARE)
            self._merged_at = time.monotonic()
            with self._merged:
                self._merged.notify_all()

    def _is_due(self) -> bool:
        with self.lock:
            size, journals = self._snapshot.size, self._journals
        if time.monotonic() - self._merged_at < self._pause and self._pause == _RETRY_SECONDS:
            return False
        if self._entries() > _MAX_ENTRIES:
            return True
        if size <= _SMALL:
            return bool(journals) and time.monotonic() - self._merged_at >= self._pause
        return sum(one.length for one in journals) > max(_LARGE_JOURNAL, size // 4)

    def _write_generation(self, imported: Mapping[Table, ImportedFile], *, escape: bool | None = None) -> bool:
        """Writes and installs the next generation.

        Returns:
            Whether it was installed; not if another program changed a file meanwhile.
        """
        layout = self._layout
        with self.lock:
            view = self._view
            contained = self._next_journal()
            self._active = None
        base, journals = view.snapshot, view.overlay.journals
        escaped = base.manifest.escaped if escape is None else escape
        number = base.manifest.generation + 1
        layout.make_state()
        files = dict(base.manifest.files)
        missing: list[str] = []
        stamps = {table: OpenFile(layout.table(table)).status() for table in Table}
        try:
            for table in Table:
                pieces = self._pieces(view, table, imported, files, missing, number, escaped=escaped)
                entry = base.entry(table)
                if pieces is None and stamps[table] == (entry.size, entry.identity) and table in files:
                    continue
                pieces = pieces or ((chunk.first, chunk.data) for chunk in base.chunks(table))
                written = write_upcoming(layout, table, number, pieces)
                before = (stamps[table][0], base.entry(table).crc, *stamps[table][1])
                files[table] = replace(written, before=before if stamps[table][0] else ())
            if Table.MOVIES in imported and base.is_unchanged(Table.MOVIES):
                missing += _not_in(base, _movie_ids(layout, files, number, escaped=escaped))
            sync_folder(layout.directory)
            if stamps != {table: OpenFile(layout.table(table)).status() for table in Table}:
                merge.discard(layout, number)
                return False
            marker = None if imported and escape is None else view.marker
            manifest = Manifest(number, contained, escaped, marker, base.manifest.load, files)
            opened = open_snapshot(layout, manifest)
            manifest.write(layout.manifest)
        except BaseException:
            # An error or Ctrl-C may come after the manifest was renamed.
            present = read_manifest(layout.manifest)
            if present is not None and present.generation == number:
                self._switch(opened, journals)
            else:
                merge.discard(layout, number)
            raise
        self._switch(opened, journals)
        self.missing.update(missing)
        self._settle(manifest)
        return True

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        """Writes the files of a load beside the valid ones; the function given installs them.

        Raises:
            ChangedFile: another program changed a file meanwhile.
            OSError: the disk refuses; the old files stay valid.
        """
        layout = self._layout
        self.merge(complete=True)
        base = self._snapshot
        number = base.manifest.generation + 1
        files = dict(base.manifest.files)
        stamps = {table: (entry.size, entry.identity) for table, entry in files.items()}

        def require_unchanged() -> None:
            # The load was prepared from these files, so changes of another program must not be overwritten.
            unchanged = stamps == {table: OpenFile(layout.table(table)).status() for table in stamps}
            if self._snapshot is not base or self._journals or not unchanged:
                raise ChangedFile(errno.ESTALE, "was written during the load: run it again", str(layout.directory))

        def install() -> None:
            with self.lock:
                require_unchanged()
                manifest = replace(base.manifest, generation=number, load=load_id, files=files)
                opened = open_snapshot(layout, manifest)
                manifest.write(layout.manifest)
                self._switch(opened, ())
                self._settle(manifest)

        require_unchanged()
        try:
            for table in prepared.tables:
                if prepared.changes(table):
                    escaped = base.manifest.escaped
                    prepared.write_csv(table, layout.upcoming(table, number), escape_formulas=escaped)
                    written = index_upcoming(layout, table, number, escaped=escaped)
                    before = (stamps[table][0], base.entry(table).crc, *stamps[table][1])
                    files[table] = replace(written, before=before if stamps[table][0] else ())
            sync_folder(layout.directory)
            yield install
        finally:
            present = read_manifest(layout.manifest)
            if present is None or present.generation != number:
                merge.discard(layout, number)

    def _switch(self, opened: CsvSnapshot, contained: Sequence[Journal]) -> None:
        """Starts to use a generation that is now valid, even if its files cannot be renamed yet."""
        with self.lock:
            self._use(opened, [journal for journal in self._journals if journal not in contained])

    def _pieces(
        self,
        view: View,
        table: Table,
        imported: Mapping[Table, ImportedFile],
        files: Mapping[Table, FileEntry],
        missing: list[str],
        number: int,
        *,
        escaped: bool,
    ) -> Pieces | None:
        """The rows of a table in the next generation; ``None`` if they are unchanged."""
        base = view.snapshot
        source = imported.get(table)
        keys = view.overlay.keys(table, empty=source is None and not base.entry(table).keys)
        of_movies = table in (Table.CREDITS, Table.AKAS) and not imported.keys().isdisjoint((table, Table.MOVIES))
        if source is None and not keys and not of_movies:
            return None
        chunks = base.chunks(table) if source is None else source.chunks(escape=escaped)
        pieces = merge.overlaid(chunks, view.overlay, table, keys, escaped=escaped)
        if of_movies:  # the credits of a removed title are removed too
            pieces = merge.kept(
                pieces, _movie_ids(self._layout, files, number, escaped=escaped), missing, escaped=escaped
            )
        return pieces

    def _changed_files(self, stack: ExitStack) -> dict[Table, ImportedFile]:
        """Files that another program has written since they were opened; keeps a copy of each."""
        base = self._snapshot
        self._settle(base.manifest)  # repeated, in case a file could not be renamed
        imported: dict[Table, ImportedFile] = {}
        for table in Table:
            entry = base.entry(table)
            present = OpenFile(self._layout.table(table))
            size, identity = present.status()
            if (size, identity) == (entry.size, entry.identity) or (
                size == entry.size and present.crc(size) == entry.crc
            ):
                continue
            copy = merge.set_aside(self._layout, table) if present.exists else None
            file = OpenFile(copy) if copy else present
            try:
                one = self._import(stack, file, table, size)
            except UsageError:
                if not base.is_unchanged(table):
                    raise
                _log.warning("%s was changed by another program and cannot be read: kept as %s", present.path, copy)
                continue
            _log.warning(
                "%s was changed by another program during the run: the changed version is used%s",
                present.path, f", and kept as {copy.name}" if copy else "",
            )  # fmt: skip
            self._move_unreadable(one, set_aside=True)
            self._take_ranks({table: one}, [])
            imported[table] = one
        self.edited.update(imported)
        return imported

    def _settle(self, manifest: Manifest) -> None:
        for table in merge.settle(self._layout, manifest):
            self.edited.add(table)
            _log.warning(
                "%s was changed by another program during a merge: its version is kept as edited-%s-*.csv",
                self._layout.table(table), table,
            )  # fmt: skip

    def _next_journal(self) -> int:
        numbers = [*self._layout.journals(), self._snapshot.manifest.journal - 1]
        return max(numbers) + 1

    # --- opening ----------------------------------------------------------------

    def _open(self, *, set_aside: bool) -> None:
        layout = self._layout
        found = read_manifest(layout.manifest)
        settled = None
        if found is not None:
            self._settle(found)
            format1.remove(layout)
        else:
            settled = format1.settle(layout, read_only=False)
        escaped = self._escape if settled is None or settled.escaped is None else settled.escaped
        self._use(open_snapshot(layout, found or Manifest(escaped=escaped)), ())
        ranks: list[format1.Rank] = []
        with ExitStack() as stack:
            imported = self._edited_files(stack, settled)
            for one in imported.values():
                self._move_unreadable(one, set_aside=set_aside, dry=True)
            for one in imported.values():
                self._move_unreadable(one, set_aside=set_aside)
            if settled is not None and settled.saves:
                self._write_saves(settled, ranks)
            base = self._snapshot.manifest
            numbers = [number for number in layout.journals() if number >= base.journal]
            journals = [
                Journal(layout.journal(number), number, escaped=base.escaped, repair=True) for number in numbers
            ]
            self._use(self._snapshot, journals)
            self._take_ranks(imported, ranks)
            if imported and found is not None:
                names = ", ".join(f"{table}.csv" for table in imported)
                _log.warning(
                    "%s: another program has changed %s; `verify` shows the differences", layout.directory, names
                )
                self.edited.update(imported)
            if (imported or self._journals) and not self._write_generation(imported):
                raise StoreError(
                    STORE, f"{layout.directory} changes while it is opened: does another program write there?"
                )
        if found is None and imported:
            format1.remove(layout)
        adopted = self._snapshot.adopted()
        if adopted is not None:
            adopted.write(layout.manifest)
            self._snapshot.manifest = adopted
        if self._snapshot.manifest.escaped != self._escape:
            self._rewrite_formulas()

    def _rewrite_formulas(self) -> None:
        base = self._snapshot
        with ExitStack() as stack:
            everything = {
                table: self._import(stack, base.files[table], table, entry.size)
                for table, entry in base.manifest.files.items()
            }  # fmt: skip
            if everything:
                self._write_generation(everything, escape=self._escape)  # otherwise the files stay unchanged until then
            else:
                base.manifest = replace(base.manifest, escaped=self._escape)

    def _edited_files(self, stack: ExitStack, settled: format1.Settled | None) -> dict[Table, ImportedFile]:
        base = self._snapshot
        imported = {}
        for table in Table:
            if base.is_unchanged(table):
                continue
            file = base.files[table]
            end = (settled.ends if settled else {}).get(table, file.status()[0])
            imported[table] = self._import(stack, file, table, end)
        return imported

    def _import(self, stack: ExitStack, file: OpenFile, table: Table, end: int) -> ImportedFile:
        base, state = self._snapshot, self._layout.state
        scratch = state if state.is_dir() else None
        known = base.entry(table).columns
        imported = ImportedFile(file, table, end, escaped=base.manifest.escaped, known=known, scratch=scratch)
        return stack.enter_context(closing(imported))

    def _move_unreadable(self, one: ImportedFile, *, set_aside: bool, dry: bool = False) -> None:
        """Moves rows that cannot be read to a file of their own, and reports what is left out.

        Raises:
            UsageError: there are some, and they must not be set aside.
            OSError: they cannot be written.
        """
        directory = self._layout.directory
        if not set_aside:
            one.require_readable(directory)
        if dry:
            return
        path = self._layout.unreadable(one.table)
        if next(one.unreadable(), None) is not None:
            mode = mode_of(path)
            with path.open("ab") as file:
                os.fchmod(file.fileno(), mode)
                for row in one.unreadable():
                    file.write(row.raw if row.raw.endswith((b"\n", b"\r")) else row.raw + b"\r\n")
                    _log.warning("%s.csv line %d: %s; moved to %s", one.table, row.line, row.problem, path)
                file.flush()
                sync(file.fileno())  # they are about to leave the file they came from
            sync_folder(directory)
        doubles = list(islice(one.doubles(), _MAX_SHOWN + 1))
        for row in doubles[:_MAX_SHOWN]:
            _log.warning("%s.csv line %d: duplicate key %s; only this row is kept", one.table, row.line, row.row[0])
        if len(doubles) > _MAX_SHOWN:
            _log.warning("%s: and more duplicate rows", directory)
        if (torn := one.torn()) is not None:
            _log.warning("%s.csv line %d is incomplete (%s): left out", one.table, torn.line, torn.problem)

    # --- version 0.1 ------------------------------------------------------------

    def _write_saves(self, settled: format1.Settled, ranks: list[format1.Rank]) -> None:
        """Writes what 0.1 saved after its last merge as a journal of this version."""
        for number in self._layout.journals():  # of an unfinished migration
            self._layout.journal(number).unlink()
        escaped = self._snapshot.manifest.escaped
        journal = Journal(self._layout.journal(1), 1, escaped=escaped, repair=True)
        settled.write(journal, self._layout, ranks)
        journal.close()

    def _take_ranks(self, imported: Mapping[Table, ImportedFile], ranks: list[format1.Rank]) -> None:
        """Writes the ranks of 0.1 to the chart they belong to, the others to ``ranks-before.csv``."""
        movies = imported.get(Table.MOVIES)
        found = [*(movies.ranks if movies else ()), *ranks]
        if not found:
            return
        chart = self._rank_chart()
        rows, others = format1.by_chart(chart, found)
        if rows:
            with self.lock:
                number = self._next_journal()
                escaped = self._snapshot.manifest.escaped
                journal = Journal(self._layout.journal(number), number, escaped=escaped, repair=True)
                self._layout.make_state()
                journal.append([entry(kind="chart", table=Table.CHARTS, chart=chart, rows=rows)])
                self._use(self._snapshot, (*self._journals, journal))
        if others:
            write_atomically(
                self._layout.ranks_before, format1.ranks_csv(others), mode=mode_of(self._layout.ranks_before)
            )
        _log.warning(
            "%s: migrated from the storage format of version 0.1; ranks are in %s",
            self._layout.directory,
            " and ".join([f"chart {chart}"] * bool(rows) + [self._layout.ranks_before.name] * bool(others)),
        )


def _movie_ids(layout: Layout, files: Mapping[Table, FileEntry], number: int, *, escaped: bool) -> Iterator[str]:
    """The ids of the movies in a generation that is being written."""
    manifest = Manifest(number, escaped=escaped, files={Table.MOVIES: files.get(Table.MOVIES, FileEntry())})
    return View(open_snapshot(layout, manifest), Overlay(())).ids()


def _not_in(base: CsvSnapshot, ids: Iterator[str]) -> Iterator[str]:
    """The ids of movies that are not in another list; both are ascending."""
    other: str | None = ""
    for chunk in base.chunks(Table.MOVIES):
        for key, _ in split_groups(chunk.data, escaped=base.manifest.escaped):
            while other is not None and other < key:
                other = next(ids, None)
            if other != key:
                yield key
