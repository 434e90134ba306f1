"""Waits that end at once when they are no longer wanted, and an account of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import Cancelled
from shared.clock import Clock


def pause(seconds: float, cancel: threading.Event) -> None:
    """Wait.

    Raises:
        Cancelled: ``cancel`` was set before the time was over.
    """
    if cancel.wait(max(0.0, seconds)):
        raise Cancelled("stopped while waiting")


class Standstill:
    """How long a run has waited while nothing arrived, all threads together.

    While other threads bring pages a waiting one holds nothing up; only time in
    which there was waiting and no arrival counts, and it counts once however
    many threads waited.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._from = clock.monotonic()  # not counted yet, if anybody waits
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """The sum so far."""
        return self._seconds

    def arrived(self) -> None:
        """A page came."""
        with self._lock:
            self._from = self._clock.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait."""
        with self._lock:
            if not self._waiting:
                self._from = self._clock.monotonic()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                now = self._clock.monotonic()
                self._seconds += now - self._from
                self._from = now
                self._waiting -= 1
