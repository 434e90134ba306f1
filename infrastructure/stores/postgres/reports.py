"""The reports on PostgreSQL: one .sql file each, which psql can run as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.ports.runs import TableOfValues
from infrastructure.stores import report_files
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.queries import query
from infrastructure.stores.postgres.run_query import shown

FOLDER: Final = Path(__file__).parent / "reports"


class PostgresReports:
    """Satisfies ``Reports``.

    Args:
        database: to query; not closed by this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> tuple[str, ...]:
        return report_names()

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        return (self._table(report) for report in report_files.read_reports(FOLDER, names))

    def _table(self, report: report_files.ReportFile) -> TableOfValues:
        def ask(cursor: Cursor) -> tuple[int, tuple[str, ...], list[tuple[Any, ...]]]:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query("comparable_runs"))
            ((runs,),) = cursor.fetchall()
            cursor.execute(report.sql)
            return runs, tuple(column.name for column in cursor.description or ()), cursor.fetchall()

        runs, columns, rows = self._database.transact(ask)
        values = [tuple(shown(value) for value in row) for row in rows]
        return TableOfValues(report.name, report.title, report.explained(runs), columns, values)


def report_names() -> tuple[str, ...]:
    """The names of all reports, in the order of printing."""
    return tuple(report_files.report_paths(FOLDER))
