"""A pool of connections, and single connections outside it."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, make_dsn, parse_dsn
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import FilmledgerError, StoreUnavailable, UsageError
from infrastructure.stores.postgres.address import Address, completed, environment_note, within
from infrastructure.stores.postgres.failures import STORE, Kind, classify_error, lacks_slots, timed_out
from shared.socket_watchdog import SocketWatchdog, shut_descriptor

OLDEST_SERVER = 150000
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 3.0  # how far the server may exceed the statement timeout, at most
_LEAVING_SECONDS = 2.0  # how long the server takes to detect a closed connection, at most
_WATCH_SECONDS = 0.5  # between two looks at the waits in progress
_CANCEL_GRACE_SECONDS = 3.0  # time for saves in progress to get their answer after a stop
_FULL_SECONDS = 5.0  # after a refused connection, how long the pool waits before it tries to open another


# Settings that change the meaning of this program's SQL, or end its sessions, are set on every connection.
_SESSION: Final = {
    "TimeZone": "'UTC'",
    "DateStyle": "'ISO, YMD'",
    "IntervalStyle": "'postgres'",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
    "transform_null_equals": "off",
    "row_security": "on",
    "check_function_bodies": "on",
    "client_min_messages": "'warning'",
    "default_transaction_isolation": "'read committed'",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
# This program's schema first: the one that has its tables, else the one where they will be made.
_SEARCH_PATH: Final = """
SELECT set_config('search_path', concat_ws(', ', coalesce(
    (SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE pg_class.oid = to_regclass('_yoyo_migration')),
    quote_ident(current_schema())), nullif(current_setting('search_path'), '')), false)
