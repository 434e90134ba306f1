"""Runs and their charts in an SQL database; one set of statements for PostgreSQL and SQLite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Protocol

from application.ports.runs import ChartSnapshot, RankedTitle, Run
from application.records import parse_timestamp, timestamp
from domain.chart import ChartEntry

_BEGIN: Final = """
INSERT INTO runs (site, chart, asked, started_at)
SELECT :site, :chart, :asked, :started_at
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE site = :site AND coalesce(chart, '') = coalesce(:chart, '')
                  AND started_at = :started_at)
ON CONFLICT DO NOTHING
"""
_RUN_ID: Final = """
SELECT run_id FROM runs
WHERE site = :site AND coalesce(chart, '') = coalesce(:chart, '') AND started_at = :started_at
"""
_END: Final = """
UPDATE runs SET asked = :asked, saved = :saved, failed = :failed, complete = :complete, finished_at = :finished_at
WHERE run_id = :run_id
"""
# With rating and votes as the run saved them, or found them fresh enough. A title that IMDb has moved has its old id in
# the run's list and its new one in the chart.
_ENTRIES: Final = """
SELECT entry.rank, coalesce(saved.imdb_id, moved.imdb_id, entry.imdb_id) AS imdb_id,
       coalesce(saved.rating, moved.rating) AS rating, coalesce(saved.votes, moved.votes) AS votes
FROM chart_entries AS entry JOIN runs USING (run_id)
LEFT JOIN movies AS saved ON saved.imdb_id = entry.imdb_id AND saved.scraped_at >= :fresh_since
LEFT JOIN charts ON saved.imdb_id IS NULL AND charts.chart = runs.chart AND charts.rank = entry.rank
    AND NOT EXISTS (SELECT 1 FROM chart_entries AS other
                    WHERE other.run_id = entry.run_id AND other.imdb_id = charts.imdb_id)
LEFT JOIN movies AS moved ON moved.imdb_id = charts.imdb_id AND moved.scraped_at >= :fresh_since
WHERE entry.run_id = :run_id
ORDER BY entry.rank
"""
_ADD: Final = """
INSERT INTO chart_entries (run_id, rank, imdb_id, rating, votes) VALUES (:run_id, :rank, :imdb_id, :rating, :votes)
ON CONFLICT DO NOTHING
"""
_SNAPSHOTS: Final = """
SELECT run_id, chart, finished_at, chart_entries.rank, imdb_id, rating, votes
FROM complete_runs JOIN chart_entries USING (run_id)
WHERE recency <= :limit
ORDER BY finished_at, run_id, chart_entries.rank
"""


class SqlConnection(Protocol):
    """Executes statements with named parameters: ``:rank``."""

    def execute(self, statement: str, parameters: Mapping[str, Any], /) -> Iterable[Any]:
        """Executes one statement; returns its rows."""

    def executemany(self, statement: str, parameters: Iterable[Mapping[str, Any]], /) -> object:
        """Executes a statement without rows for each of the parameters."""


class SqlHistory(ABC):
    """Satisfies ``RunHistory`` and ``ChartHistory`` on top of a database's transactions."""

    @abstractmethod
    def _write(self, work: Callable[[SqlConnection], None]) -> None:
        """Runs ``work`` in one transaction."""

    @abstractmethod
    def _read(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        """The rows of one statement."""

    @abstractmethod
    def _require_kept(self, expected: int, kept: int, table: str) -> None:
        """Raises the database's error for rows that a user's trigger or rule drops."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        rows = [(entry.rank, entry.imdb_id, None, None) for entry in entries]

        def write(connection: SqlConnection) -> None:
            self._add(connection, self._run_id(connection, run), rows)

        self._write(write)

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        ended = {"asked": run.asked, "saved": saved, "failed": failed, "complete": complete}

        def write(connection: SqlConnection) -> None:
            run_id = self._run_id(connection, run)
            connection.execute(_END, {**ended, "finished_at": timestamp(finished_at), "run_id": run_id})
            since = timestamp(run.fresh_since or run.started_at)
            entries = [*connection.execute(_ENTRIES, {"run_id": run_id, "fresh_since": since})]
            # Deleted and inserted, not updated, so that rows lie in rank order and equal runs give equal dumps.
            connection.execute("DELETE FROM chart_entries WHERE run_id = :run_id", {"run_id": run_id})
            self._add(connection, run_id, entries)

        self._write(write)

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        return tuple(
            ChartSnapshot(
                str(run_id),
                chart,
                parse_timestamp(taken_at) if isinstance(taken_at, str) else taken_at,
                tuple(
                    RankedTitle(rank, imdb_id, None if rating is None else float(rating), votes)
                    for *_, rank, imdb_id, rating, votes in rows
                ),
            )
            for (run_id, chart, taken_at), rows in groupby(
                self._read(_SNAPSHOTS, {"limit": limit}), key=lambda row: row[:3]
            )
        )

    def _run_id(self, connection: SqlConnection, run: Run) -> int:
        """Records a run, or finds it: a continued run keeps its start."""
        key = {"site": run.site, "chart": run.chart, "started_at": timestamp(run.started_at)}
        connection.execute(_BEGIN, {**key, "asked": run.asked})
        found = [*connection.execute(_RUN_ID, key)]
        self._require_kept(1, len(found), "runs")
        return int(found[0][0])

    def _add(self, connection: SqlConnection, run_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
        names = ("run_id", "rank", "imdb_id", "rating", "votes")
        connection.executemany(_ADD, [dict(zip(names, (run_id, *row), strict=True)) for row in rows])
        ((kept,),) = connection.execute("SELECT count(*) FROM chart_entries WHERE run_id = :run_id", {"run_id": run_id})
        self._require_kept(len(rows), kept, "chart_entries")
