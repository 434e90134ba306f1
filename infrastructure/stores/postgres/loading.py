"""Imports canonical rows with COPY."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.records import Cell, Row
from domain.errors import UsageError
from domain.fields import DeclaredTable, FieldType, HistoryTable, Table
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.encoding import array_literal
from infrastructure.stores.postgres.failures import Kind, classify_error, one_line
from infrastructure.stores.postgres.queries import query

# Source: https://www.postgresql.org/docs/current/sql-copy.html, text format
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMES: Final = {
    FieldType.DATE: re.compile(_DATE),
    FieldType.TIMESTAMP: re.compile(_DATE + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
}
_ABSENT: Final = re.compile("(?:credits|akas)_(imdb_id|person_id)_fkey")
_KEY: Final = re.compile(r"=\(([^)]*)\)")
_REFERRED_TO: Final = {"imdb_id": Table.MOVIES, "person_id": Table.PEOPLE}


class PostgresLoader:
    """Satisfies ``Loader``.

    Args:
        database: with the schema and no movies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(
        self,
        rows: Callable[[Table], Iterator[Row]],
        history: Callable[[HistoryTable], Iterator[Row]] = lambda _table: iter(()),
    ) -> dict[DeclaredTable, int]:

        def all_rows(table: DeclaredTable) -> Iterator[Row]:
            return history(table) if isinstance(table, HistoryTable) else rows(Table(table))

        with self._database.connected() as connection:
            try:
                with connection, connection.cursor() as cursor:
                    return self._load(cursor, all_rows)
            except psycopg2.Error as error:
                failure = classify_error(error)
                if failure.kind in (Kind.REFUSED, Kind.CONFLICT):  # a credit without a person counts as a conflict
                    raise UsageError(f"nothing was imported: {_place(error, all_rows)}") from error
                raise

    @staticmethod
    def _load(cursor: Cursor, rows: Callable[[DeclaredTable], Iterator[Row]]) -> dict[DeclaredTable, int]:
        cursor.execute(query("import_begin"))
        cursor.execute("SELECT count(*) FROM movies")
        ((there,),) = cursor.fetchall()
        if there:
            raise UsageError(f"an import needs an empty database; this one holds {there} movies")
        tables: tuple[DeclaredTable, ...] = (*Table, *HistoryTable)
        for table in reversed(tables):
            cursor.execute(f"DELETE FROM {table}")
        counts = {table: _copy(cursor, table, rows(table)) for table in tables}
        cursor.execute(query("import_end"))
        return counts


def _copy(cursor: Cursor, table: DeclaredTable, rows: Iterator[Row]) -> int:
    """Copies the rows and returns their number."""
    columns = ", ".join(table.columns)
    source = _Lines(_lines(table, rows))
    try:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", source)  # type: ignore[arg-type]  # only read is used
    except psycopg2.Error:
        if source.error is not None:  # the driver only passes on its text
            raise source.error from None
        raise
    return source.count


class _Lines:
    """Rows as the file that COPY reads from, a few at a time.

    Attributes:
        count: how many were read.
        error: the reason for an early end, or None.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0
        self.error: Exception | None = None

    def read(self, size: int = -1) -> str:
        """Whole lines, somewhat more than ``size`` characters; empty at the end."""
        taken: list[str] = []
        room = size
        try:
            for line in self._lines:
                taken.append(line)
                room -= len(line)
                if room <= 0 <= size:
                    break
        except Exception as error:
            self.error = error
            raise
        self.count += len(taken)
        return "".join(taken)


def _lines(table: DeclaredTable, rows: Iterator[Row]) -> Iterator[str]:
    times = [place for place, field in enumerate(table.fields) if field.type in _TIMES]
    lists = [place for place, field in enumerate(table.fields) if field.type is FieldType.TEXT_LIST]
    for row in rows:
        if len(row) != len(table.columns):
            raise _refused(table, row, f"{len(row)} cells instead of {len(table.columns)}")
        for place in times:  # PostgreSQL would accept other texts too, such as 'now' and 'infinity'
            field = table.fields[place]
            if row[place] is not None and not _TIMES[field.type].fullmatch(row[place] or ""):
                raise _refused(table, row, f"{field.name} {row[place]!r} is not a time")
        cells: list[Cell] = list(row)
        for place in lists:
            if (cell := cells[place]) is not None:
                cells[place] = array_literal(cell)
        line = "\t".join(["\\N" if cell is None else cell.translate(_ESCAPES) for cell in cells]) + "\n"
        if not line.isascii() and _SURROGATE.search(line):
            raise _refused(table, row, "it is not UTF-8")
        yield line


def _refused(table: DeclaredTable, row: Row, reason: str) -> UsageError:
    return UsageError(f"nothing was imported: {_named(table, row)}: {reason}")


def _named(table: DeclaredTable, row: Row) -> str:
    """Names a row for a message, by its key."""
    cells = dict(zip(table.columns, row, strict=False))
    key = " ".join(cells.get(column) or "-" for column in table.key)
    return f"{table} {key}".encode(errors="backslashreplace").decode()


def _place(error: psycopg2.Error, rows: Callable[[DeclaredTable], Iterator[Row]]) -> str:
    """Names the row that COPY refused (its context has the number) and the reason."""
    detail = error.diag.message_detail or ""
    absent = _ABSENT.fullmatch(error.diag.constraint_name or "")
    if absent and (key := _KEY.search(detail)):
        return f"credits name {key[1]}, but {_REFERRED_TO[absent[1]]} do not"
    reason = one_line(error) + (f" ({detail})" if detail else "")
    where = re.search(r"COPY (\w+), line (\d+)(?:, column (\w+))?", error.diag.context or "")
    if where is None:
        return reason
    table = next(table for table in (*Table, *HistoryTable) if table == where[1])
    row = next(islice(rows(table), int(where[2]) - 1, None), ())
    if error.pgcode == errorcodes.UNIQUE_VIOLATION:
        reason = "it occurs twice"
    column = f", {where[3]}" if where[3] else ""
    return f"{_named(table, row)}{column}: {reason}"
