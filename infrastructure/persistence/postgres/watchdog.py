"""Ends waits for an answer that does not come.

psycopg2 waits inside libpq, where nothing else can reach it; a network that
went silent would hold a thread for ever. Closing the socket under it makes the
wait fail like any lost connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

_LOOK_SECONDS = 0.5


class Watchdog:
    """Cuts connections that are used for longer than ``seconds`` at a stretch.

    Args:
        seconds: how long one piece of work may take.
        ended: once set, the watching thread ends.
    """

    def __init__(self, seconds: float, ended: threading.Event) -> None:
        self._seconds = seconds
        self._ended = ended
        self._lock = threading.Lock()
        self._deadlines: dict[int, tuple[float, Connection]] = {}
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watch(self, connection: Connection) -> Iterator[None]:
        """Watch a connection while the block runs."""
        key = id(connection)
        with self._lock:
            self._deadlines[key] = (time.monotonic() + self._seconds, connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="postgres-watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._deadlines.pop(key, None)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            now = time.monotonic()
            with self._lock:
                # Under the lock: nobody can close the connection and have its descriptor pass on to another.
                for key, (deadline, connection) in list(self._deadlines.items()):
                    if deadline < now:
                        del self._deadlines[key]
                        _cut(connection)


def _cut(connection: Connection) -> None:
    with contextlib.suppress(OSError, psycopg2.Error):  # gone already, which is what we want
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)
