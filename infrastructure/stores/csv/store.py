"""The files in the hands of the one process that writes them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from application.records import Row, Table
from domain.movie import Movie
from infrastructure.stores.csv import journal
from infrastructure.stores.csv.entry import Entry
from infrastructure.stores.csv.group import Group
from infrastructure.stores.csv.journal import Contents, Header, Journal
from infrastructure.stores.csv.layout import Layout
from infrastructure.stores.csv.opening import Opened, open_for_writing
from infrastructure.stores.csv.reading import Reading
from infrastructure.stores.csv.rewriting import rewrite

_log = logging.getLogger(__name__)

_IDS_AT_ONCE: Final = 10_000


class CsvStore:
    """Appends to the files and puts them in their final form. Not thread-safe: its owner locks.

    Args:
        layout: where they are.
        escape: formulas are to carry an apostrophe.
        set_aside: rows that cannot be read are moved to files of their own.

    Raises:
        UsageError: the files are not ours, or a row of theirs cannot be read.
        OSError, sqlite3.Error: the disk refuses.
    """

    def __init__(self, layout: Layout, *, escape: bool, set_aside: bool) -> None:
        self._layout = layout
        self._escape = escape
        self._set_aside = set_aside
        self._journal = Journal(layout.journal)
        self._torn = False
        self._opened: Opened | None = None
        self._open()

    def page(self, table: Table, after: str) -> tuple[list[Row], str]:
        """Some committed rows: see ``Reading.page``."""
        with self._index_at_stake():
            return self._reading.page(table, after)

    def ids(self, after: str) -> list[str]:
        """The next committed movies' ids behind one, in order; none at the end."""
        with self._index_at_stake():
            return [imdb_id for imdb_id, _ in self._open().index.page(Table.MOVIES, after, _IDS_AT_ONCE)]

    def find(self, imdb_id: str) -> Movie | None:
        """A committed movie: see ``Reading.find``."""
        with self._index_at_stake():
            return self._reading.find(imdb_id)

    def append(self, entries: Sequence[Entry]) -> None:
        """Save all of them, or none; the disk has them when this returns. Older records are passed over.

        Raises:
            OSError: none was saved, and the files are as they were.
            sqlite3.Error: no room for temporary files; saving again is needed, and harmless.
        """
        with self._index_at_stake():
            self._append(entries)

    def _append(self, entries: Sequence[Entry]) -> None:
        opened = self._open()
        self._trim(opened)
        group = Group(opened.index, opened.committed, opened.sums)
        for entry in entries:
            group.add(entry)
        if not group.saves:
            return
        self._mark_open(opened)
        self._torn = True
        try:
            self._write(opened, group)
        except OSError:
            with suppress(OSError):  # the first error is the one to tell; what is left is cut off before the next save
                self._trim(opened)
            raise
        self._torn = False
        opened.committed, opened.sums = group.saves[-1]
        opened.suspect = opened.suspect or group.replaces
        group.note(opened.index)

    def finalize(self) -> None:
        """Write the files anew in their final order, unless they are in it; drop people nobody credits.

        Raises:
            OSError, sqlite3.Error: the disk refuses; the files are as they were.
        """
        with self._index_at_stake():
            self._finish()

    def _finish(self) -> None:
        opened = self._open()
        self._trim(opened)
        missing = any(not self._layout.table(table).exists() for table in Table)
        if self._journal.records or opened.suspect or missing or not opened.ordered:
            header = opened.contents.header
            rewrite(self._layout, opened.files, opened.index, header, suspect=opened.suspect, drop_uncredited=True)
            self._let_go()

    def close(self) -> None:
        """Leave the files so that the next process knows an edit from a save that did not end."""
        try:
            if self._opened is not None and self._opened.contents.header.open:
                self._mark_closed(self._opened)
        except OSError as error:  # full disk: all that was saved is there, and the next process finds it
            _log.warning("%s: the journal could not be closed (%s)", self._layout.directory, error.strerror)
        finally:
            self._let_go()

    def _mark_closed(self, opened: Opened) -> None:
        self._trim(opened)
        contents = journal.read(self._layout.journal)
        if contents is not None:
            closed = replace(contents.header, open=False, stamps=opened.files.stamps())
            self._journal.replace(replace(contents, header=closed))

    @property
    def _reading(self) -> Reading:
        opened = self._open()
        return Reading(opened.files, opened.index, self._escape)

    @contextmanager
    def _index_at_stake(self) -> Iterator[None]:
        """An index that has met a full temporary folder is not to be relied on; the files tell it all again."""
        try:
            yield
        except sqlite3.Error:
            self._let_go()
            raise

    def _open(self) -> Opened:
        if self._opened is None:
            self._opened = open_for_writing(self._layout, escape=self._escape, set_aside=self._set_aside)
        return self._opened

    def _mark_open(self, opened: Opened) -> None:
        """From now on, what stands behind the last commit is no edit but a save that did not end."""
        if not opened.contents.header.open:
            self._layout.make_state()
            header: Header = replace(opened.contents.header, open=True, stamps=(), sums=opened.sums)
            self._journal.replace(Contents(header))
            opened.contents = Contents(header)

    def _write(self, opened: Opened, group: Group) -> None:
        changed = {table: data for table in Table if (data := group.data(table))}
        for table, data in changed.items():
            opened.files.append(table, data, opened.committed.of(table))
        for table in changed:
            opened.files.sync(table)
        self._journal.append(group.saves)

    def _trim(self, opened: Opened) -> None:
        """Cut off what a save that failed has left; the journal first, for it says what counts."""
        if self._torn:
            self._journal.trim()
            opened.files.trim(opened.committed)
            self._torn = False

    def _let_go(self) -> None:
        self._journal.close()
        if self._opened is not None:
            self._opened.close()
            self._opened = None