"""


class Connections:
    """Connections in autocommit mode, at most ``size`` at the same time.

    psycopg2's own pool opens one connection at a time, so each thread in turn waits
    for a server that does not answer; and it cannot close idle connections to free
    slots on the server.

    Args:
        address: called whenever a connection is opened.
        size: of the pool; connections are opened when they are first needed.
        statement_timeout: seconds one statement may take on the server; a silent network is cut a little later.
        lock_timeout: seconds that one statement waits for another session's lock, at most.
        cancel: once set, a free connection is no longer waited for.
    """

    def __init__(
        self, address: Address, size: int, *, statement_timeout: float, lock_timeout: float, cancel: threading.Event
    ) -> None:
        self._address = address
        self._size = size
        self._statement_timeout = statement_timeout
        self._lock_timeout = lock_timeout
        self._grace = min(statement_timeout, _GRACE_SECONDS)
        self._cancel = cancel
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._leased = 0
        self._generation = 0
        self._full_until = 0.0
        self._closed = threading.Event()
        self._watchdog = PostgresWatchdog(self._is_alive, cancel)

    @contextlib.contextmanager
    def lease(self, *, timeout: float, long: bool = False) -> Iterator[Connection]:
        """A connection for the block; waits for a free one.

        Args:
            timeout: seconds to wait for a free one, and for the block unless it is ``long``.
            long: the block may take the whole statement timeout, as long as the server responds to others.

        Raises:
            StoreUnavailable: none became free within ``timeout`` seconds.
            psycopg2.Error: the server cannot be reached, or the block's own error.
        """
        connection, generation = self._take(timeout)
        limit = self._statement_timeout + self._grace
        # The check whether the server responds takes the grace time already.
        seconds = max(timeout, self._grace) if long else timeout + self._grace
        try:
            with self._watchdog.watch(connection, min(seconds, limit), at_most=limit if long else None):
                self._set_up(connection)
                yield connection
        finally:
            self._give_back(connection, generation)

    def connect(self, *, timeout: float) -> Connection:
        """A connection outside the pool, for long reads; the caller closes it.

        If the server has no free slot, idle connections of the pool are closed first.

        Raises:
            psycopg2.Error: the server cannot be reached within ``timeout`` seconds.
        """
        leaving_until = 0.0
        while True:
            try:
                connection = self._open(timeout)
                break
            except psycopg2.OperationalError as error:
                if not lacks_slots(error):
                    raise
                if self._close_idle():
                    leaving_until = time.monotonic() + _LEAVING_SECONDS
                elif time.monotonic() >= leaving_until:
                    raise
            time.sleep(_POLL_SECONDS)
        try:
            with self._watchdog.watch(connection, timeout + self._grace), connection.cursor() as cursor:
                cursor.execute(self._session(connection, 0))
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def watching(self, connection: Connection, *, timeout: float) -> Iterator[None]:
        """Watches a wait for an answer in the block: no time limit, as long as the server responds to others.

        Raises:
            NoAnswer: the server does not respond.
        """
        with self._watchdog.watch(connection, max(timeout, self._grace), at_most=math.inf):
            yield

    def start_over(self) -> None:
        """Discards the pool after the loss of its server.

        Idle connections are closed; leased ones stay usable until they are given back.
        """
        with self._changed:
            self._generation += 1
        self._close_idle()

    def close(self) -> None:
        """Closes the connections. A lease taken afterwards is an error."""
        with self._changed:
            self._closed.set()
            self._generation += 1
        self._watchdog.close()
        self._close_idle()

    def _take(self, timeout: float) -> tuple[Connection, int]:
        """A connection, and the generation it belongs to."""
        deadline = time.monotonic() + timeout
        while True:
            found, generation = self._wait_for_slot(deadline)
            if found is not None:
                return found, generation
            try:
                return self._open(timeout), generation
            except BaseException as error:
                if not self._waits_for_another(error):
                    raise

    def _wait_for_slot(self, deadline: float) -> tuple[Connection | None, int]:
        """An idle connection, or None when a new one may be opened.

        Raises:
            StoreUnavailable: all are busy, and the deadline has passed or waiting was cancelled.
        """
        patient_until = time.monotonic() + self._grace
        with self._changed:
            while True:
                if self._closed.is_set():
                    raise RuntimeError("the database connections are closed")
                if self._idle or self._may_open():
                    self._leased += 1
                    return (self._idle.pop() if self._idle else None), self._generation
                if not self._changed.wait(_POLL_SECONDS):
                    now = time.monotonic()
                    if now > deadline or (self._cancel.is_set() and now > patient_until):
                        raise StoreUnavailable(STORE, self._busy_reason())

    def _may_open(self) -> bool:
        return not self._leased or (self._leased < self._size and time.monotonic() >= self._full_until)

    def _busy_reason(self) -> str:
        if self._leased < self._size:
            return f"the server has no connection free besides the {self._leased} in use"
        return f"all {self._size} connections are busy; POSTGRES_POOL_SIZE sets how many"

    def _waits_for_another(self, error: BaseException) -> bool:
        """Whether to wait for another connection instead of one that could not be opened."""
        with self._changed:
            self._leased -= 1
            self._changed.notify()
            if not self._leased or not isinstance(error, psycopg2.OperationalError) or not lacks_slots(error):
                return False
            self._full_until = time.monotonic() + _FULL_SECONDS
            return True

    def _give_back(self, connection: Connection, generation: int) -> None:
        usable = not connection.closed and connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        with self._changed:
            self._leased -= 1
            kept = usable and generation == self._generation
            if kept:
                self._idle.append(connection)
            self._changed.notify()
        if not kept:
            connection.close()

    def _close_idle(self) -> int:
        """Closes the idle connections and returns their number."""
        with self._changed:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        return len(idle)

    def _open(self, timeout: float) -> Connection:
        """A new connection.

        Raises:
            NoAnswer: the server did not answer in time.
            psycopg2.Error: it cannot be reached, or refuses.
        """
        dsn = within(completed(self._address()), timeout + self._grace)
        try:
            connection = psycopg2.connect(dsn)
            if connection.info.parameter_status("standard_conforming_strings") == "off":
                # The driver decides once, when it connects, how it quotes.
                connection.close()
                options = parse_dsn(dsn).get("options", "")
                connection = psycopg2.connect(make_dsn(dsn, options=f"{options} -c standard_conforming_strings=on"))
        except psycopg2.OperationalError as error:
            first, *more = str(error).strip().splitlines() or [type(error).__name__]
            explained = "\n".join([first + environment_note(dsn), *more])  # messages show the first line
            if timed_out(error):
                raise NoAnswer(explained) from error
            raise type(error)(explained) from error
        if connection.server_version < OLDEST_SERVER:
            found = connection.info.parameter_status("server_version")
            connection.close()
            raise UsageError(f"PostgreSQL 15 or newer is needed; the server has {found}")
        return connection

    def _is_alive(self) -> bool:
        """Whether the server answers a new connection, even if it refuses it."""
        try:
            self._open(0).close()
        except psycopg2.OperationalError as error:
            return lacks_slots(error) or classify_error(error).kind is Kind.WRONG
        except FilmledgerError:
            return False
        return True

    def _set_up(self, connection: Connection) -> None:
        if connection.autocommit:
            return  # it was opened before
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(self._session(connection, self._statement_timeout))

    def _session(self, connection: Connection, statement_timeout: float) -> str:
        """Statements that make a session independent of settings of the server, the database and the role."""
        settings = dict(_SESSION)
        settings["statement_timeout"] = f"'{int(statement_timeout * 1000)}ms'"
        # The lock timeout comes before the statement timeout, because its error names the lock as the reason.
        longest = min(self._lock_timeout, 0.9 * statement_timeout) if statement_timeout else self._lock_timeout
        # At least a second, because transactions of this program wait for each other's rows.
        settings["lock_timeout"] = f"'{max(1000, int(longest * 1000))}ms'"
        if connection.server_version >= 170000:
            settings["transaction_timeout"] = "0"
        assignments = "; ".join(f"SET {name} = {value}" for name, value in settings.items())
        return f"{assignments}; {_SEARCH_PATH}"


# --- waits for a server that does not answer ------------------------------------------


class NoAnswer(psycopg2.OperationalError):
    """The server did not answer in time."""


class PostgresWatchdog:
    """Cuts connections that wait for too long.

    Args:
        is_alive: whether the server answers a new connection; may take a few seconds.
        cancel: once set, every wait ends after three seconds at most.
    """

    def __init__(self, is_alive: Callable[[], bool], cancel: threading.Event) -> None:
        self._is_alive = is_alive
        self._cancel = cancel
        self._watchdog = SocketWatchdog("postgres-watchdog", _WATCH_SECONDS)
        self._checked_at = float("-inf")
        self._alive = True

    @contextlib.contextmanager
    def watch(self, connection: Connection, seconds: float, *, at_most: float | None = None) -> Iterator[None]:
        """Watches a connection while the block runs.

        Args:
            seconds: how long the block may take.
            at_most: how long it may take while the server answers others; no longer unless given.

        Raises:
            NoAnswer: it took longer.
        """
        began = time.monotonic()
        deadline = began + (at_most or seconds)
        wait = _AnswerWait(connection, seconds, began + seconds, deadline, self._server_is_alive, self._cancel)
        try:
            with self._watchdog.watch(wait):
                yield
        except psycopg2.Error as error:
            if wait.cut:
                reason = "stopped while waiting for an answer" if self._cancel.is_set() else "no answer"
                raise NoAnswer(f"{reason} for {time.monotonic() - began:.0f} s") from error
            raise

    def close(self) -> None:
        """Stops watching."""
        self._watchdog.close()

    def _server_is_alive(self) -> bool:
        """Checks once for all connections that are overdue at the same time."""
        if time.monotonic() - self._checked_at >= _WATCH_SECONDS:
            self._alive = self._is_alive()
            self._checked_at = time.monotonic()
        return self._alive


class _AnswerWait(msgspec.Struct, eq=False):
    """A connection that waits for an answer; ``cut`` once its socket was shut down."""

    connection: Connection
    seconds: float
    overdue: float
    deadline: float
    is_alive: Callable[[], bool]
    cancel: threading.Event
    cancelled: bool = False
    cut: bool = False

    def is_due(self, now: float) -> bool:
        if self.cancel.is_set() and not self.cancelled:
            self.cancelled = True
            self.deadline = min(self.deadline, now + _CANCEL_GRACE_SECONDS)
        if self.cut or now < min(self.overdue, self.deadline):
            return False
        if now >= self.deadline or not self.is_alive():
            return True
        self.overdue = time.monotonic() + self.seconds
        return False

    def shut(self) -> None:
        self.cut = True
        with contextlib.suppress(psycopg2.Error):  # closed already
            shut_descriptor(self.connection.fileno())
