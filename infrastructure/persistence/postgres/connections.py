"""psycopg2's threaded pool, behind a wait and with a way to start over."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name
from psycopg2.pool import PoolError, ThreadedConnectionPool

from domain.errors import StoreUnavailable, UsageError
from infrastructure.persistence.postgres.address import Address, completed
from infrastructure.persistence.postgres.failures import STORE
from infrastructure.persistence.postgres.watchdog import Watchdog

OLDEST_SERVER = 150000
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 5.0  # how much longer than its own timeout the server may take to answer, at most


class Connections:
    """Connections in autocommit mode, at most ``size`` at the same time.

    Args:
        address: asked whenever connections are opened after a loss.
        size: of the pool; connections are opened when they are first needed.
        statement_timeout: seconds one statement may take on the server; a silent network is cut a little later.
        cancel: once set, nobody waits for a free connection any more.
    """

    def __init__(self, address: Address, size: int, *, statement_timeout: float, cancel: threading.Event) -> None:
        self._address = address
        self._size = size
        self._statement_timeout = statement_timeout
        self._cancel = cancel
        self._free = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._pool: ThreadedConnectionPool | None = None
        self._closed = threading.Event()
        self._watchdog = Watchdog(statement_timeout + min(statement_timeout, _GRACE_SECONDS), self._closed)

    @contextlib.contextmanager
    def lease(self, *, patience: float) -> Iterator[Connection]:
        """A connection for the block; waits for a free one.

        Raises:
            StoreUnavailable: none became free within ``patience`` seconds.
            psycopg2.Error: the server cannot be reached, or what the block raises.
        """
        self._wait_for_turn(patience)
        try:
            pool = self._current()
            connection = pool.getconn()
            try:
                with self._watchdog.watch(connection):
                    self._set_up(connection)
                    yield connection
            finally:
                self._give_back(pool, connection)
        finally:
            self._free.release()

    def connect(self) -> Connection:
        """A connection outside the pool, for long reading; the caller closes it.

        Raises:
            psycopg2.Error: the server cannot be reached.
        """
        connection = psycopg2.connect(completed(self._address()))
        self._check(connection)
        return connection

    def start_over(self) -> None:
        """Forget the pool, for the server behind it is gone.

        What is idle in it closes with it; what is on lease stays usable until it is given back.
        """
        with self._lock:
            self._pool = None

    def close(self) -> None:
        """Close the connections. A lease taken afterwards is an error."""
        with self._lock:
            self._closed.set()
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.closeall()

    def _wait_for_turn(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not self._free.acquire(timeout=_POLL_SECONDS):
            if self._cancel.is_set() or time.monotonic() > deadline:
                raise StoreUnavailable(
                    STORE, f"all {self._size} connections are busy; POSTGRES_POOL_SIZE sets how many"
                )

    def _current(self) -> ThreadedConnectionPool:
        with self._lock:
            if self._closed.is_set():
                raise RuntimeError("the database connections are closed")
            if self._pool is None:
                self._pool = ThreadedConnectionPool(0, self._size, completed(self._address()))
                # The constructor opens ``minconn`` connections at once and keeps as many open later:
                # none of the first and all of the second is what a short run wants.
                self._pool.minconn = self._size
            return self._pool

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

    @staticmethod
    def _give_back(pool: ThreadedConnectionPool, connection: Connection) -> None:
        try:
            pool.putconn(connection, close=bool(connection.closed))
        except (psycopg2.Error, PoolError):
            connection.close()  # the pool could not roll it back, so it is of no use
