"""One moment's picture of all tables, in the order that a finished run leaves in the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from application.records import Row, Table
from domain.errors import StoreError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import STORE, understand
from infrastructure.stores.postgres.queries import query

_AT_A_TIME = 2000


class PostgresSnapshot:
    """Satisfies ``Snapshot``. Streams; memory does not grow with the tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, table: Table) -> Iterator[Row]:
        """See ``Snapshot.rows``."""
        return self._stream(f"export_{table}")

    def documents(self) -> Iterator[str]:
        """See ``Snapshot.documents``."""
        return (text for (text,) in self._stream("export_documents"))

    def _stream(self, name: str) -> Iterator[tuple[str, ...]]:
        try:
            with self._connection.cursor(name) as cursor:
                cursor.itersize = _AT_A_TIME
                cursor.execute(query(name))
                yield from cursor
        except psycopg2.Error as error:
            raise understand(error).error() from error


@contextmanager
def snapshot(database: Database) -> Iterator[PostgresSnapshot]:
    """A picture of the database as it is now, whatever is saved meanwhile.

    Raises:
        StoreUnavailable: the server cannot be reached.
        StoreError: a movie cannot be read.
    """
    with closing(database.connect()) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        _require_possible_times(connection)
        yield PostgresSnapshot(connection)


def _require_possible_times(connection: Connection) -> None:
    """Before a file is begun: no format has a place for a time such as infinity."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(query("impossible_time"))
            for imdb_id, time in cursor.fetchall():
                raise StoreError(STORE, f"{imdb_id} cannot be read: scraped_at {time} is no time that a movie can have")
    except psycopg2.Error as error:
        raise understand(error).error() from error
