"""Pooled connections, and single ones beside them."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import FilmledgerError, StoreUnavailable, UsageError
from infrastructure.stores.postgres.address import Address, completed, within
from infrastructure.stores.postgres.failures import STORE, Kind, classify_error, lacks_slots, timed_out
from infrastructure.stores.postgres.watchdog import NoAnswer, PostgresWatchdog

OLDEST_SERVER = 150000
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 3.0  # how much longer than it should the server may take to answer, at most
_LEAVING_SECONDS = 2.0  # how long the server takes to notice that a connection was closed, at most
_FULL_SECONDS = 5.0  # how long the pool makes do with what it has before it asks the server for more


class Connections:
    """Connections in autocommit mode, at most ``size`` at the same time.

    psycopg2's own pool opens one connection at a time, so that a server that
    does not answer is waited for by each thread in turn; and what is idle in it
    cannot be closed to make room.

    Args:
        address: asked whenever a connection is opened.
        size: of the pool; connections are opened when they are first needed.
        statement_timeout: seconds one statement may take on the server; a silent network is cut a little later.
        cancel: once set, nobody waits for a free connection any more.
    """

    def __init__(self, address: Address, size: int, *, statement_timeout: float, cancel: threading.Event) -> None:
        self._address = address
        self._size = size
        self._statement_timeout = statement_timeout
        self._grace = min(statement_timeout, _GRACE_SECONDS)
        self._cancel = cancel
        self._changed = threading.Condition()
        self._idle: list[Connection] = []
        self._leased = 0
        self._generation = 0
        self._full_until = 0.0
        self._closed = threading.Event()
        self._watchdog = PostgresWatchdog(self._is_alive)

    @contextlib.contextmanager
    def lease(self, *, patience: float, long: bool = False) -> Iterator[Connection]:
        """A connection for the block; waits for a free one.

        Args:
            patience: seconds to wait for a free one, and for the block unless it is ``long``.
            long: the block may take as long as a statement may, while the server is there at all.

        Raises:
            StoreUnavailable: none became free within ``patience`` seconds.
            psycopg2.Error: the server cannot be reached, or what the block raises.
        """
        connection, generation = self._take(patience)
        limit = self._statement_timeout + self._grace
        try:
            with self._watchdog.watch(connection, min(patience + self._grace, limit), at_most=limit if long else None):
                self._set_up(connection)
                yield connection
        finally:
            self._give_back(connection, generation)

    def connect(self, *, patience: float) -> Connection:
        """A connection outside the pool, for long reading; the caller closes it.

        Where the server has no more to give, the pool's idle ones make room.

        Raises:
            psycopg2.Error: the server cannot be reached within ``patience`` seconds.
        """
        leaving_until = 0.0
        while True:
            try:
                connection = self._open(patience)
                break
            except psycopg2.OperationalError as error:
                if not lacks_slots(error):
                    raise
                if self._close_idle():
                    leaving_until = time.monotonic() + _LEAVING_SECONDS
                elif time.monotonic() >= leaving_until:
                    raise
            time.sleep(_POLL_SECONDS)
        self._check(connection)
        return connection

    @contextlib.contextmanager
    def watching(self, connection: Connection, *, patience: float) -> Iterator[None]:
        """While the block waits for an answer: it may take as long as it likes while the server is there at all.

        Raises:
            NoAnswer: it is not.
        """
        with self._watchdog.watch(connection, patience + self._grace, at_most=math.inf):
            yield

    def start_over(self) -> None:
        """Forget the pool, for the server behind it is gone.

        What is idle in it is closed; what is on lease stays usable until it is given back.
        """
        with self._changed:
            self._generation += 1
        self._close_idle()

    def close(self) -> None:
        """Close the connections. A lease taken afterwards is an error."""
        with self._changed:
            self._closed.set()
            self._generation += 1
        self._watchdog.close()
        self._close_idle()

    def _take(self, patience: float) -> tuple[Connection, int]:
        """A connection, and the generation it is of."""
        deadline = time.monotonic() + patience
        while True:
            found, generation = self._turn(deadline)
            if found is not None:
                return found, generation
            try:
                return self._open(patience), generation
            except BaseException as error:
                if not self._makes_do(error):
                    raise

    def _turn(self, deadline: float) -> tuple[Connection | None, int]:
        """An idle connection, or the right to open one.

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
                        raise StoreUnavailable(STORE, self._busy())

    def _may_open(self) -> bool:
        return not self._leased or (self._leased < self._size and time.monotonic() >= self._full_until)

    def _busy(self) -> str:
        if self._leased < self._size:
            return f"the server has no connection beside the {self._leased} that are busy"
        return f"all {self._size} connections are busy; POSTGRES_POOL_SIZE sets how many"

    def _makes_do(self, error: BaseException) -> bool:
        """Whether a connection that could not be opened is done without: others are there, and will be free."""
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
        """How many there were."""
        with self._changed:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        return len(idle)

    def _open(self, patience: float) -> Connection:
        """A new connection.

        Raises:
            NoAnswer: the server did not answer in time.
            psycopg2.Error: it cannot be reached, or refuses.
        """
        try:
            return psycopg2.connect(within(completed(self._address()), patience + self._grace))
        except psycopg2.OperationalError as error:
            if timed_out(error):
                raise NoAnswer(str(error)) from error
            raise

    def _is_alive(self) -> bool:
        """Whether the server answers a newcomer, be it with a refusal."""
        try:
            self._open(0).close()
        except psycopg2.OperationalError as error:
            return lacks_slots(error) or classify_error(error).kind is Kind.WRONG
        except FilmledgerError:
            return False
        return True

    def _set_up(self, connection: Connection) -> None:
        if connection.autocommit:
            return  # it has been here before
        self._check(connection)
        connection.autocommit = True
        milliseconds = int(self._statement_timeout * 1000)
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {milliseconds}; SET TimeZone = 'UTC'")

    @staticmethod
    def _check(connection: Connection) -> None:
        if connection.server_version < OLDEST_SERVER:
            found = connection.info.parameter_status("server_version")
            raise UsageError(f"PostgreSQL 15 or newer is needed; the server has {found}")
