"""Ends waits on sockets that take too long.

A blocked read ends only when bytes come or its timeout passes, and each byte of a slow answer starts the timeout again;
some libraries wait without any timeout. One thread polls the waits in progress and shuts down the socket of those that
are due; the waiting thread then fails as it does for a lost connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Protocol


class SocketWait(Protocol):
    """One wait in progress. Both methods are called by the watching thread."""

    def is_due(self, now: float) -> bool:
        """Returns whether the wait must end; remembers why. ``now`` is ``time.monotonic()``. May take some seconds."""

    def shut(self) -> None:
        """Shuts the socket down; called only while the wait is in progress. Must not block."""


class SocketWatchdog:
    """Polls all waits of one component. Its thread starts with the first wait and sleeps while there is none.

    Args:
        interval: seconds between two polls.
    """

    def __init__(self, name: str, interval: float) -> None:
        self._name = name
        self._interval = interval
        self._lock = threading.Lock()
        self._waits: set[SocketWait] = set()
        self._busy = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watch(self, wait: SocketWait) -> Iterator[None]:
        """Watches a wait while the block runs."""
        with self._lock:
            self._waits.add(wait)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._busy.set()
        try:
            yield
        finally:
            with self._lock:
                self._waits.discard(wait)

    def close(self) -> None:
        """Stops watching. A poll that takes long is not waited for."""
        with self._lock:
            self._closing.set()
            self._busy.set()
        if self._thread is not None:
            self._thread.join(2 * self._interval)

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._closing.is_set():
                    return
                waits = tuple(self._waits)
                if not waits:
                    self._busy.clear()
            if not waits:
                self._busy.wait()
                continue
            now = time.monotonic()
            for wait in waits:
                if wait.is_due(now):
                    # With the lock held: the socket cannot be closed and its descriptor pass to another one.
                    with self._lock:
                        if wait in self._waits:
                            wait.shut()
            self._closing.wait(self._interval)


def shut_socket(connection: socket.socket) -> None:
    """Shuts a socket down in both directions; does nothing if it is closed."""
    with contextlib.suppress(OSError):
        # The plain method: SSLSocket's own discards the TLS state that the reading thread is using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def shut_descriptor(descriptor: int) -> None:
    """Shuts down the socket behind a descriptor that belongs to a library; does nothing if it is closed."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
