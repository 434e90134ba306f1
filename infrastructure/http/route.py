"""Chooses the route of the next request: directly, through a proxy, or through one Tor circuit.

Routes differ in preference, health and load. A route that fails or is blocked is not used for a growing time.
"""

from __future__ import annotations

import logging
import re
import ssl
import threading
import weakref
from collections.abc import Callable, Sequence
from enum import Enum, IntEnum, auto
from functools import cache
from itertools import count
from typing import Final
from urllib.parse import urlsplit

import msgspec
import requests

from infrastructure.http.messages import Scope
from infrastructure.http.policies import CooldownPolicy
from infrastructure.http.send import open_session
from shared.clock import Clock
from shared.secret import Secret

log = logging.getLogger(__name__)
PLAIN: Final = "Mozilla/5.0 (compatible; filmledger)"
# Tor accepts any password, and gives each pair of user name and password a circuit of its own.
CIRCUIT_PASSWORD: Final = "circuit"  # noqa: S105
_DESKTOP: Final = re.compile(
    r"Mozilla/5\.0 \((?:Windows|Macintosh|X11)[^)]*\)(?!.*Mobile).*"
)  # the list's own classification has errors
_BROWSERS: Final = frozenset({"Chrome", "Firefox", "Edge", "Safari"})
_AFTER_ERROR: Final = 0.6  # share of a score that is left after an error
_REGAINED: Final = 0.2  # share of what is missing that each success restores
_COOLDOWN: Final = CooldownPolicy()
_WORTH_LEAVING: Final = 0.5  # a thread leaves its route when another is twice as good


class Tier(IntEnum):
    """The order of preference."""

    PROXY = 0
    TOR = 1
    DIRECT = 2


_TIER_NAMES: Final = {Tier.PROXY: "the proxies", Tier.TOR: "Tor", Tier.DIRECT: "the direct connection"}


class Route:
    """One route, with a session for each thread and one user agent for its life.

    Args:
        name: for logs, without credentials.
        address: gives the proxy's address with credentials; called again after ``renew``; ``None``: no proxy.
        user_agent: gives the user agent; called once, when the first session is opened.

    Attributes:
        generation: how often it was renewed.
    """

    def __init__(
        self, name: str, tier: Tier, address: Callable[[int], Secret] | None, user_agent: Callable[[], str]
    ) -> None:
        self.name = name
        self.tier = tier
        self._address = address
        self._pick_user_agent = user_agent
        self._user_agent = ""
        self._lock = threading.Lock()
        self._local = threading.local()
        self._open: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self.generation = 0

    @property
    def proxied(self) -> bool:
        """Whether it leads through a proxy."""
        return self._address is not None

    @property
    def user(self) -> str:
        """The user name sent to its proxy; empty without one."""
        return urlsplit(self._address(self.generation).reveal()).username or "" if self._address else ""

    @property
    def user_agent(self) -> str:
        """The User-Agent header it sends."""
        with self._lock:
            if not self._user_agent:
                self._user_agent = self._pick_user_agent()
            return self._user_agent

    def session(self, tls: Callable[[], ssl.SSLContext]) -> requests.Session:
        """Returns the calling thread's own session; a new one after the route was renewed."""
        generation = self.generation
        if getattr(self._local, "generation", None) == generation:
            kept: requests.Session = self._local.session
            return kept
        if old := getattr(self._local, "session", None):
            old.close()
        address = self._address(generation).reveal() if self._address else None
        session = open_session(self.user_agent, address, tls)
        self._local.session, self._local.generation = session, generation
        with self._lock:
            self._open.add(session)
        return session

    def renew(self) -> None:
        """Abandons the connections: each thread opens a new session, to a new address if that has changed."""
        with self._lock:
            self.generation += 1

    def close(self) -> None:
        """Closes the sessions of all threads."""
        with self._lock:
            for session in tuple(self._open):
                session.close()
            self._open.clear()

    def __repr__(self) -> str:
        return f"Route({self.name})"


