"""Opens the valid generation, merges journals and changed files into the next one, and makes it the valid one."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from typing import Final

from msgspec.structs import replace

from application.ports.stores import PreparedTables
from domain.errors import StoreError, StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.stores.csv import format1, merge
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.files import (
    STORE,
    ChangedFile,
    Layout,
    Manifest,
    OpenFile,
    index_upcoming,
    mode_of,
    read_manifest,
)
from infrastructure.stores.csv.journal import Entry, Journal, entry, open_journals
from infrastructure.stores.csv.view import CsvSnapshot, View, open_snapshot
from shared.atomic import sync, sync_folder, write_atomically

_log = logging.getLogger(__name__)
_MAX_SHOWN: Final = 20
_TRIES: Final = 5


class Generations:
    """The valid files and the journals of the process that holds the write lock of the directory.

    Args:
        escape: write formulas with an apostrophe; files in the other form are rewritten.
        set_aside: move rows that cannot be read to files of their own.
        rank_chart: returns the chart of ranks in files of version 0.1.

    Attributes:
        lock: held by callers of ``append``, and while a generation is installed.
        view: the store at this moment; reading it never waits for a save.
        edited: tables whose files another program has changed since they were opened.
        missing: ids of titles that an edited file lacks but other files or its old version have.

    Raises:
        UsageError: a file has other columns, or a row cannot be read; nothing was changed.
        OSError: the disk refuses.
    """

    def __init__(self, layout: Layout, *, escape: bool, set_aside: bool, rank_chart: Callable[[], str | None]) -> None:
        self.layout = layout
        self.lock = threading.RLock()
        self.edited: set[Table] = set()
        self.missing: set[str] = set()
        self._escape = escape
        self._rank_chart = rank_chart
        self._merging = threading.RLock()
        self._active: Journal | None = None
        self._use(CsvSnapshot(Manifest(), {}), ())
        self._open(set_aside=set_aside)
        self.edited.clear()
        self.missing.clear()

    @property
    def journals(self) -> tuple[Journal, ...]:
        """The journals that the files do not contain."""
        return self.view.journals

    def append(self, entries: Sequence[Entry]) -> None:
        """Commits entries: when this returns, they are on the disk; if it raises ``OSError``, none is committed."""
        if self._active is None:
            self._active = self._new_journal()
        self._active.append(entries)

    def close(self) -> None:
        """Closes the files."""
        with self.lock:
            self.view.snapshot.close()
            for journal in self.journals:
                journal.close()
            self._use(self.view.snapshot, ())

    def _use(self, snapshot: CsvSnapshot, journals: Iterable[Journal]) -> None:
        self.view = View(snapshot, tuple(journals))

    def _new_journal(self) -> Journal:
        self.layout.make_state()
        number = self._next_journal()
        journal = Journal(self.layout.journal(number), number, escaped=self.view.escaped, repair=True)
        self._use(self.view.snapshot, (*self.journals, journal))
        return journal

    def _next_journal(self) -> int:
        return max([*self.layout.journals(), self.view.snapshot.manifest.journal - 1]) + 1

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
            missing_files = complete and len(self.view.snapshot.manifest.files) < len(Table)
            if not self.journals and not missing_files and not changed:
                return
            for _ in range(_TRIES):
                with ExitStack() as stack, suppress(ChangedFile):
                    if self._write_generation(self._changed_files(stack)):
                        return
            raise StoreUnavailable(STORE, f"{self.layout.directory} is being changed by another program: try again")

    def _write_generation(self, imported: Mapping[Table, ImportedFile], *, escape: bool | None = None) -> bool:
        """Writes and installs the next generation.

        Returns:
            Whether it was installed; not if another program changed a file meanwhile.
        """
        with self.lock:
            view = self.view
            contained = self._next_journal()
            self._active = None
        self.layout.make_state()
        escaped = view.escaped if escape is None else escape
        upcoming = merge.NextGeneration(self.layout, view, imported, escaped=escaped)
        with self._discarding(upcoming.number):
            if not upcoming.write():
                return False
            marker = None if imported and escape is None else view.marker
            load = view.snapshot.manifest.load
            manifest = Manifest(upcoming.number, contained, escaped, marker, load, upcoming.files)
            self._install(manifest, view.journals)
        self.missing.update(upcoming.missing)
        self._settle(manifest)
        return True

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        """Writes the files of a load beside the valid ones; the function given installs them.

        Raises:
            ChangedFile: another program changed a file meanwhile.
            OSError: the disk refuses; the old files stay valid.
        """
        layout = self.layout
        self.merge(complete=True)
        base = self.view.snapshot
        number = base.manifest.generation + 1
        files = dict(base.manifest.files)
        present = {table: (entry.size, entry.identity) for table, entry in files.items()}

        def require_unchanged() -> None:
            # The load was prepared from these files, so changes of another program must not be overwritten.
            if self.view.snapshot is not base or self.journals or present != merge.statuses(layout):
                raise ChangedFile(errno.ESTALE, "was written during the load: run it again", str(layout.directory))

        def install() -> None:
            with self.lock:
                require_unchanged()
                manifest = replace(base.manifest, generation=number, load=load_id, files=files)
                self._install(manifest, ())
                self._settle(manifest)

        require_unchanged()
        with self._discarding(number):
            for table in prepared.tables:
                if prepared.changes(table):
                    escaped = base.manifest.escaped
                    prepared.write_csv(table, layout.upcoming(table, number), escape_formulas=escaped)
                    written = index_upcoming(layout, table, number, escaped=escaped)
                    files[table] = merge.replacing(written, present[table], base.entry(table))
            sync_folder(layout.directory)
            yield install

    @contextmanager
    def _discarding(self, number: int) -> Iterator[None]:
        """Removes the files of a generation at the end, unless it is the valid one."""
        try:
            yield
        finally:
            if self.view.snapshot.manifest.generation != number and not self._is_valid(number):
                merge.discard(self.layout, number)

    def _is_valid(self, number: int) -> bool:
        manifest = read_manifest(self.layout.manifest)
        return manifest is not None and manifest.generation == number

    def _install(self, manifest: Manifest, contained: Sequence[Journal]) -> None:
        """Makes a generation the valid one and uses it, even if its files cannot be renamed yet."""
        opened = open_snapshot(self.layout, manifest)
        written = False
        try:
            manifest.write(self.layout.manifest)
            written = True
        finally:
            # An error or Ctrl-C may come after the manifest was renamed.
            if written or self._is_valid(manifest.generation):
                with self.lock:
                    self._use(opened, [journal for journal in self.journals if journal not in contained])

    def _settle(self, manifest: Manifest) -> None:
        for table in merge.settle(self.layout, manifest):
            self.edited.add(table)
            _log.warning(
                "%s was changed by another program during a merge: its version is kept as edited-%s-*.csv",
                self.layout.table(table), table,
            )  # fmt: skip

    # --- opening ----------------------------------------------------------------

    def _open(self, *, set_aside: bool) -> None:
        layout = self.layout
        found = read_manifest(layout.manifest)
        if found is not None:
            self._settle(found)
            format1.remove(layout)
        settled = format1.settle(layout, found, escaped=self._escape, read_only=False)
        base = open_snapshot(layout, found or Manifest(escaped=settled.escaped))
        self._use(base, ())
        ranks: list[format1.Rank] = []
        with ExitStack() as stack:
            imported = {
                table: self._import(stack, table, settled.ends.get(table))
                for table in Table
                if not base.is_unchanged(table)
            }
            for one in imported.values() if not set_aside else ():
                one.require_readable(layout.directory)
            for one in imported.values():
                self._move_unreadable(one)
            if settled.saves:
                self._write_saves(settled, ranks)
            self._use(base, open_journals(layout, base.manifest, repair=True))
            self._take_ranks(imported, ranks)
            if imported and found is not None:
                names = ", ".join(f"{table}.csv" for table in imported)
                _log.warning(
                    "%s: another program has changed %s; `verify` shows the differences", layout.directory, names
                )
            if imported or self.journals:
                self._write_on_opening(imported)
        if found is None and imported:
            format1.remove(layout)
        adopted = self.view.snapshot.adopted()
        if adopted is not None:
            adopted.write(layout.manifest)
            self.view.snapshot.manifest = adopted
        if self.view.escaped != self._escape:
            self._rewrite_formulas()

    def _write_on_opening(self, imported: Mapping[Table, ImportedFile], *, escape: bool | None = None) -> None:
        if not self._write_generation(imported, escape=escape):
            directory = self.layout.directory
            raise StoreError(STORE, f"{directory} changes while it is opened: does another program write there?")

    def _rewrite_formulas(self) -> None:
        base = self.view.snapshot
        with ExitStack() as stack:
            everything = {table: self._import(stack, table, entry.size) for table, entry in base.manifest.files.items()}
            if everything:
                self._write_on_opening(everything, escape=self._escape)  # otherwise the files stay unchanged until then
            else:
                base.manifest = replace(base.manifest, escaped=self._escape)

    # --- files that another program has changed ---------------------------------

    def _changed_files(self, stack: ExitStack) -> dict[Table, ImportedFile]:
        """Files that another program has written since they were opened; keeps a copy of each."""
        base = self.view.snapshot
        self._settle(base.manifest)  # repeated, in case a file could not be renamed
        imported: dict[Table, ImportedFile] = {}
        for table in Table:
            entry = base.entry(table)
            present = OpenFile(self.layout.table(table))
            size, identity = present.status()
            if size == entry.size and (identity == entry.identity or present.crc(size) == entry.crc):
                continue
            copy = merge.set_aside(self.layout, table) if present.exists else None
            try:
                one = self._import(stack, table, size, file=OpenFile(copy) if copy else present)
            except UsageError:
                if not base.is_unchanged(table):
                    raise
                _log.warning("%s was changed by another program and cannot be read: kept as %s", present.path, copy)
                continue
            _log.warning(
                "%s was changed by another program during the run: the changed version is used%s",
                present.path, f", and kept as {copy.name}" if copy else "",
            )  # fmt: skip
            self._move_unreadable(one)
            self._take_ranks({table: one}, [])
            imported[table] = one
        self.edited.update(imported)
        return imported

    def _import(self, stack: ExitStack, table: Table, end: int | None, *, file: OpenFile | None = None) -> ImportedFile:
        state = self.layout.state
        scratch = state if state.is_dir() else None
        return stack.enter_context(closing(self.view.snapshot.import_file(table, end, file=file, scratch=scratch)))

    def _move_unreadable(self, one: ImportedFile) -> None:
        """Moves rows that cannot be read to a file of their own, and reports what is left out."""
        directory = self.layout.directory
        path = self.layout.unreadable(one.table)
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
        for number in self.layout.journals():  # of an unfinished migration
            self.layout.journal(number).unlink()
        with closing(Journal(self.layout.journal(1), 1, escaped=settled.escaped, repair=True)) as journal:
            settled.write(journal, self.layout, ranks)

    def _take_ranks(self, imported: Mapping[Table, ImportedFile], ranks: list[format1.Rank]) -> None:
        """Writes the ranks of 0.1 to the chart they belong to, the others to ``ranks-before.csv``."""
        movies = imported.get(Table.MOVIES)
        found = [*(movies.ranks if movies else ()), *ranks]
        if not found:
            return
        chart, path = self._rank_chart(), self.layout.ranks_before
        rows, others = format1.by_chart(chart, found)
        if rows:
            with self.lock:
                self._new_journal().append([entry(kind="chart", table=Table.CHARTS, chart=chart, rows=rows)])
        if others:
            write_atomically(path, format1.ranks_csv(others), mode=mode_of(path))
        _log.warning(
            "%s: migrated from the storage format of version 0.1; ranks are in %s",
            self.layout.directory,
            " and ".join([f"chart {chart}"] * bool(rows) + [path.name] * bool(others)),
        )
