"""Ends waits for a server that does not answer.

psycopg2 waits inside libpq, which no other thread can interrupt: a silent network or a frozen server would block a
thread for ever. Shutting down the socket makes the wait fail like any lost connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from shared.socket_watchdog import SocketWatchdog, shut_descriptor

_INTERVAL: Final = 0.5
_CANCEL_GRACE_SECONDS: Final = 3.0  # time for saves in progress to get their answer after a stop


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
        self._watchdog = SocketWatchdog("postgres-watchdog", _INTERVAL)
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
        wait = _AnswerWait(connection, seconds, began, at_most or seconds, self._server_is_alive, self._cancel)
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
        if time.monotonic() - self._checked_at >= _INTERVAL:
            self._alive = self._is_alive()
            self._checked_at = time.monotonic()
        return self._alive


class _AnswerWait:
    """A connection that waits for an answer; ``cut`` once its socket was shut down."""

    def __init__(
        self,
        connection: Connection,
        seconds: float,
        began: float,
        at_most: float,
        is_alive: Callable[[], bool],
        cancel: threading.Event,
    ) -> None:
        self.cut = False
        self._cancel = cancel
        self._cancelled = False
        self._connection = connection
        self._seconds = seconds
        self._overdue = began + seconds
        self._deadline = began + at_most
        self._is_alive = is_alive

    def is_due(self, now: float) -> bool:
        if self._cancel.is_set() and not self._cancelled:
            self._cancelled = True
            self._deadline = min(self._deadline, now + _CANCEL_GRACE_SECONDS)
        if self.cut or now < min(self._overdue, self._deadline):
            return False
        if now >= self._deadline or not self._is_alive():
            return True
        self._overdue = time.monotonic() + self._seconds
        return False

    def shut(self) -> None:
        self.cut = True
        with contextlib.suppress(psycopg2.Error):  # closed already
            shut_descriptor(self._connection.fileno())
