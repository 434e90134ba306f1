"""Measures how long the database has been unavailable, for all threads together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

_RECENT_SECONDS: Final = 3.0


class Outage:
    """A series of failures without a success in between.

    Without it, fifty threads that each wait a minute for a lost database would
    delay the run for most of an hour; here the minute is counted once.

    Args:
        patience: seconds from the first failure after which waiting is useless.
    """

    def __init__(self, patience: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.patience = patience
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since: float | None = None
        self._failed_at = -math.inf
        self._worked_at = monotonic()
        self._told = False
        self._reason = ""

    def failed(self, reason: str = "", *, waited: float = 0.0) -> None:
        """Records a failure.

        Args:
            reason: of the failure; the first one is kept.
            waited: seconds without an answer before it, which belong to the outage.
        """
        with self._lock:
            self._reason = self._reason or reason
            self._failed_at = self._monotonic()
            if self._since is None:
                self._since = max(self._failed_at - waited, self._worked_at)

    def ended(self) -> None:
        """Records a success."""
        self._worked_at = self._monotonic()
        if self._since is not None:  # read without the lock, because this runs after every save
            with self._lock:
                self._since = None
                self._told = False
                self._reason = ""

    def tell(self) -> bool:
        """Whether to notify the user: once per outage."""
        with self._lock:
            told, self._told = self._told, True
            return not told

    @property
    def reason(self) -> str:
        """The reason of the first failure."""
        return self._reason

    @property
    def left(self) -> float:
        """The remaining seconds of the patience."""
        since = self._since
        return self.patience if since is None else max(0.0, since + self.patience - self._monotonic())

    @property
    def is_recent(self) -> bool:
        """Whether the last failure was a moment ago, so that another attempt would fail in the same way."""
        return self._monotonic() - self._failed_at < _RECENT_SECONDS

    @property
    def too_long(self) -> bool:
        """Whether the outage has used up the patience."""
        since = self._since
        return since is not None and self._monotonic() - since >= self.patience
