"""Reading tables as canonical cells, however large they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from application.records import Row, Table
from infrastructure.persistence.postgres.failures import understand
from infrastructure.persistence.postgres.queries import query

_AT_A_TIME = 2000


def stream(connection: Connection, table: Table) -> Iterator[Row]:
    """All rows of a table in the order of its key, from one snapshot; closes the connection at the end.

    Raises:
        StoreUnavailable: the connection was lost on the way.
    """
    with closing(connection):
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor("rows") as cursor:
                cursor.itersize = _AT_A_TIME
                cursor.execute(query(f"rows_{table}"))
                yield from cursor
        except psycopg2.Error as error:
            raise understand(error).error() from error
