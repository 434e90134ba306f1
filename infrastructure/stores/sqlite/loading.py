"""Fills an empty SQLite file with the rows of all tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import count

from application.records import Row, canonical
from domain.errors import RecordRejected, UsageError
from domain.fields import DeclaredTable, HistoryTable, Table
from infrastructure.stores.sqlite import schema
from infrastructure.stores.sqlite.repository import SqliteMovieRepository


class SqliteLoader:
    """Satisfies ``Loader``.

    Args:
        store: without movies.
    """

    def __init__(self, store: SqliteMovieRepository) -> None:
        self._store = store

    def load(
        self,
        rows: Callable[[Table], Iterator[Row]],
        history: Callable[[HistoryTable], Iterator[Row]] = lambda _table: iter(()),
    ) -> dict[DeclaredTable, int]:
        tables: tuple[DeclaredTable, ...] = (*Table, *HistoryTable)

        def load(connection: sqlite3.Connection) -> dict[DeclaredTable, int]:
            if there := _count(connection, Table.MOVIES):
                raise UsageError(f"an import needs an empty database; this one holds {there} movies")
            for table in reversed(tables):
                connection.execute(f"DELETE FROM {table}")
            return {
                table: _insert(
                    connection, table, history(table) if isinstance(table, HistoryTable) else _checked(table, rows)
                )
                for table in tables
            }

        try:
            return self._store.write(load, "import")
        except RecordRejected as error:
            raise UsageError(f"nothing was imported: {error}") from error


def _checked(table: DeclaredTable, rows: Callable[[Table], Iterator[Row]]) -> Iterator[Row]:
    named = Table(table)
    for row in rows(named):
        try:
            yield canonical(named, row)
        except ValueError as error:
            raise UsageError(f"nothing was imported: {table}: {error}") from error


def _insert(connection: sqlite3.Connection, table: DeclaredTable, rows: Iterator[Row]) -> int:
    sent = count()
    connection.executemany(schema.upsert(table), (row for row, _ in zip(rows, sent, strict=False)))
    if (expected := next(sent)) != (held := _count(connection, table)):
        raise UsageError(f"nothing was imported: {expected} rows of {table} have only {held} keys")
    return held


def _count(connection: sqlite3.Connection, table: DeclaredTable) -> int:
    ((found,),) = connection.execute(f"SELECT count(*) FROM {table}")
    return int(found)
