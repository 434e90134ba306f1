"""Streams tables of any size."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name

from application.blocks import ROW_END
from application.records import Row
from domain.errors import FilmledgerError
from domain.fields import DeclaredTable, Table
from infrastructure.stores.postgres import statements
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.statements import query

_AT_A_TIME: Final = 2000
_PIECE: Final = 1 << 18


def stream(database: Database, statement: str) -> Iterator[Row]:
    """All rows of one statement, from one snapshot.

    Raises:
        StoreUnavailable: the server cannot be reached, or the connection was lost on the way.
    """
    with database.connected() as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        yield from _fetched(connection, "rows", statement)


def _fetched(connection: Connection, name: str, statement: str) -> Iterator[Row]:
    with connection.cursor(name) as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(statement)
        yield from cursor


def stream_text(database: Database, table: Table) -> Iterator[bytes]:
    """All rows of a table as ``TextRepository.text`` gives them, from one snapshot.

    Raises:
        StoreUnavailable: the server cannot be reached, or the connection was lost on the way.
    """
    row_end = f",{statements.ROW_MARK}\n".encode()
    read_end, write_end = os.pipe()
    failures: list[BaseException] = []

    def copy() -> None:
        """Reads COPY's output, which psycopg2 writes to a function, through a pipe."""
        try:
            with (
                os.fdopen(write_end, "wb", buffering=0) as out,
                database.connected() as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SET statement_timeout = 0")
                cursor.copy_expert(statements.copy_rows(table), out)
        except (BrokenPipeError, FilmledgerError) as error:
            failures.append(error)

    copying = threading.Thread(target=copy, name="copy-rows", daemon=True)
    copying.start()
    rest = b""
    with os.fdopen(read_end, "rb", buffering=0) as source:
        while piece := source.read(_PIECE):
            rest += piece
            end = rest.rfind(row_end) + len(row_end)
            if end >= len(row_end):
                yield rest[:end].replace(row_end, ROW_END)
                rest = rest[end:]
    copying.join()
    if failures:
        raise failures[0]


class PostgresSnapshot:
    """Satisfies ``Snapshot``. Streams; memory does not grow with the tables.

    A database of version 0.1 is read without being migrated.

    Args:
        connection: in the transaction whose view of the database is read.
        columns: the columns that each table has there.
    """

    def __init__(self, database: Database, connection: Connection, columns: Mapping[str, frozenset[str]]) -> None:
        self._database = database
        self._connection = connection
        is_current = all(set(table.columns) <= columns.get(table, frozenset()) for table in Table)
        self._prefix = "" if is_current else statements.before(columns, query("charts_before"))

    def rows(self, table: DeclaredTable) -> Iterator[Row]:
        return self._stream(f"rows_{table}", statements.select_rows(table))

    def documents(self) -> Iterator[str]:
        return (text or "" for (text,) in self._stream("documents", statements.documents()))

    def _stream(self, name: str, statement: str) -> Iterator[Row]:
        try:
            yield from _fetched(self._connection, name, self._prefix + statement)
        except psycopg2.Error as error:
            raise self._database.error(error) from error


@contextmanager
def snapshot(database: Database) -> Iterator[PostgresSnapshot]:
    """The database at this moment, independent of later saves.

    Raises:
        StoreUnavailable: the server cannot be reached.
        StoreError: a movie cannot be read.
    """
    with database.connected() as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute(query("columns"), ([str(table) for table in Table],))
            columns = {table: frozenset(names) for table, names in cursor.fetchall()}
        yield PostgresSnapshot(database, connection, columns)
