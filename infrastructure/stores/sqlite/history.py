"""Runs and their charts in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from application.ports.runs import ChartSnapshot, RankedTitle, Run
from application.records import parse_timestamp, timestamp
from domain.chart import ChartEntry
from infrastructure.stores.sqlite.repository import SqliteMovieRepository, connect, translated_errors

_BEGIN: Final = "INSERT INTO runs (site, chart, asked, started_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_RUN_ID: Final = "SELECT run_id FROM runs WHERE site = ? AND chart IS ? AND started_at = ?"
_END: Final = "UPDATE runs SET asked = ?, saved = ?, failed = ?, complete = ?, finished_at = ? WHERE run_id = ?"
_ADD: Final = (
    "INSERT INTO chart_entries (run_id, rank, imdb_id, rating, votes) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# A title that IMDb has moved has its old id in the run's list and its new one in the chart.
_ENTRIES: Final = """
SELECT entry.rank, coalesce(saved.imdb_id, moved.imdb_id, entry.imdb_id),
       coalesce(saved.rating, moved.rating), coalesce(saved.votes, moved.votes)
FROM chart_entries AS entry JOIN runs USING (run_id)
LEFT JOIN movies AS saved ON saved.imdb_id = entry.imdb_id AND saved.scraped_at >= :fresh_since
LEFT JOIN charts ON saved.imdb_id IS NULL AND charts.chart = runs.chart AND charts.rank = entry.rank
    AND NOT EXISTS (SELECT 1 FROM chart_entries AS other
                    WHERE other.run_id = entry.run_id AND other.imdb_id = charts.imdb_id)
LEFT JOIN movies AS moved ON moved.imdb_id = charts.imdb_id AND moved.scraped_at >= :fresh_since
WHERE entry.run_id = :run_id
ORDER BY entry.rank
"""
_SNAPSHOTS: Final = """
SELECT run_id, chart, finished_at, chart_entries.rank, imdb_id, rating, votes
FROM complete_runs JOIN chart_entries USING (run_id)
WHERE recency <= ?
ORDER BY finished_at, run_id, chart_entries.rank
"""


class SqliteHistory:
    """Satisfies ``RunHistory`` and ``ChartHistory``.

    Args:
        store: of the same file; not closed by this.
    """

    def __init__(self, store: SqliteMovieRepository, path: Path) -> None:
        self._store = store
        self._path = path

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        ranked = [(entry.rank, entry.imdb_id) for entry in entries]

        def write(connection: sqlite3.Connection) -> None:
            run_id = _run_id(connection, run)
            connection.executemany(_ADD, [(run_id, *entry, None, None) for entry in ranked])

        self._store.write(write, "the run")

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        since = timestamp(run.fresh_since or run.started_at)

        def write(connection: sqlite3.Connection) -> None:
            run_id = _run_id(connection, run)
            connection.execute(_END, (run.asked, saved, failed, complete, timestamp(finished_at), run_id))
            entries = connection.execute(_ENTRIES, {"run_id": run_id, "fresh_since": since}).fetchall()
            connection.execute("DELETE FROM chart_entries WHERE run_id = ?", (run_id,))
            connection.executemany(_ADD, [(run_id, *entry) for entry in entries])

        self._store.write(write, "the run")

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        with translated_errors(self._path), closing(connect(self._path, 60.0, read_only=True)) as connection:
            rows = connection.execute(_SNAPSHOTS, (limit,)).fetchall()
        return tuple(
            ChartSnapshot(str(run_id), chart, parse_timestamp(taken_at), tuple(RankedTitle(*row[3:]) for row in group))
            for (run_id, chart, taken_at), group in groupby(rows, key=lambda row: row[:3])
        )


def _run_id(connection: sqlite3.Connection, run: Run) -> int:
    started_at = timestamp(run.started_at)
    connection.execute(_BEGIN, (run.site, run.chart, run.asked, started_at))
    ((run_id,),) = connection.execute(_RUN_ID, (run.site, run.chart, started_at)).fetchall()
    return int(run_id)
