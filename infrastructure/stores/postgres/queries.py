"""Users' read-only queries and the reports, and the role that they run as on the embedded server."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import select
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psycopg2
from psycopg2 import extensions
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extensions import make_dsn, parse_dsn

from application.ports.runs import TableOfValues, Value
from application.records import timestamp
from domain.errors import StoreUnavailable, UsageError
from infrastructure.stores import report_files
from infrastructure.stores.postgres.address import Address
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import STORE, one_line
from infrastructure.stores.postgres.statements import query

FOLDER: Final = Path(__file__).parent / "reports"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS: Final = 1.0  # the pipe wakes the wait; this limits it if another thread got the signal
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
READER: Final = "filmledger_reader"
_ROLE_LOCK: Final = 7_164_702_332  # an advisory lock of this program; an arbitrary number
_CORRECT_ROLE: Final = f"""
SET LOCAL log_min_error_statement = 'panic';
SET LOCAL scram_iterations = 1;
ALTER ROLE {READER} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT -1 VALID UNTIL 'infinity' PASSWORD %s;
ALTER ROLE {READER} RESET ALL;
GRANT pg_read_all_data TO {READER}
"""


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
        return TableOfValues("answer", query, "", columns, _values(stack.pop_all(), cursor, first, seconds))


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


def _values(
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


# --- Ctrl-C ---------------------------------------------------------------------------


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes a signal cancel the statements of the block; has no effect outside the main thread.

    Must not be used with COPY, for which psycopg2 does not use a wait callback.

    Raises:
        KeyboardInterrupt: a signal came during the block, at the latest at its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pipe = os.pipe()
    received: list[int] = []

    def record(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    def wait(connection: Connection) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            socket = connection.fileno()
            reading = state == extensions.POLL_READ
            select.select([pipe[0], socket] if reading else [pipe[0]], [] if reading else [socket], [], _POLL_SECONDS)
            if received and threading.current_thread() is threading.main_thread():  # the wait is set for all threads
                connection.cancel()
                raise KeyboardInterrupt

    for end in pipe:
        os.set_blocking(end, False)
    waited_before = extensions.get_wait_callback()
    woken_before = signal.set_wakeup_fd(pipe[1], warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, record) for number in _SIGNALS}
    extensions.set_wait_callback(wait)
    try:
        yield
    finally:
        extensions.set_wait_callback(waited_before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)
        for end in pipe:
            os.close(end)
    if received:
        raise KeyboardInterrupt


# --- reports --------------------------------------------------------------------------


class PostgresReports:
    """Satisfies ``Reports``.

    Args:
        database: to query; not closed by this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> tuple[str, ...]:
        return report_names()

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        return (self._table(report) for report in report_files.read_reports(FOLDER, names))

    def _table(self, report: report_files.ReportFile) -> TableOfValues:
        def ask(cursor: Cursor) -> tuple[int, tuple[str, ...], list[tuple[Any, ...]]]:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query("comparable_runs"))
            ((runs,),) = cursor.fetchall()
            cursor.execute(report.sql)
            return runs, tuple(column.name for column in cursor.description or ()), cursor.fetchall()

        runs, columns, rows = self._database.transact(ask)
        values = [tuple(shown(value) for value in row) for row in rows]
        return TableOfValues(report.name, report.title, report.explained(runs), columns, values)


def report_names() -> tuple[str, ...]:
    """The names of all reports, in the order of printing."""
    return tuple(report_files.report_paths(FOLDER))


# --- the role -------------------------------------------------------------------------


def prepare_reader(database: Database, address: Address) -> Address:
    """Creates the role, or corrects its attributes.

    Args:
        database: the embedded server's, as its superuser.
        address: of the same database; its password file gives the role's password.

    Returns:
        The address for the role.

    Raises:
        StoreUnavailable: the server cannot be reached, or the role cannot log in.
    """

    def reader_dsn() -> str:
        dsn = address()
        return make_dsn(dsn, user=READER, password=_password(dsn))

    def correct(cursor: Cursor) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_ROLE_LOCK,))
        cursor.execute(query("reader_role"), (READER,))
        state = cursor.fetchone()
        if state is None:
            cursor.execute(f"CREATE ROLE {READER}")
            others: list[str] = []
        else:
            plain, others = state
            if plain and not others and _can_log_in(reader_dsn()):
                return
        for other in others:
            cursor.execute(f"REVOKE {other} FROM {READER}")
        cursor.execute(_CORRECT_ROLE, (_password(address()),))

    database.transact(correct)
    if not _can_log_in(reader_dsn()):
        raise StoreUnavailable(STORE, f"the role {READER} cannot log in; `psql` still works")
    return reader_dsn


def _password(dsn: str) -> str:
    """Derived from the superuser's, so that there is no second secret to store."""
    secret = Path(parse_dsn(dsn)["passfile"]).read_text(encoding="utf-8").strip()
    return hmac.new(secret.encode(), READER.encode(), hashlib.sha256).hexdigest()


def _can_log_in(dsn: str) -> bool:
    try:
        with closing(psycopg2.connect(dsn)):
            return True
    except psycopg2.OperationalError as error:
        if "authentication failed" in str(error) or "is not permitted to log in" in str(error):
            return False
        raise StoreUnavailable(STORE, one_line(error)) from error
