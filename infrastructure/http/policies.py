"""The rules of retries, cooldowns, probes, outages and rates, as immutable values. docs/architecture.md lists them."""

from __future__ import annotations

import random
from typing import Final

import msgspec

DEFAULT_STATUSES: Final = frozenset({408, 413, 429, 500, 502, 503, 504})
DEFAULT_RATE: Final = 10.0  # requests a second to a host that is not on this machine
_JITTER: Final = 0.25  # share of a wait by which it varies, so that threads do not retry at the same time
_LONGEST_FIRST_PROBE: Final = 60.0
_FEWEST_PROBES: Final = 5  # with the blocked request: the six requests a title has by default


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often one page is requested, and how long to wait in between.

    Attributes:
        enabled: False: every request is made once.
        factor: the n-th wait is ``factor`` x 2^(n-1) seconds.
        max_wait: longest single wait in seconds, a Retry-After included.
        retries: requests after the first.
        statuses: HTTP statuses that are retried.
        max_wait_per_title: total seconds of waiting for one page.
    """

    enabled: bool = True
    factor: float = 2.0
    max_wait: float = 60.0
    retries: int = 5
    statuses: frozenset[int] = DEFAULT_STATUSES
    max_wait_per_title: float = 300.0

    def bound(self, asked: int) -> int:
        """The maximum number of requests for one page if its caller allows ``asked``."""
        return min(asked, self.retries + 1 if self.enabled else 1)

    def wait(self, retry: int, chance: random.Random) -> float:
        """Seconds before the ``retry``-th retry, which counts from 1."""
        exponent = min(retry - 1, 64)  # beyond any cap, and well within a float
        return min(self.factor * 2.0**exponent * chance.uniform(1 - _JITTER, 1 + _JITTER), self.max_wait)


class CooldownPolicy(msgspec.Struct, frozen=True):
    """How long a blocked or dead route is not used: ``first`` seconds, doubled each time, ``longest`` at most.

    ``silences`` is the number of consecutive unanswered requests after which a proxy that has worked counts as dead.
    """

    first: float = 60.0
    longest: float = 3600.0
    silences: int = 3

    def seconds(self, times: int) -> float:
        """The length of the ``times``-th cooldown, which counts from 1."""
        return min(self.first * 2.0 ** min(times - 1, 32), self.longest)


class ProbePolicy(msgspec.Struct, frozen=True):
    """When to probe a site that blocks every route, and when to give up.

    Attributes:
        max_wait: seconds until giving up; 0: no probe at all.
        relapse: a block within so many seconds after a good probe continues the earlier one.
        recovered: pages after which a block counts as a new one in any case.
        idle: seconds without a thread that could probe until giving up.
        rest: seconds after giving up until a new request starts over with a probe.
    """

    max_wait: float = 300.0
    relapse: float = 30.0
    recovered: int = 10
    idle: float = 1.0
    rest: float = 60.0

    @property
    def offsets(self) -> tuple[float, ...]:
        """Seconds after the block at which to probe: intervals that double and end exactly with ``max_wait``."""
        if self.max_wait <= 0:
            return ()
        number = _FEWEST_PROBES
        while self.max_wait / (2**number - 1) > _LONGEST_FIRST_PROBE:
            number += 1
        first = self.max_wait / (2**number - 1)
        return tuple(first * (2**probe - 1) for probe in range(1, number + 1))


class OutagePolicy(msgspec.Struct, frozen=True):
    """When a run stops waiting for a site that does not recover.

    Attributes:
        max_wait_per_run: seconds of waiting without any arrival, all threads together, before no page is waited for.
        unrecognised: pages in a row in which nothing was recognised that count as a block.
    """

    max_wait_per_run: float = 7200.0
    unrecognised: int = 10


class RatePolicy(msgspec.Struct, frozen=True):
    """How the rate to one host falls and recovers.

    Attributes:
        memory: answers over which the share of bad ones is taken.
        told: a 429 or a block lowers the rate to at most this share of it.
        recovery: share of the full rate regained by each good answer.
        floor: share of the full rate below which it never falls.
        unlimited: full rate in requests per second if none is set and fewer were sent before the first bad answer.
    """

    memory: int = 20
    told: float = 0.8
    recovery: float = 0.01
    floor: float = 0.1
    unlimited: float = 100.0
