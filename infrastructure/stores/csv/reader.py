"""Reads the store while another process may write; changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final, TypeAlias

from msgspec.structs import replace

from domain.errors import StoreUnavailable
from domain.fields import Table
from infrastructure.stores.csv import format1
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.journal import Journal, Overlay
from infrastructure.stores.csv.layout import STORE, Layout
from infrastructure.stores.csv.snapshot import (
    CsvSnapshot,
    Manifest,
    OpenFile,
    open_snapshot,
    read_manifest,
    write_table,
)
from infrastructure.stores.csv.view import View

_TRIES: Final = 100  # each fails if a writer has just installed a generation
_State: TypeAlias = tuple[object, ...]


class CsvReader:
    """Reads the current store; a view is reused while the files are unchanged.

    Args:
        escaped: whether formulas have an apostrophe, if no manifest says so.
    """

    def __init__(self, layout: Layout, *, escaped: bool) -> None:
        self._layout = layout
        self._escaped = escaped
        self._kept: tuple[_State, View] | None = None

    def view(self, check: Table | None = None) -> View:
        """The store at this moment.

        Args:
            check: compare the file of this table with its checksum, even if its time did not change.

        Raises:
            UsageError: a file has other columns.
            StoreUnavailable: a writer installs generations faster than they can be opened.
            OSError: a file cannot be opened.
        """
        for _ in range(_TRIES):
            state = self._state()
            if self._kept is None or self._kept[0] != state:
                view = self._opened()
                if view is None or state != self._state():
                    if view is not None and self._only_journals_grew(state):
                        return self._checked(view, check)
                    continue
                self._kept = (state, view)
            return self._checked(self._kept[1], check)
        raise StoreUnavailable(STORE, f"{self._layout.directory} changes too fast to be read: try again")

    def close(self) -> None:
        """Drops the view."""
        self._kept = None

    def _only_journals_grew(self, state: _State) -> bool:
        return state[0] == self._state()[0]

    def _state(self) -> _State:
        """A value that changes with every save, merge or edit."""
        files = [OpenFile(self._layout.manifest), *(OpenFile(self._layout.table(table)) for table in Table)]
        journals = [(number, OpenFile(self._layout.journal(number)).status()[0]) for number in self._layout.journals()]
        return (tuple(file.status() for file in files[:1]), tuple(file.status() for file in files[1:]), tuple(journals))

    def _opened(self) -> View | None:
        """A view; ``None`` if the generation changed meanwhile."""
        layout = self._layout
        manifest = read_manifest(layout.manifest)
        settled = format1.settle(layout, read_only=True) if manifest is None else None
        escaped = self._escaped if settled is None or settled.escaped is None else settled.escaped
        snapshot = open_snapshot(layout, manifest or Manifest(escaped=escaped))
        try:
            journals = [
                Journal(layout.journal(number), number, escaped=snapshot.manifest.escaped, repair=False)
                for number in layout.journals()
                if number >= snapshot.manifest.journal
            ]
        except FileNotFoundError:
            return None
        after = read_manifest(layout.manifest)
        if (manifest and manifest.generation) != (after and after.generation):
            return None
        if settled is not None and settled.saves:
            journals.insert(0, self._saves_of_format1(settled, escaped=escaped))
        view = View(snapshot, Overlay(journals))
        for table in Table:
            if not snapshot.is_unchanged(table):
                _import(view, table, settled.ends.get(table) if settled else None)
        return view

    def _saves_of_format1(self, settled: format1.Settled, *, escaped: bool) -> Journal:
        """Later saves of version 0.1 as a journal in an unnamed file."""
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder) / "saves.jsonl", 0, escaped=escaped, repair=False)
            settled.write(journal, self._layout, [])
            return journal

    def _checked(self, view: View, check: Table | None) -> View:
        if check is not None and check not in view.imported:
            entry, file = view.snapshot.entry(check), view.snapshot.files[check]
            if file.crc(entry.size) != entry.crc:
                _import(view, check, None)
        return view


def _import(view: View, table: Table, end: int | None) -> None:
    """Replaces a changed file in a view by a sorted copy in an unnamed file."""
    snapshot = view.snapshot
    file = snapshot.files[table]
    end = file.status()[0] if end is None else end
    imported = ImportedFile(file, table, end, escaped=view.escaped, known=snapshot.entry(table).columns)
    with tempfile.TemporaryFile() as copy:
        chunks = imported.chunks(escape=view.escaped)
        entry = write_table(copy, table, ((chunk.first, chunk.data) for chunk in chunks))
        files = {**snapshot.files, table: OpenFile.of(copy, file.path)}
    manifest = replace(snapshot.manifest, files={**snapshot.manifest.files, table: entry})
    view.snapshot = CsvSnapshot(manifest, files)
    view.imported[table] = imported
