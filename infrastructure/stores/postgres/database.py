"""Runs work on the database, and retries it while that can succeed."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import psycopg2
from msgspec.structs import replace
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.sql import Composable

from domain.errors import FilmledgerError, StoreUnavailable
from infrastructure.stores.postgres.address import Address
from infrastructure.stores.postgres.connections import Connections, NoAnswer
from infrastructure.stores.postgres.failures import STORE, DatabaseFailure, Kind, Outage, classify_error
from infrastructure.stores.postgres.statements import query
from shared.threads import listening

_log = logging.getLogger(__name__)
T = TypeVar("T")

_CONFLICT_ATTEMPTS = 20
_FIRST_WAIT_SECONDS = 0.005


class RejectedByDatabase(Exception):
    """The database refuses a record; ``failure`` and the driver's error (the cause) give the reason."""

    def __init__(self, failure: DatabaseFailure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def require_kept(expected: int, kept: int, table: str, titles: str = "") -> None:
    """Checks that the database holds all rows of a save.

    Raises:
        RejectedByDatabase: rows are missing.
    """
    if kept < expected:
        message = (
            f"the database did not keep all rows of {table} that were sent{f' ({titles})' if titles else ''};"
            f" a trigger, a rule or row security on {table} drops them"
        )
        raise RejectedByDatabase(DatabaseFailure(Kind.REFUSED, message))


class BatchingCursor(Cursor):
    """Defers statements without results: each is sent in one message with the statement that follows.

    A message costs a round trip, and then a wait for the interpreter, which 50 threads share.
    """

    _deferred = b""

    def defer(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Sends a statement with the next one that is executed; its errors are raised there."""
        self._deferred += self.mogrify(statement, parameters) + b";"

    def execute(self, query: str | bytes | Composable, vars: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        if self._deferred:
            query, vars, self._deferred = self._deferred + self.mogrify(query, vars), None, b""
        super().execute(query, vars)

    def forget(self) -> None:
        """Drops what is deferred."""
        self._deferred = b""


class _Again(Exception):
    def __init__(self, failure: DatabaseFailure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class Database:
    """Runs work on pooled connections and waits for a server that has gone away.

    Args:
        address: a connection string, or a function that returns one (an embedded server's ``dsn``).
        pool_size: connections at the same time.
        timeout: seconds to wait for a server that is gone or busy, counted once for all threads.
        statement_timeout: seconds a single statement may take.
        cancel: once set, nothing is waited for.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        pool_size: int = 10,
        timeout: float = 60.0,
        statement_timeout: float = 30.0,
        cancel: threading.Event | None = None,
    ) -> None:
        self.pool_size = pool_size
        self.cancel = cancel or threading.Event()
        self._outage = Outage(timeout)
        where = (lambda: address) if isinstance(address, str) else address
        self._connections = Connections(
            where, pool_size, statement_timeout=statement_timeout, lock_timeout=timeout, cancel=self.cancel
        )

    def run(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Runs ``work`` on a connection in autocommit mode. It may run more than once, so it must be idempotent.

        Args:
            work: called with a connection.
            long: it may take longer than the database's timeout, as long as the server responds to others.

        Raises:
            RejectedByDatabase: the database refuses the data.
            StoreUnavailable: the server stayed away, or waiting was cancelled.
            UsageError: settings, privileges or schema are wrong.
        """
        if self._given_up and self._outage.is_recent:
            raise StoreUnavailable(STORE, self._outage.reason)
        too_long = self._outage.too_long
        try:
            return self._attempt(work, long and not too_long)
        except _Again as again:
            if too_long and again.failure.kind is not Kind.CONFLICT:
                raise again.failure.error() from again.__cause__
            return self._retry(again, lambda: self._attempt(work, long))

    def transact(self, work: Callable[[BatchingCursor], T]) -> T:
        """Runs ``work`` in one transaction, which may be long; otherwise as ``run``."""

        def inside(connection: Connection) -> T:
            with connection.cursor(cursor_factory=BatchingCursor) as cursor:
                cursor.defer("BEGIN")
                try:
                    result = work(cursor)
                except BaseException:
                    cursor.forget()
                    if not connection.closed:
                        cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
                return result

        return self.run(inside, long=True)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection outside the pool for the block, for long work; closed after the block.

        An answer has no time limit, as long as the server responds to others.

        Raises:
            StoreUnavailable, UsageError: as for ``run``, also for what psycopg2 raises in the block; a server that is
                starting up is waited for.
        """
        try:
            connection = self._open()
        except _Again as again:
            connection = self._retry(again, self._open)
        self._outage.ended()
        with closing(connection):
            try:
                with self._connections.watching(connection, timeout=self._outage.timeout):
                    yield connection
            except psycopg2.Error as error:
                raise self.error(error) from error

    def close(self) -> None:
        """Closes all connections."""
        self._connections.close()

    @property
    def _given_up(self) -> bool:
        """Whether the database is no longer waited for."""
        return self.cancel.is_set() or self._outage.too_long

    def _attempt(self, work: Callable[[Connection], T], long: bool) -> T:
        began = time.monotonic()
        try:
            with self._connections.lease(timeout=self._outage.left, long=long) as connection:
                result = work(connection)
        except psycopg2.Error as error:
            raise self._judged(error, time.monotonic() - began) from error
        self._outage.ended()
        return result

    def _open(self) -> Connection:
        began = time.monotonic()
        try:
            return self._connections.connect(timeout=self._outage.left)
        except psycopg2.Error as error:
            failure = classify_error(error)
            if failure.kind in (Kind.WRONG, Kind.REFUSED):
                raise failure.error() from error
            waited = time.monotonic() - began if isinstance(error, NoAnswer) else 0.0
            self._outage.failed(failure.message, waited=waited)
            raise _Again(failure) from error

    def _judged(self, error: psycopg2.Error, seconds: float) -> Exception:
        failure = classify_error(error)
        if failure.kind is Kind.REFUSED:
            return RejectedByDatabase(failure)
        if failure.kind is Kind.WRONG:
            return failure.error()
        if failure.kind is not Kind.CONFLICT:
            if failure.kind is Kind.GONE:
                self._connections.start_over()
            if failure.kind is Kind.LOCKED:
                failure = self._locked(failure)
            waited = seconds if isinstance(error, NoAnswer) or failure.kind is Kind.LOCKED else 0.0
            self._outage.failed(failure.message, waited=waited)
            if isinstance(error, NoAnswer) and self._outage.reason:
                failure = replace(failure, message=self._outage.reason)
        return _Again(failure)

    def error(self, error: psycopg2.Error) -> FilmledgerError:
        """Converts an error of a connection of ``connected`` to the program's own."""
        failure = classify_error(error)
        return (self._locked(failure) if failure.kind is Kind.LOCKED else failure).error()

    def _locked(self, failure: DatabaseFailure) -> DatabaseFailure:
        """The failure with the session that holds the lock, if it can be found."""
        try:
            with closing(self._connections.connect(timeout=1.0)) as connection, connection.cursor() as cursor:
                cursor.execute(query("lock_holders"))
                holders = [str(holder) for (holder,) in cursor.fetchall()]
        except (psycopg2.Error, FilmledgerError):
            holders = []
        held = f"; held by {'; '.join(holders)}" if holders else ""
        return replace(failure, message=f"a lock on the program's tables did not become free{held}")

    def _retry(self, failed: _Again, attempt: Callable[[], T]) -> T:
        """Repeats the attempt until it succeeds or waiting is useless; at least once, unless the time is used up."""
        if self._given_up and isinstance(failed.__cause__, NoAnswer):
            raise failed.failure.error() from failed.__cause__

        import tenacity  # imported here because it takes a tenth of the start-up time

        def give_up(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _Again) and error.failure.kind is Kind.CONFLICT:
                return state.attempt_number >= _CONFLICT_ATTEMPTS
            return self._given_up

        def sleep(seconds: float) -> None:
            self.cancel.wait(seconds)

        def notify(state: tenacity.RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _Again) and error.failure.kind is not Kind.CONFLICT and self._outage.should_notify():
                timeout = self._outage.timeout
                _log.warning("PostgreSQL: %s; waiting for it, at most %.0f s", error.failure.message, timeout)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=give_up,
            wait=tenacity.wait_random_exponential(multiplier=0.02, max=1.0),
            sleep=sleep,
            before_sleep=notify,
            reraise=True,
        )
        sleep(_FIRST_WAIT_SECONDS)
        try:
            return retrying(attempt)
        except _Again as last:
            raise last.failure.error() from last.__cause__


@contextmanager
def cancel_event(given: threading.Event | None) -> Iterator[threading.Event]:
    """The event that ends waits for the database: the given one, else one that Ctrl-C sets during the block.

    The second is for commands without a handler of their own. Python's handler raises KeyboardInterrupt only after the
    wait, which without the event ends with the server's answer.
    """
    ours = threading.current_thread() is threading.main_thread()
    if given is not None or not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield given or threading.Event()
        return
    event = threading.Event()

    def receive(number: int) -> None:
        if number == signal.SIGINT:
            event.set()

    with listening(receive):
        yield event
