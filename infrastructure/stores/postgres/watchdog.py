"""Ends waits for an answer that does not come.

psycopg2 waits inside libpq, where nothing else can reach it; a network that
went silent, or a server that was frozen, would hold a thread for ever. Closing
the socket under it makes the wait fail like any lost connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

_LOOK_SECONDS = 0.5


class NoAnswer(psycopg2.OperationalError):
    """The server was waited for in vain."""


@dataclass(slots=True, eq=False)
class _Watched:
    """A connection that waits for an answer.

    Attributes:
        seconds: how long it may, before the server is asked whether it is there at all.
        overdue: when that is up.
        at_last: when it may not wait any longer in any case.
        cut: its socket was closed under it.
    """

    connection: Connection
    seconds: float
    overdue: float
    at_last: float
    cut: bool = False


class Watchdog:
    """Cuts connections that wait for too long.

    Args:
        is_alive: whether the server answers others; may take a few seconds.
        ended: once set, the watching thread ends.
    """

    def __init__(self, is_alive: Callable[[], bool], ended: threading.Event) -> None:
        self._is_alive = is_alive
        self._ended = ended
        self._lock = threading.Lock()
        self._watched: set[_Watched] = set()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watch(self, connection: Connection, seconds: float, *, at_most: float | None = None) -> Iterator[None]:
        """Watch a connection while the block runs.

        Args:
            connection: to be cut.
            seconds: how long the block may take.
            at_most: how long it may while the server answers others; no longer unless given.

        Raises:
            NoAnswer: it took longer.
        """
        now = time.monotonic()
        watched = _Watched(connection, seconds, now + seconds, now + (at_most or seconds))
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="postgres-watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        except psycopg2.Error as error:
            if watched.cut:
                raise NoAnswer(f"no answer for {time.monotonic() - now:.0f} s") from error
            raise
        finally:
            with self._lock:
                self._watched.discard(watched)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            now = time.monotonic()
            with self._lock:
                self._cut([watched for watched in self._watched if watched.at_last <= now])
                doubtful = [watched for watched in self._watched if watched.overdue <= now]
            if not doubtful:
                continue
            alive = self._is_alive()
            with self._lock:
                if not alive:
                    self._cut([watched for watched in doubtful if watched in self._watched])
                for watched in doubtful:
                    watched.overdue = time.monotonic() + watched.seconds

    def _cut(self, overdue: Iterable[_Watched]) -> None:
        # With the lock held: nobody can close the connection and have its descriptor pass on to another.
        for watched in overdue:
            self._watched.discard(watched)
            watched.cut = True
            _shut(watched.connection)


def _shut(connection: Connection) -> None:
    with contextlib.suppress(OSError, psycopg2.Error):  # gone already, which is what we want
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
