"""Reading tables, however large they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from application.records import Row
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import understand
from infrastructure.stores.postgres.queries import query

_AT_A_TIME = 2000


def stream(database: Database, name: str) -> Iterator[Row]:
    """All rows that a query of ours answers, from one snapshot.

    Raises:
        StoreUnavailable: the server cannot be reached, or the connection was lost on the way.
    """
    with closing(database.connect()) as connection:
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor("rows") as cursor:
                with database.watching(connection):
                    cursor.execute(query(name))
                while rows := _next(database, connection, cursor):
                    yield from rows
        except psycopg2.Error as error:
            raise understand(error).error() from error


def _next(database: Database, connection: Connection, cursor: Cursor) -> list[Row]:
    with database.watching(connection):
        return cursor.fetchmany(_AT_A_TIME)
