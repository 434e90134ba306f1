"""Runs users' read-only queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import psycopg2
from psycopg2 import extensions
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from application.ports.runs import TableOfValues, Value
from application.records import timestamp
from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import one_line
from infrastructure.stores.postgres.interrupts import interruptible

_AT_A_TIME: Final = 2000
_CURSOR: Final = "answer"
_SAY: Final = "SELECT set_config('filmledger.query', %s, true)"
_OPEN: Final = f"""
DO $$ DECLARE c refcursor := '{_CURSOR}'; BEGIN OPEN c FOR EXECUTE current_setting('filmledger.query'); END $$
"""
_ADMINISTRATORS: Final = "57P"  # shutdown and the like: not caused by the query
# Dates and times stay text: Python has no year before 1 and no infinity.
# Source: pg_type.dat; date, time, timestamp, timestamptz, timetz.
_TIMES: Final = (1082, 1083, 1114, 1184, 1266)


def run_query(database: Database, query: str, *, seconds: float = 0) -> TableOfValues:
    """The rows of one statement, streamed; the query cannot change anything. Ctrl-C stops it.

    Args:
        query: one SQL statement that returns rows.
        seconds: how long the database may work on the first rows, and on each next part; no limit if 0.

    Raises:
        UsageError: the query is wrong, would write, or returns no table; the message is PostgreSQL's.
        StoreUnavailable: the database cannot be reached.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(database.connected())
        with _explaining(seconds), interruptible():
            connection.set_session(readonly=True)
            cursor = _open_cursor(connection, query, seconds)
            first = cursor.fetchmany(_AT_A_TIME)
        columns = tuple(column.name for column in cursor.description or ())
        return TableOfValues("answer", query, "", columns, _rows(stack.pop_all(), cursor, first, seconds))


def _open_cursor(connection: Connection, query: str, seconds: float) -> Cursor:
    """A cursor that streams the answer.

    The server opens it from a string, and so accepts exactly one statement that returns rows, whatever the string
    holds. COMMIT, after which the transaction could be writable, is refused.
    """
    extensions.register_type(extensions.new_type(_TIMES, "TIME", _as_text), connection)
    with connection.cursor() as opening:
        opening.execute("SELECT set_config('statement_timeout', %s, true)", (f"{int(seconds * 1000)}ms",))
        try:
            opening.execute(_SAY, (query,))
            opening.execute(_OPEN)
        except psycopg2.errors.InvalidCursorDefinition as error:
            raise UsageError("`sql` takes one statement that returns a table; use `psql` for all others") from error
    cursor = connection.cursor(_CURSOR)
    cursor.itersize = _AT_A_TIME
    return cursor


def _rows(
    stack: ExitStack, cursor: Cursor, first: list[tuple[Any, ...]], seconds: float
) -> Iterator[tuple[Value, ...]]:
    piece = first
    with stack:
        while piece:
            yield from (tuple(shown(value) for value in row) for row in piece)
            with _explaining(seconds), interruptible():
                piece = cursor.fetchmany(_AT_A_TIME)


def _as_text(text: str | bytes | None, _cursor: Cursor) -> str | bytes | None:
    return text


@contextmanager
def _explaining(seconds: float) -> Iterator[None]:
    """Converts errors of the query to ``UsageError``; passes on those of the connection."""
    try:
        yield
    except psycopg2.Error as error:
        if isinstance(error, psycopg2.errors.QueryCanceled) and "statement timeout" in str(error):
            message = f"PostgreSQL: the query took longer than {seconds:g} s; SQL_TIMEOUT_SECONDS sets the limit"
            raise UsageError(message) from error
        if not error.pgcode or error.pgcode.startswith(_ADMINISTRATORS):
            raise
        hint = f" ({error.diag.message_hint})" if error.diag.message_hint else ""
        raise UsageError(f"PostgreSQL: {one_line(error)}{hint}") from error


def shown(value: Any) -> Value:
    """Keeps numbers and text and converts everything else to text."""
    match value:
        case None | str() | int() | float() | Decimal():
            return value
        case datetime() if value.tzinfo is not None:
            return timestamp(value)
        case date():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case memoryview():
            return "\\x" + bytes(value).hex()
    return str(value)
