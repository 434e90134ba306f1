"""Sorts tables at the end of a run, and keeps the store's own state."""

from __future__ import annotations

import logging
from typing import Final

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import one_line
from infrastructure.stores.postgres.queries import query

_log = logging.getLogger(__name__)
_MAX_TO_SORT: Final = 2000  # movies; takes hundredths of a second for a chart, but minutes for a million
_SET: Final = (
    "INSERT INTO store_state (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def sort_small_tables(database: Database) -> None:
    """Sorts small tables by their keys, unless another session holds a lock or the privileges are missing."""

    def sort_or_leave(cursor: Cursor) -> None:
        cursor.execute("SAVEPOINT unsorted")
        try:
            if _is_small(cursor):
                cursor.execute(query("sort_tables"))
        except (errors.LockNotAvailable, errors.InsufficientPrivilege) as error:
            cursor.execute("ROLLBACK TO unsorted")
            _log.info("PostgreSQL: the tables were left unsorted: %s", one_line(error))

    database.transact(sort_or_leave)


def get_state(database: Database, key: str) -> str | None:
    """The value of a key of ``store_state``."""

    def read(connection: Connection) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM store_state WHERE key = %s", (key,))
            found = cursor.fetchone()
            return None if found is None else str(found[0])

    return database.run(read)


def set_state(database: Database, key: str, value: str | None) -> None:
    """Stores a value in ``store_state``, or deletes it (``None``)."""

    def write(cursor: Cursor) -> None:
        if value is None:
            cursor.execute("DELETE FROM store_state WHERE key = %s", (key,))
        else:
            put_state(cursor, key, value)

    database.transact(write)


def put_state(cursor: Cursor, key: str, value: str) -> None:
    """Stores a value in ``store_state`` within a transaction."""
    cursor.execute(_SET, (key, value))


def _is_small(cursor: Cursor) -> bool:
    cursor.execute("SELECT count(*) FROM (SELECT FROM movies LIMIT %s) AS first_ones", (_MAX_TO_SORT + 1,))
    ((count,),) = cursor.fetchall()
    return bool(count <= _MAX_TO_SORT)
