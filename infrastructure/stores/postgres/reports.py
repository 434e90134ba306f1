"""The reports: one .sql file each, that psql runs as well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.ports import TableOfValues
from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.queries import query
from infrastructure.stores.postgres.values import shown

FOLDER = Path(__file__).parent / "reports"
_HEAD = re.compile(
    r"-- (?P<title>[^:]+): (?P<explanation>.+)\n(?P<compares>-- Needs two complete runs of a chart\.\n)?"
)


class PostgresReports:
    """Satisfies ``Reports``.

    Args:
        database: what to ask; not closed by this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> tuple[str, ...]:
        """See ``Reports.names``."""
        return report_names()

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        """See ``Reports.tables``."""
        files = _files()
        wanted = list(names) or list(files)
        if unknown := [name for name in wanted if name not in files]:
            raise UsageError(f"there is no report {unknown[0]!r}; there are {', '.join(files)}")
        return (self._table(name, files[name]) for name in wanted)

    def _table(self, name: str, path: Path) -> TableOfValues:
        sql = path.read_text(encoding="utf-8")
        head = _HEAD.match(sql)
        if head is None:
            raise ValueError(f"{path} does not begin with its title and explanation")

        def ask(cursor: Cursor) -> tuple[str, tuple[str, ...], list[tuple[Any, ...]]]:
            missing = _missing_runs(cursor) if head["compares"] else ""
            cursor.execute(sql)
            return missing, tuple(column.name for column in cursor.description or ()), cursor.fetchall()

        missing, columns, rows = self._database.transact(ask)
        values = [tuple(shown(value) for value in row) for row in rows]
        return TableOfValues(name, head["title"], head["explanation"] + missing, columns, values)


def _missing_runs(cursor: Cursor) -> str:
    """What to add where there is nothing to compare yet: an empty answer would say that nothing has changed."""
    cursor.execute(query("comparable_runs"))
    ((runs,),) = cursor.fetchall()
    there = {0: "there is none", 1: "there is only one"}
    return f" It takes two complete runs of the same chart, and {there[runs]} so far." if runs in there else ""


def report_names() -> tuple[str, ...]:
    """The names of all reports, in the order they are printed in."""
    return tuple(_files())


def _files() -> dict[str, Path]:
    """By name (``frequent_actors``), in the order of the numbers before it."""
    return {path.stem.split("_", 1)[1]: path for path in sorted(FOLDER.glob("*.sql"))}
