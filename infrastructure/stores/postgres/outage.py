"""How long the database has been away, for all threads together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Final

_RECENT_SECONDS: Final = 3.0


class Outage:
    """A stretch of failures without a success in between.

    Fifty threads that each waited a minute for a database that is gone would
    keep the run for most of an hour; here the minute is counted once.

    Args:
        patience: seconds from the first failure after which waiting makes no sense.
        monotonic: the clock, in seconds.
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
        """Notes a failure, and how long there was no answer before it, which was part of the outage.

        Args:
            reason: what failed; the first one is kept.
            waited: seconds.
        """
        with self._lock:
            self._reason = self._reason or reason
            self._failed_at = self._monotonic()
            if self._since is None:
                self._since = max(self._failed_at - waited, self._worked_at)

    def ended(self) -> None:
        """Notes a success."""
        self._worked_at = self._monotonic()
        if self._since is not None:  # read without the lock: this is asked after every save
            with self._lock:
                self._since = None
                self._told = False
                self._reason = ""

    def tell(self) -> bool:
        """Whether it is time to tell the user: once an outage."""
        with self._lock:
            told, self._told = self._told, True
            return not told

    @property
    def reason(self) -> str:
        """What the first failure said."""
        return self._reason

    @property
    def left(self) -> float:
        """How many more seconds waiting makes sense."""
        since = self._since
        return self.patience if since is None else max(0.0, since + self.patience - self._monotonic())

    @property
    def is_recent(self) -> bool:
        """Whether the last failure was a moment ago: the next attempt would only wait for the same answer."""
        return self._monotonic() - self._failed_at < _RECENT_SECONDS

    @property
    def too_long(self) -> bool:
        """Whether the outage has used up the patience."""
        since = self._since
        return since is not None and self._monotonic() - since >= self.patience
