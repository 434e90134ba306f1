"""What is known of each host and each scope: its pace, whether it ever answered, whether it blocks."""

from __future__ import annotations

import threading
from typing import Final

from infrastructure.http.breaker import Breaker, ProbePlan
from infrastructure.http.pacing import Pacer
from infrastructure.http.scope import Origin, Scope
from shared.clock import Clock

DEFAULT_RATE: Final = 10.0  # requests a second toward a remote host


class Site:
    """One host, for all threads; ``answered`` once anything came back from it."""

    __slots__ = ("answered", "pacer")

    def __init__(self, pacer: Pacer) -> None:
        self.pacer = pacer
        self.answered = False


class Sites:
    """All hosts and scopes that were asked for something.

    Args:
        per_second: requests a second to each host; ``None``: 10, and no limit on loopback.
        plan: of each scope's breaker.
        clock: monotonic time.
    """

    def __init__(self, per_second: float | None, plan: ProbePlan, clock: Clock) -> None:
        self._per_second = per_second
        self._plan = plan
        self._clock = clock
        self._lock = threading.Lock()
        self._sites: dict[Origin, Site] = {}
        self._breakers: dict[Scope, Breaker] = {}

    def site(self, origin: Origin) -> Site:
        """What is known of this host."""
        with self._lock:
            if origin not in self._sites:
                self._sites[origin] = Site(Pacer(self._rate(origin), self._clock))
            return self._sites[origin]

    def breaker(self, scope: Scope) -> Breaker:
        """What stands before requests of this scope."""
        with self._lock:
            if scope not in self._breakers:
                self._breakers[scope] = Breaker(str(scope), self._plan, self._clock)
            return self._breakers[scope]

    def limit(self, per_second: float | None) -> None:
        """Change the rate toward every host, those known and those to come."""
        with self._lock:
            self._per_second = per_second
            for origin, site in self._sites.items():
                site.pacer.limit(self._rate(origin))

    def _rate(self, origin: Origin) -> float | None:
        if self._per_second is None and not origin.loopback:
            return DEFAULT_RATE
        return self._per_second
