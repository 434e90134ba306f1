"""Ends requests that nobody should wait for any longer.

A blocked read only ends when bytes come or its timeout passes, and each byte of
a slow drip starts the timeout anew. So one thread looks at the requests under
way ten times a second and shuts down the socket of those whose deadline has
passed or whose run was cancelled some seconds ago; the reading thread then
wakes with an error.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

_TICK_SECONDS: Final = 0.1


class Ended(StrEnum):
    """Why a request was ended."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class Flight:
    """One request under way.

    Attributes:
        ended: whether and why it was shut down.
        connected: it had a connection to the site, or to an HTTP proxy that passes requests on.
        reused: that connection had served before, and may have been closed from the other side meanwhile.
        answered: the head of an answer has come.
    """

    __slots__ = ("_cancelled_at", "_grace", "_socket", "answered", "cancel", "connected", "deadline", "ended", "reused")

    def __init__(self, deadline: float, cancel: threading.Event, grace: float) -> None:
        self.deadline = deadline
        self.cancel = cancel
        self._grace = grace
        self._cancelled_at: float | None = None
        self.ended: Ended | None = None
        self.connected = self.reused = self.answered = False
        self._socket: socket.socket | None = None

    def attach(self, connection: socket.socket) -> None:
        """The socket that this request uses from now on."""
        self._socket = connection
        if self.ended:
            self._shut()

    def look(self, now: float) -> None:
        """End the request if it is time; called by the watching thread."""
        if self.ended is None:
            if self.cancel.is_set() and self._cancelled_at is None:
                self._cancelled_at = now
            if self._cancelled_at is not None and now >= self._cancelled_at + self._grace:
                self.ended = Ended.CANCELLED
            elif now >= self.deadline:
                self.ended = Ended.DEADLINE
            else:
                return
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            # The plain method: SSLSocket's own forgets the TLS state that the reading thread is using.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current = threading.local()


def current_flight() -> Flight | None:
    """The request that this thread is making."""
    flight: Flight | None = getattr(_current, "flight", None)
    return flight


class Watchdog:
    """Watches over all requests of a downloader; its thread starts with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: set[Flight] = set()
        self._busy = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self, seconds: float, cancel: threading.Event, *, grace: float = 0.0) -> Iterator[Flight]:
        """Around one request of this thread: it ends after so many seconds, or ``grace`` seconds after ``cancel``."""
        flight = Flight(time.monotonic() + seconds, cancel, grace)
        with self._lock:
            self._flights.add(flight)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="request-watchdog", daemon=True)
                self._thread.start()
        self._busy.set()
        _current.flight = flight
        try:
            yield flight
        finally:
            _current.flight = None
            with self._lock:
                self._flights.discard(flight)

    def close(self) -> None:
        """End the watching thread."""
        with self._lock:
            self._closing.set()
            self._busy.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._closing.is_set():
                    return
                flights = tuple(self._flights)
                if not flights:
                    self._busy.clear()
            if not flights:
                self._busy.wait()
                continue
            now = time.monotonic()
            for flight in flights:
                flight.look(now)
            self._closing.wait(_TICK_SECONDS)
