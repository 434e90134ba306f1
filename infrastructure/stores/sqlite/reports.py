"""The reports that SQLite can express: all but the quartiles of ratings by year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from application.ports.runs import TableOfValues
from infrastructure.stores import report_files
from infrastructure.stores.sqlite.run_query import run_query

FOLDER: Final = Path(__file__).parent / "reports"
_COMPARABLE_RUNS: Final = "SELECT coalesce(max(recency), 0) FROM complete_runs"


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
