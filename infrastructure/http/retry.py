"""When to try again, and how long to wait before: values only, no waiting."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

DEFAULT_STATUSES: Final = frozenset({408, 413, 429, 500, 502, 503, 504})
_JITTER: Final = 0.25  # share of a wait by which it is made longer or shorter, so that threads do not return together


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long.

    Attributes:
        enabled: False: every request is made once.
        factor: the n-th wait is ``factor`` x 2^(n-1) seconds.
        max_wait: the longest single wait in seconds, a Retry-After included.
        retries: requests after the first.
        statuses: HTTP statuses that are tried again.
        max_wait_per_title: seconds one call may wait in all before it gives up.
        max_wait_per_run: seconds that may pass in waiting, nothing arriving meanwhile, before
            nothing is waited for any more.
    """

    enabled: bool = True
    factor: float = 2.0
    max_wait: float = 60.0
    retries: int = 5
    statuses: frozenset[int] = DEFAULT_STATUSES
    max_wait_per_title: float = 300.0
    max_wait_per_run: float = 7200.0

    def bound(self, asked: int) -> int:
        """The most requests one call may make when its caller allows ``asked``."""
        return min(asked, self.retries + 1 if self.enabled else 1)

    def wait(self, retry: int, chance: random.Random) -> float:
        """Seconds before the ``retry``-th retry, which counts from 1."""
        exponent = min(retry - 1, 64)  # beyond any cap, and well within a float
        return min(self.factor * 2.0**exponent * chance.uniform(1 - _JITTER, 1 + _JITTER), self.max_wait)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from ``now`` that a Retry-After header asks for; ``None`` without one that can be read.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
