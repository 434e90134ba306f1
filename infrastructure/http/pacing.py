"""The rate at which one host is asked: evenly spaced, slower when the host struggles, one for all threads."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from infrastructure.http.waiting import pause
from shared.clock import Clock

_CATCH_UP: Final = 0.01  # seconds a late thread may make up for, so that slow wake-ups do not lower the rate
_LOOK_AGAIN: Final = 1.0  # longest sleep before looking whether the rate has changed
_MEMORY: Final = 20  # answers that the share of bad ones is taken over
_TOLD: Final = 0.8  # 429 and blocks lower the rate at least to this share of it
_RECOVERY: Final = 0.01  # of the full rate, regained by each good answer
_FLOOR: Final = 0.1  # of the full rate; the slowest
_LEAST_FULL: Final = 100.0  # requests a second; the full rate where none is set and few were sent before trouble began


class Pacer:
    """Hands out the moments at which requests to one host may be sent.

    A bad answer lowers the rate in proportion to how many of the last answers
    were bad, a good one raises it by a hundredth of the full rate. Without a
    configured rate the one that was reached before trouble began is the full one.

    Args:
        per_second: the full rate; ``None`` for none.
        clock: monotonic time.
    """

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_for = per_second
        self._full = per_second
        self._rate = per_second
        self._ready = clock.monotonic()  # when the next request may go
        self._held_until = self._ready
        self._issued = self._departed = 0  # tickets: how many wait ahead of one
        self._bad_share = 0.0
        self._slowed_at = float("-inf")
        self._sent: deque[float] = deque()  # within the last second

    @property
    def rate(self) -> float | None:
        """Requests a second at present; ``None`` when nothing holds them back."""
        with self._lock:
            return self._rate

    def acquire(self, cancel: threading.Event) -> float:
        """Wait for a moment to send, and answer it (monotonic seconds).

        Raises:
            Cancelled: ``cancel`` was set.
        """
        with self._lock:
            ticket, self._issued = self._issued, self._issued + 1
        try:
            while True:
                with self._lock:
                    now = self._clock.monotonic()
                    ready = max(self._ready, self._held_until)
                    interval = 1 / self._rate if self._rate else 0.0
                    if now >= ready:
                        self._ready = max(ready, now - min(interval, _CATCH_UP)) + interval
                        self._count(now)
                        return now
                    ahead = max(0, ticket - self._departed)
                pause(min(ready + ahead * interval - now, _LOOK_AGAIN), cancel)
        finally:
            with self._lock:
                self._departed += 1

    def limit(self, per_second: float | None) -> None:
        """Set another full rate, for those that wait already as well."""
        with self._lock:
            self._asked_for = self._full = self._rate = per_second
            self._ready = min(self._ready, self._clock.monotonic() + (1 / per_second if per_second else 0.0))

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: the host has asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def went_well(self) -> None:
        """A good answer came."""
        with self._lock:
            self._bad_share -= self._bad_share / _MEMORY
            if self._rate is None or self._full is None or self._rate >= self._full:
                return
            self._rate = min(self._full, self._rate + self._full * _RECOVERY)
            if self._rate >= self._full and self._asked_for is None:
                self._rate = self._full = None

    def struggles(self, sent_at: float, *, told: bool = False) -> None:
        """A bad answer came.

        Args:
            sent_at: what ``acquire`` answered for its request. Requests that were under way
                when the rate was lowered say nothing about the lower rate and do not lower it again.
            told: the host has said in so many words that it is too much.
        """
        with self._lock:
            self._bad_share += (1 - self._bad_share) / _MEMORY
            if sent_at <= self._slowed_at:
                return
            if self._rate is None or self._full is None:
                self._rate = self._full = max(_LEAST_FULL, float(len(self._sent)))
            share = 1 - self._bad_share / 2
            self._rate = max(self._full * _FLOOR, self._rate * (min(share, _TOLD) if told else share))
            self._slowed_at = self._clock.monotonic()

    def _count(self, now: float) -> None:
        if self._asked_for is None:
            self._sent.append(now)
            while self._sent[0] < now - 1:
                self._sent.popleft()
