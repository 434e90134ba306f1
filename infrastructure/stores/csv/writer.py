"""Writes the CSV store: saves go to the journal, and a thread merges it into the files."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from application.records import Row, is_from_future, key_of
from domain.errors import StoreError, UsageError
from domain.fields import Table
from infrastructure.stores.csv.files import STORE, translate_os_errors
from infrastructure.stores.csv.generations import Generations
from infrastructure.stores.csv.journal import Entry, entry

_log = logging.getLogger(__name__)

MERGE_SECONDS: Final = 2.0
_MERGE_SHARE: Final = 10  # a merge is followed by ten times its duration without one
_RETRY_SECONDS: Final = 30.0  # after a merge that failed
_SMALL: Final = 8 << 20  # files up to this size follow the journal within seconds
_LARGE_JOURNAL: Final = 64 << 20
_MAX_ENTRIES: Final = 200_000  # ids in the index of journals, of about 220 bytes each, before a merge
_FULL: Final = 400_000  # saves wait for the merge when there are more


class CsvWriter:
    """Saves to the journal of a store, and merges it in the background.

    All methods that save are called with ``files.lock`` held; if they raise ``OSError``, nothing is committed.
    """

    def __init__(self, files: Generations) -> None:
        self.files = files
        self._saved = threading.Event()
        self._merged = threading.Condition()
        self._stop = threading.Event()
        self._merger: threading.Thread | None = None
        self._merged_at = time.monotonic()
        self._pause = MERGE_SECONDS

    def save(self, entries: Sequence[Entry], now: datetime) -> None:
        """Commits movies, except those older than the stored ones, unless these were read in the future."""
        view = self.files.view
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
        return sum(journal.entries for journal in self.files.journals)

    def append(self, entries: Sequence[Entry]) -> None:
        """Commits entries: when this returns, they are on the disk."""
        if not entries:
            return
        self.files.append(entries)
        self._saved.set()
        if self._merger is None and not self._stop.is_set():
            self._merger = threading.Thread(target=self._keep_merging, name=f"merge-{STORE}", daemon=True)
            self._merger.start()

    def save_groups(self, table: Table, groups: Iterable[Sequence[Row]]) -> None:
        """Commits rows, one line for the rows of each first key cell."""
        view = self.files.view
        entries = []
        for rows in groups:
            if table is Table.PEOPLE and rows[0][1] is None and not view.group(table, str(rows[0][0])):
                continue  # details of a person who is not stored
            entries.append(entry(kind="rows", table=table, rows=list(rows)))
        self.append(entries)

    def delete(self, table: Table, keys: Sequence[tuple[str, ...]]) -> int:
        """Deletes rows by their key; people only if they have no credits. Returns the number of deleted rows."""
        view = self.files.view
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
        directory = self.files.layout.directory
        try:
            with translate_os_errors(directory):
                self.files.merge()
        except (StoreError, UsageError) as error:
            _log.warning("%s; the saves are in %s, and the next run merges them", error, self.files.layout.state)
        self.files.close()

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
                with translate_os_errors(self.files.layout.directory):
                    self.files.merge()
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
        view = self.files.view
        size, journals = view.snapshot.size, view.journals
        waited = time.monotonic() - self._merged_at
        if waited < self._pause and self._pause == _RETRY_SECONDS:
            return False
        if self._entries() > _MAX_ENTRIES:
            return True
        if size <= _SMALL:
            return bool(journals) and waited >= self._pause
        return sum(one.length for one in journals) > max(_LARGE_JOURNAL, size // 4)
