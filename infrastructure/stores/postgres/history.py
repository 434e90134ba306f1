"""Runs and their charts in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name
from psycopg2.extras import execute_values

from application.ports.runs import ChartSnapshot, RankedTitle, Run
from domain.chart import ChartEntry
from domain.errors import RecordRejected
from infrastructure.stores.postgres.database import Database, RejectedByDatabase, require_kept
from infrastructure.stores.postgres.failures import STORE
from infrastructure.stores.postgres.statements import query


class PostgresHistory:
    """Satisfies ``RunHistory`` and ``ChartHistory``.

    Args:
        database: not closed by this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        ranked = [(entry.rank, entry.imdb_id) for entry in entries]

        def write(cursor: Cursor) -> None:
            run_id = _run_id(cursor, run)
            _insert(cursor, run_id, [(*entry, None, None) for entry in ranked])

        self._transact(write)

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        values = {
            "asked": run.asked,
            "saved": saved,
            "failed": failed,
            "complete": complete,
            "fresh_since": run.fresh_since or run.started_at,
            "finished_at": finished_at,
        }

        def write(cursor: Cursor) -> None:
            run_id = _run_id(cursor, run)
            found = {"run_id": run_id, **values}
            cursor.execute(query("end_run"), found)
            cursor.execute(query("run_entries"), found)
            entries = cursor.fetchall()
            # Deleted and inserted, not updated, so that rows lie in rank order and equal runs give equal dumps.
            cursor.execute("DELETE FROM chart_entries WHERE run_id = %(run_id)s", found)
            _insert(cursor, run_id, entries)

        self._transact(write)

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:

        def read(cursor: Cursor) -> list[tuple[Any, ...]]:
            cursor.execute(query("snapshots"), (limit,))
            return cursor.fetchall()

        return tuple(
            ChartSnapshot(
                str(run_id),
                chart,
                taken_at,
                tuple(
                    RankedTitle(rank, imdb_id, None if rating is None else float(rating), votes)
                    for *_, rank, imdb_id, rating, votes in rows
                ),
            )
            for (run_id, chart, taken_at), rows in groupby(self._database.transact(read), key=lambda row: row[:3])
        )

    def _transact(self, work: Callable[[Cursor], None]) -> None:
        try:
            self._database.transact(work)
        except RejectedByDatabase as refused:
            raise RecordRejected(STORE, f"the run: {refused.failure.message}") from refused


def _run_id(cursor: Cursor, run: Run) -> int:
    cursor.execute(
        query("begin_run"), {"site": run.site, "chart": run.chart, "asked": run.asked, "started_at": run.started_at}
    )
    found = cursor.fetchall()
    require_kept(1, len(found), "runs")
    return int(found[0][0])


def _insert(cursor: Cursor, run_id: int, rows: list[tuple[Any, ...]]) -> None:
    execute_values(
        cursor,
        "INSERT INTO chart_entries (run_id, rank, imdb_id, rating, votes) VALUES %s ON CONFLICT DO NOTHING",
        [(run_id, *row) for row in rows],
        page_size=1000,
    )
    cursor.execute("SELECT count(*) FROM chart_entries WHERE run_id = %s", (run_id,))
    ((kept,),) = cursor.fetchall()
    require_kept(len(rows), kept, "chart_entries")