class Cooldown(msgspec.Struct):
    """Why, how often and until when a route is not used for something.

    ``since`` is the serial number at which it began: leases with a lower one were in flight by then, so their outcome
    is ignored. After it the route is on trial, one request at a time, until one succeeds.
    """

    reason: str = ""
    times: int = 0
    until: float = float("-inf")
    since: int = -1
    trial: bool = False

    def start(self, now: float, serial: int, reason: str) -> None:
        """Starts the cooldown again, longer than the last time."""
        self.times += 1
        self.until = now + _COOLDOWN.seconds(self.times)
        self.since, self.reason, self.trial = serial, reason, True

    def end(self) -> None:
        """Ends it now; the route stays on trial."""
        self.until = float("-inf")


class RouteHealth(msgspec.Struct):
    """The health of one route."""

    score: float = 1.0
    active: int = 0
    used: int = 0  # serial of the last lease
    taken: int = 0  # leases since it was renewed
    worked: bool = False
    silences: int = 0
    dead: Cooldown = msgspec.field(default_factory=Cooldown)
    blocked: dict[Scope, Cooldown] = msgspec.field(default_factory=dict)

    def penalize(self, times: int = 1) -> None:
        """Lowers the score after errors."""
        self.score *= _AFTER_ERROR**times

    def recover(self) -> None:
        """Raises the score after a success."""
        self.worked, self.silences = True, 0
        self.score += (1 - self.score) * _REGAINED


class Shortage(Enum):
    """Why no route can be used, or not this one."""

    DEAD = auto()  # it does not work
    BLOCKED = auto()  # the site refuses it
    ON_TRIAL = auto()  # another thread is trying it; ask again in a moment


