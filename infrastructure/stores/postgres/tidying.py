"""What is done to the tables at the end of a run."""

from __future__ import annotations

import logging

from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import one_line
from infrastructure.stores.postgres.queries import query

_log = logging.getLogger(__name__)
_MAX_TO_SORT = 2000  # movies; some hundredths of a second for a chart, but minutes for a million


def drop_uncredited(database: Database) -> None:
    """Drop people who have lost a credit and whom no movie credits any more."""
    database.transact(lambda cursor: cursor.execute(query("drop_uncredited")))


def drop_all_uncredited(database: Database) -> None:
    """Drop everybody whom no movie credits, whoever put them there; looks at all people."""

    def drop(cursor: Cursor) -> None:
        cursor.execute(query("note_uncredited"))
        cursor.execute(query("drop_uncredited"))

    database.transact(drop)


def sort(database: Database) -> None:
    """Bring small tables into the order of their keys, unless somebody is in the way or we may not."""

    def sort_or_leave(cursor: Cursor) -> None:
        cursor.execute("SAVEPOINT unsorted")
        try:
            if _is_small(cursor):
                cursor.execute(query("sort_tables"))
        except (errors.LockNotAvailable, errors.InsufficientPrivilege) as error:
            cursor.execute("ROLLBACK TO unsorted")
            _log.info("PostgreSQL: the tables were left unsorted: %s", one_line(error))

    database.transact(sort_or_leave)


def _is_small(cursor: Cursor) -> bool:
    cursor.execute("SELECT count(*) FROM (SELECT FROM movies LIMIT %s) AS first_ones", (_MAX_TO_SORT + 1,))
    ((count,),) = cursor.fetchall()
    return bool(count <= _MAX_TO_SORT)
