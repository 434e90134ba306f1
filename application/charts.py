"""The chart of a run, stored in all stores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from application.ports import MovieRepository
from application.records import Row, chart_rows
from domain.chart import ChartEntry
from domain.fields import Table

_CHART: Final = Table.CHARTS.column_index("chart")
_RANK: Final = Table.CHARTS.column_index("rank")
_IMDB_ID: Final = Table.CHARTS.column_index("imdb_id")


class StoredChart:
    """One chart in the stores. ``move`` is thread-safe."""

    def __init__(self, store: MovieRepository, chart: str) -> None:
        self._store = store
        self._chart = chart
        self._lock = threading.Lock()

    def replace(self, entries: Sequence[ChartEntry], read_at: datetime) -> None:
        """Replaces the stored places by the whole chart, in rank order from 1.

        Raises:
            StoreError: a store failed.
        """
        self._store.replace_chart(self._chart, [*chart_rows(self._chart, [e.imdb_id for e in entries], read_at)])

    def move(self, old: str, new: str) -> None:
        """Replaces the id of a title that IMDb has moved.

        Raises:
            StoreError: a store failed.
        """
        with self._lock:
            # Written even if the first store has the new id already: a killed run may have reached only that store.
            if rows := self.rows():
                moved = [_with_id(row, new) if row[_IMDB_ID] == old else row for row in rows]
                self._store.replace_chart(self._chart, moved)

    def entries(self) -> tuple[ChartEntry, ...]:
        """The stored places in rank order."""
        return tuple(ChartEntry(int(row[_RANK] or 0), str(row[_IMDB_ID])) for row in self.rows())

    def rows(self) -> list[Row]:
        """The stored places in rank order."""
        return [row for row in self._store.rows(Table.CHARTS) if row[_CHART] == self._chart]


def _with_id(row: Row, imdb_id: str) -> Row:
    return (*row[:_IMDB_ID], imdb_id, *row[_IMDB_ID + 1 :])