class NoRoute(Exception):
    """No route can be used at the moment; ``reasons`` has the reason for each route."""

    def __init__(self, shortage: Shortage, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.shortage = shortage
        self.reasons = tuple(reasons)


class Lease(msgspec.Struct, frozen=True):
    """A route for one request; given back with its outcome."""

    route: Route
    serial: int
    scope: Scope


class RoutePool:
    """Leases routes to threads. Thread-safe; never waits.

    Args:
        rotate_after: change route after so many requests; 0: only when there is a reason.
    """

    def __init__(self, routes: Sequence[Route], clock: Clock, rotate_after: int = 0) -> None:
        self.routes = tuple(routes)
        self._clock = clock
        self._rotate_after = rotate_after
        self._lock = threading.Lock()
        self._health = {route: RouteHealth() for route in self.routes}
        self._local = threading.local()
        self._serials = count(1)
        self._tiers: dict[Scope, Tier] = {}

    def lease(self, scope: Scope, *, avoid: Route | None = None, probe: bool = False) -> Lease:
        """Returns a route for one request: the thread's last one if it is still good, else the best.

        Args:
            avoid: use another than this if there is one.
            probe: use a blocked one if there is no other.

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
        """Returns the reason why no route is left, if the site refuses all that work."""
        with self._lock:
            if any(self._shortage(route, scope) in (None, Shortage.ON_TRIAL) for route in self.routes):
                return None
            none = self._none_left(scope)
            return none if none.shortage is Shortage.BLOCKED else None

    def is_valid(self, lease: Lease) -> bool:
        """Whether the route was neither blocked nor found dead since it was leased."""
        with self._lock:
            health = self._health[lease.route]
            blocked = health.blocked.get(lease.scope)
            return lease.serial > max(health.dead.since, blocked.since if blocked else -1)

    def succeeded(self, lease: Lease) -> None:
        """Gives back a route over which the site answered properly."""
        with self._lock:
            health = self._give_back(lease)
            health.recover()
            if lease.serial > health.dead.since:
                health.dead = Cooldown()
            if (cooldown := health.blocked.get(lease.scope)) and lease.serial > cooldown.since:
                del health.blocked[lease.scope]

    def failed(self, lease: Lease, reason: str = "", *, silent: bool = False) -> None:
        """Gives back a route after an error. A proxy that does not answer is dead, if there are other routes."""
        with self._lock:
            health = self._give_back(lease)
            health.penalize()
            health.silences = health.silences + 1 if silent else 0
            if health.silences >= (_COOLDOWN.silences if health.worked else 1) and self._others_live(lease.route):
                self._mark_dead(lease, health, reason)

    def unused(self, lease: Lease) -> None:
        """Gives back a route when nothing was sent, or the answer does not concern the route."""
        with self._lock:
            self._give_back(lease)

    def died(self, lease: Lease, reason: str) -> None:
        """Gives back a proxy that cannot be reached or refuses requests."""
        with self._lock:
            self._mark_dead(lease, self._give_back(lease), reason)

    def blocked(self, lease: Lease, reason: str) -> None:
        """Gives back a route that the site refuses; it is not used for this scope for a growing time."""
        with self._lock:
            health = self._give_back(lease)
            health.worked = True
            cooldown = health.blocked.setdefault(lease.scope, Cooldown())
            if lease.serial > cooldown.since:
                cooldown.start(self._clock.monotonic(), next(self._serials), reason)
                level = logging.WARNING if cooldown.times == 1 else logging.INFO
                log.log(level, "route %s is blocked by %s: %s", lease.route.name, lease.scope, reason)
                if any(self._shortage(route, lease.scope) is None for route in self.routes):
                    lease.route.renew()  # the route has another circuit by the time it is tried again

    def doubt(self, name: str) -> bool:
        """Records an unrecognised page that this route may have changed; returns whether another route works."""
        with self._lock:
            route = next((route for route in self.routes if route.name == name), None)
            if route is None:
                return False
            self._health[route].penalize(2)
            return self._others_live(route)

    def renewed(self, route: Route) -> None:
        """Records that the route has a new address: it may be tried, by one request first."""
        with self._lock:
            self._health[route].taken = 0
            for cooldown in self._health[route].blocked.values():
                cooldown.end()

    def _others_live(self, route: Route) -> bool:
        now = self._clock.monotonic()
        return any(other is not route and health.dead.until < now for other, health in self._health.items())

    def _give_back(self, lease: Lease) -> RouteHealth:
        health = self._health[lease.route]
        health.active -= 1
        return health

    def _mark_dead(self, lease: Lease, health: RouteHealth, reason: str) -> None:
        health.penalize()
        if lease.serial > health.dead.since:
            health.dead.start(self._clock.monotonic(), next(self._serials), reason)
            log.warning("route %s does not work and is not used for a while: %s", lease.route.name, reason)

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
            if self._is_worn(last):
                others = [route for route in others if route is not last] or others
            elif self._health[last].score >= _WORTH_LEAVING * max(self._health[route].score for route in others):
                self._local.taken += 1
                return last
        best = max(others, key=self._rank)
        self._local.route, self._local.taken = best, 1
        return best

    def _is_worn(self, route: Route) -> bool:
        """Whether the thread must change its route; a Tor route gets a new circuit instead, for all threads."""
        if not self._rotate_after:
            return False
        if route.tier is not Tier.TOR:
            return bool(self._local.taken >= self._rotate_after)
        if self._health[route].taken >= self._rotate_after:
            self._health[route].taken = 0
            route.renew()
        return False

    def _rank(self, route: Route) -> tuple[float, int]:
        health = self._health[route]
        return health.score / (1 + health.active), -health.used


class _Browser(msgspec.Struct):
    """The fields used of an entry in fake-useragent's list."""

    useragent: str
    browser: str | None


_agents_lock = threading.Lock()


def user_agents() -> tuple[str, ...]:
    """User agents of common desktop browsers, so that pages have one layout; a plain one if there is no list.

    Reads fake-useragent's list itself, which takes 5 ms instead of 40 with the package, and every run waits for it.
    It is read once for all threads.
    """
    with _agents_lock:
        return _read_user_agents()


@cache
def _read_user_agents() -> tuple[str, ...]:
    try:
        from fake_useragent.errors import FakeUserAgentError
        from fake_useragent.utils import find_browser_json_path
    except ImportError as error:
        log.warning("fake-useragent cannot be loaded (%s); using %r", error, PLAIN)
        return (PLAIN,)
    try:
        browsers = msgspec.json.Decoder(_Browser).decode_lines(find_browser_json_path().read_bytes())
        if not browsers:
            raise ValueError("it is empty")
    except (FakeUserAgentError, OSError, ValueError) as error:
        log.warning("fake-useragent has no list of browsers (%s); using %r", error, PLAIN)
        return (PLAIN,)
    common = (browser.useragent for browser in browsers if browser.browser in _BROWSERS)
    return tuple(dict.fromkeys(agent for agent in common if _DESKTOP.fullmatch(agent))) or (PLAIN,)
