"""Users' read-only queries on the SQLite file, and the reports that SQLite can express."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

from application.ports.runs import TableOfValues, Value
from domain.errors import UsageError
from infrastructure.stores import report_files
from infrastructure.stores.sqlite.repository import connect, translated_errors

FOLDER: Final = Path(__file__).parent / "reports"
_COMPARABLE_RUNS: Final = "SELECT coalesce(max(recency), 0) FROM complete_runs"
_AT_A_TIME: Final = 2000
_STEPS: Final = 10_000  # instructions of SQLite's virtual machine between two checks of the clock and of signals
_DENIED: Final = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


def run_query(path: Path, query: str, *, seconds: float = 0) -> TableOfValues:
    """The rows of one statement, streamed; the query cannot change anything. Ctrl-C stops it.

    Args:
        query: one SQL statement that returns rows.
        seconds: how long it may take; no limit if 0.

    Raises:
        UsageError: the query is wrong, would write, takes too long or returns no rows; the message is SQLite's.
        StoreUnavailable: the file cannot be read.
    """
    with ExitStack() as stack:
        with translated_errors(path):
            connection = stack.enter_context(closing(connect(path, 60.0, read_only=True)))
        deadline = time.monotonic() + seconds if seconds else None
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action in _DENIED else sqlite3.SQLITE_OK)
        connection.set_progress_handler(lambda: deadline is not None and time.monotonic() > deadline, _STEPS)
        try:
            cursor = connection.execute(query)
            first = cursor.fetchmany(_AT_A_TIME)
        except sqlite3.Error as error:
            raise _explained(error, deadline, seconds) from error
        if cursor.description is None:
            raise UsageError("`sql` takes one statement that returns rows")
        columns = tuple(column[0] for column in cursor.description)
        return TableOfValues("answer", query, "", columns, _rows(stack.pop_all(), cursor, first, deadline, seconds))


def _rows(
    stack: ExitStack, cursor: sqlite3.Cursor, rows: list[Any], deadline: float | None, seconds: float
) -> Iterator[tuple[Value, ...]]:
    with stack:
        while rows:
            yield from (tuple(_shown(value) for value in row) for row in rows)
            try:
                rows = cursor.fetchmany(_AT_A_TIME)
            except sqlite3.Error as error:
                raise _explained(error, deadline, seconds) from error


def _shown(value: Any) -> Value:
    return "\\x" + value.hex() if isinstance(value, bytes) else value


def _explained(error: sqlite3.Error, deadline: float | None, seconds: float) -> BaseException:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
        if deadline is not None and time.monotonic() > deadline:
            return UsageError(f"SQLite: the query took longer than {seconds:g} s")
        return KeyboardInterrupt()  # raised inside the handler, whose exceptions SQLite discards
    return UsageError(f"SQLite: {error}")


class SqliteReports:
    """Satisfies ``Reports``.

    Args:
        seconds: how long one report may take; no limit if 0.
    """

    def __init__(self, path: Path, *, seconds: float = 0) -> None:
        self._path = path
        self._seconds = seconds

    def names(self) -> tuple[str, ...]:
        return tuple(report_files.report_paths(FOLDER))

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        return (self._table(report) for report in report_files.read_reports(FOLDER, names))

    def _table(self, report: report_files.ReportFile) -> TableOfValues:
        ((runs,),) = run_query(self._path, _COMPARABLE_RUNS).rows
        found = run_query(self._path, report.sql, seconds=self._seconds)
        explanation = report.explained(int(runs or 0))
        return TableOfValues(report.name, report.title, explanation, found.columns, list(found.rows))
