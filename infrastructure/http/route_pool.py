"""Which way the next request goes: preference, health, and a fair share for each route."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import Final

from infrastructure.http.bench import Bench, BenchPolicy, Health
from infrastructure.http.routes import Route, Tier
from infrastructure.http.scope import Scope
from shared.clock import Clock

log = logging.getLogger(__name__)
_WORTH_LEAVING: Final = 0.5  # a thread leaves its route when another is twice as good
_SILENCES: Final = 3  # in a row, until a proxy that has worked before counts as dead
_TIER_NAMES: Final = {Tier.PROXY: "the proxies", Tier.TOR: "Tor", Tier.DIRECT: "the direct connection"}


class Shortage(Enum):
    """Why no route can be had, or this one not."""

    DEAD = auto()  # it does not work
    BLOCKED = auto()  # the site refuses it
    ON_TRIAL = auto()  # it is being tried just now; ask again in a moment


class NoRoute(Exception):
    """There is no route at the moment; ``reasons`` says why, route by route."""

    def __init__(self, shortage: Shortage, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.shortage = shortage
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Lease:
    """A route for one request; handed back with what came of it."""

    route: Route
    serial: int
    scope: Scope


class RoutePool:
    """Leases routes to threads. Called from many threads at once; never waits.

    Args:
        routes: all there are.
        clock: monotonic time.
        rotate_after: change route after so many requests; 0: only when there is a reason.
        bench: how long blocked and dead routes are left alone.
    """

    def __init__(
        self, routes: Sequence[Route], clock: Clock, rotate_after: int = 0, bench: BenchPolicy | None = None
    ) -> None:
        self.routes = tuple(routes)
        self._clock = clock
        self._rotate_after = rotate_after
        self._policy = bench or BenchPolicy()
        self._lock = threading.Lock()
        self._health = {route: Health() for route in self.routes}
        self._local = threading.local()
        self._serials = count(1)
        self._tiers: dict[Scope, Tier] = {}

    def lease(self, scope: Scope, *, avoid: Route | None = None, probe: bool = False) -> Lease:
        """A route for one request: the thread's last one if it is still good, else the best.

        Args:
            scope: what the request is for.
            avoid: take another than this if there is one.
            probe: take a blocked one if there is no other.

        Raises:
            NoRoute: none can be used.
        """
        with self._lock:
            ready = [route for route in self.routes if self._shortage(route, scope) is None]
            if not ready and probe:
                ready = self._longest_blocked(scope)
            if not ready:
                raise self._none_left(scope)
            tier = min(route.tier for route in ready)
            if self._tiers.setdefault(scope, tier) is not tier:
                self._tiers[scope] = tier
                log.warning("requests to %s go through %s from now on", scope, _TIER_NAMES[tier])
            route = self._choose([route for route in ready if route.tier is tier], avoid)
            health = self._health[route]
            health.active += 1
            health.taken += 1
            health.used = next(self._serials)
            return Lease(route, health.used, scope)

    def all_blocked(self, scope: Scope) -> NoRoute | None:
        """Why no route is left, if the site refuses all that work."""
        with self._lock:
            if any(self._shortage(route, scope) in (None, Shortage.ON_TRIAL) for route in self.routes):
                return None
            none = self._none_left(scope)
            return none if none.shortage is Shortage.BLOCKED else None

    def holds(self, lease: Lease) -> bool:
        """Whether nothing has come to light about the route since it was leased."""
        with self._lock:
            health = self._health[lease.route]
            blocked = health.blocked.get(lease.scope)
            return lease.serial > max(health.dead.since, blocked.since if blocked else -1)

    def succeeded(self, lease: Lease) -> None:
        """The site answered properly: the route is as good as before."""
        with self._lock:
            health = self._give_back(lease)
            health.mend()
            if lease.serial > health.dead.since:
                health.dead = Bench()
            if (bench := health.blocked.get(lease.scope)) and lease.serial > bench.since:
                del health.blocked[lease.scope]

    def failed(self, lease: Lease, reason: str = "", *, silent: bool = False) -> None:
        """An error: the route comes later in the choice. A proxy that keeps silent is dead, if there are others."""
        with self._lock:
            health = self._give_back(lease)
            health.spoil()
            health.silences = health.silences + 1 if silent else 0
            if health.silences >= (_SILENCES if health.worked else 1) and self._others_live(lease.route):
                self._bury(lease, health, reason)

    def unused(self, lease: Lease) -> None:
        """Nothing was sent, or the answer says nothing about the route."""
        with self._lock:
            self._give_back(lease)

    def died(self, lease: Lease, reason: str) -> None:
        """The proxy cannot be reached or does not let us in: it is left alone for a time that grows."""
        with self._lock:
            self._bury(lease, self._give_back(lease), reason)

    def blocked(self, lease: Lease, reason: str) -> None:
        """The site refuses this route: it is left alone, for this scope, for a time that grows."""
        with self._lock:
            health = self._give_back(lease)
            health.worked = True
            bench = health.blocked.setdefault(lease.scope, Bench())
            if lease.serial > bench.since:
                bench.close(self._policy, self._clock.monotonic(), next(self._serials), reason)
                level = logging.WARNING if bench.times == 1 else logging.INFO
                log.log(level, "route %s is blocked by %s: %s", lease.route.name, lease.scope, reason)
                if any(self._shortage(route, lease.scope) is None for route in self.routes):
                    lease.route.renew()  # if it is a circuit: another one, by the time that it is tried again

    def doubt(self, name: str) -> bool:
        """A page by the route of this name was not what it should be; answers whether another route works."""
        with self._lock:
            route = next((route for route in self.routes if route.name == name), None)
            if route is None:
                return False
            self._health[route].spoil(2)
            return self._others_live(route)

    def renewed(self, route: Route) -> None:
        """The route leads another way now: it may be tried, by one request first."""
        with self._lock:
            self._health[route].taken = 0
            for bench in self._health[route].blocked.values():
                bench.reopen()

    def _others_live(self, route: Route) -> bool:
        now = self._clock.monotonic()
        return any(other is not route and health.dead.until < now for other, health in self._health.items())

    def _give_back(self, lease: Lease) -> Health:
        health = self._health[lease.route]
        health.active -= 1
        return health

    def _bury(self, lease: Lease, health: Health, reason: str) -> None:
        health.spoil()
        if lease.serial > health.dead.since:
            health.dead.close(self._policy, self._clock.monotonic(), next(self._serials), reason)
            log.warning("route %s does not work and is left alone: %s", lease.route.name, reason)

    def _shortage(self, route: Route, scope: Scope) -> Shortage | None:
        health = self._health[route]
        now = self._clock.monotonic()
        if now < health.dead.until:
            return Shortage.DEAD
        blocked = health.blocked.get(scope)
        if blocked and now < blocked.until:
            return Shortage.BLOCKED
        trial = health.dead.trial or (blocked is not None and blocked.trial)
        return Shortage.ON_TRIAL if trial and health.active else None

    def _longest_blocked(self, scope: Scope) -> list[Route]:
        blocked = [route for route in self.routes if self._shortage(route, scope) is Shortage.BLOCKED]
        return sorted(blocked, key=lambda route: self._health[route].blocked[scope].since)[:1]

    def _none_left(self, scope: Scope) -> NoRoute:
        shortages = {route: self._shortage(route, scope) for route in self.routes}
        mildest = max(filter(None, shortages.values()), key=lambda shortage: shortage.value)
        reasons = []
        for route, shortage in shortages.items():
            health = self._health[route]
            why = health.dead.reason if shortage is Shortage.DEAD else health.blocked.get(scope, health.dead).reason
            reasons.append(f"{route.name}: {why}")
        return NoRoute(mildest, reasons)

    def _choose(self, ready: list[Route], avoid: Route | None) -> Route:
        others = [route for route in ready if route is not avoid] or ready
        last: Route | None = getattr(self._local, "route", None)
        if last is not None and last in others:
            if self._outworn(last):
                others = [route for route in others if route is not last] or others
            elif self._health[last].score >= _WORTH_LEAVING * max(self._health[route].score for route in others):
                self._local.taken += 1
                return last
        best = max(others, key=self._attraction)
        self._local.route, self._local.taken = best, 1
        return best

    def _outworn(self, route: Route) -> bool:
        """Whether it is time to change; a Tor route changes its circuit, for all threads, and stays."""
        if not self._rotate_after:
            return False
        if route.tier is not Tier.TOR:
            return bool(self._local.taken >= self._rotate_after)
        if self._health[route].taken >= self._rotate_after:
            self._health[route].taken = 0
            route.renew()
        return False

    def _attraction(self, route: Route) -> tuple[float, int]:
        health = self._health[route]
        return health.score / (1 + health.active), -health.used
