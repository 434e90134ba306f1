"""The steps of a merge: the files of the next generation are written beside the valid ones, and renamed later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from domain.fields import Table
from infrastructure.stores.csv.csv_importer import ImportedFile
from infrastructure.stores.csv.dialect import split_groups
from infrastructure.stores.csv.files import FileEntry, FileStatus, Layout, Manifest, OpenFile, mode_of, write_upcoming
from infrastructure.stores.csv.view import CsvSnapshot, Pieces, View, open_snapshot
from shared.atomic import sync, sync_folder


def statuses(layout: Layout) -> dict[Table, FileStatus]:
    """Size and identity of each table's file at this moment."""
    return {table: OpenFile(layout.table(table)).status() for table in Table}


def replacing(written: FileEntry, status: FileStatus, entry: FileEntry) -> FileEntry:
    """The entry of a new file, with the status and entry of the file that it replaces."""
    size, identity = status
    return replace(written, before=(size, entry.crc, *identity) if size else ())


class NextGeneration:
    """The files of the next generation, beside the valid ones.

    Args:
        view: the valid files with the journals to merge.
        imported: files that another program has changed; they replace the valid ones.
        escaped: put an apostrophe before formulas.

    Attributes:
        number: of the generation.
        files: the entry of each table's file; those of unchanged files stay.
        missing: ids of titles that a changed file removed, while other tables or the old version have them.
    """

    def __init__(self, layout: Layout, view: View, imported: Mapping[Table, ImportedFile], *, escaped: bool) -> None:
        self._layout = layout
        self._view = view
        self._base = view.snapshot
        self._imported = imported
        self._escaped = escaped
        self.number = self._base.manifest.generation + 1
        self.files = dict(self._base.manifest.files)
        self.missing: list[str] = []

    def write(self) -> bool:
        """Writes the files that change; returns whether no other program has changed the present ones meanwhile."""
        layout, base = self._layout, self._base
        present = statuses(layout)
        for table in Table:
            pieces, entry = self._pieces(table), base.entry(table)
            if pieces is None:
                if present[table] == (entry.size, entry.identity) and table in self.files:
                    continue
                pieces = ((chunk.first, chunk.data) for chunk in base.chunks(table))
            self.files[table] = replacing(write_upcoming(layout, table, self.number, pieces), present[table], entry)
        if Table.MOVIES in self._imported and base.is_unchanged(Table.MOVIES):
            self.missing += _not_in(base, self._movie_ids())
        sync_folder(layout.directory)
        return present == statuses(layout)

    def _pieces(self, table: Table) -> Pieces | None:
        """The rows of a table; ``None`` if they are unchanged."""
        base = self._base
        source = self._imported.get(table)
        keys = self._view.keys(table, empty=source is None and not base.entry(table).keys)
        of_movies = table in (Table.CREDITS, Table.AKAS) and not self._imported.keys().isdisjoint((table, Table.MOVIES))
        if source is None and not keys and not of_movies:
            return None
        chunks = base.chunks(table) if source is None else source.chunks(escape=self._escaped)
        pieces = self._view.overlaid(table, chunks, keys, escaped=self._escaped)
        return self._of_movies(pieces) if of_movies else pieces

    def _of_movies(self, pieces: Pieces) -> Pieces:
        """The groups whose title is in the new file of movies, because a removed title has no credits."""
        movies = self._movie_ids()
        movie: str | None = ""
        for _, data in pieces:
            for key, raw in split_groups(data, escaped=self._escaped):
                while movie is not None and movie < key:
                    movie = next(movies, None)
                if movie == key:
                    yield key, raw
                else:
                    self.missing.append(key)

    def _movie_ids(self) -> Iterator[str]:
        files = {Table.MOVIES: self.files.get(Table.MOVIES, FileEntry())}
        manifest = Manifest(self.number, escaped=self._escaped, files=files)
        return View(open_snapshot(self._layout, manifest)).ids()


def _not_in(base: CsvSnapshot, ids: Iterator[str]) -> Iterator[str]:
    """The ids of movies that are not in another list; both are ascending."""
    other: str | None = ""
    for chunk in base.chunks(Table.MOVIES):
        for key, _ in split_groups(chunk.data, escaped=base.manifest.escaped):
            while other is not None and other < key:
                other = next(ids, None)
            if other != key:
                yield key


def settle(layout: Layout, manifest: Manifest) -> list[Table]:
    """Renames the files of the valid generation to their final names, and removes all others.

    Returns:
        Tables whose file another program has changed meanwhile; their versions are kept in ``edited-*.csv``.
    """
    renamed = False
    edited = []
    for table, entry in manifest.files.items():
        upcoming = layout.upcoming(table, manifest.generation)
        if not upcoming.exists():
            continue
        present = OpenFile(layout.table(table))
        size, identity = present.status()
        known = (size, *identity) == (*entry.before[:1], *entry.before[2:])
        if size and not known and (size, present.crc(size)) not in (entry.before[:2], (entry.size, entry.crc)):
            set_aside(layout, table)
            edited.append(table)
        upcoming.replace(layout.table(table))
        renamed = True
    if renamed:
        sync_folder(layout.directory)
    for path in list(layout.leftovers(manifest.generation, manifest.journal)):
        path.unlink(missing_ok=True)
    return edited


def set_aside(layout: Layout, table: Table) -> Path:
    """Copies the version of a file that another program wrote to a new name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    path = layout.edited(table, stamp)
    number = 1
    while path.exists():
        number += 1
        path = layout.edited(table, f"{stamp}-{number}")
    with layout.table(table).open("rb") as source, path.open("wb") as target:
        os.fchmod(target.fileno(), mode_of(layout.table(table)))
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        sync(target.fileno())
    sync_folder(layout.directory)
    return path


def discard(layout: Layout, generation: int) -> None:
    """Removes files of a generation that will not be installed."""
    for table in Table:
        with suppress(OSError):
            layout.upcoming(table, generation).unlink(missing_ok=True)
