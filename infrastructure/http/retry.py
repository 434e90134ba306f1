"""Fetches one page with as many requests as necessary: limit, route, send, classify, retry."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from domain.errors import Cancelled, NotFound, SourceError, Transient
from infrastructure.http.classify import (
    BlockedAnswer,
    Declined,
    Ok,
    PageNotFound,
    ProxyAuthRequired,
    Redirect,
    ServerError,
    Verdict,
    judge,
)
from infrastructure.http.limit import Breaker, HostRegistry, HostState, Permit, StallTimer, pause
from infrastructure.http.messages import Answer, Fault, Origin, Page, Request, RequestFailed, Scope
from infrastructure.http.policies import OutagePolicy, RetryPolicy
from infrastructure.http.route import Lease, NoRoute, Route, RoutePool, Shortage, Tier
from infrastructure.http.send import Transport
from shared.clock import Clock
from shared.secret import Secret

if TYPE_CHECKING:
    from infrastructure.http.tor import CircuitRotation

log = logging.getLogger(__name__)
_MAX_HOPS: Final = 5
_TRIAL_POLL_SECONDS: Final = 0.1  # between two checks of a route that another thread is trying


class Meter:
    """Counts all requests and their body bytes, including robots.txt and probes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.size = 0

    def count(self, size: int) -> None:
        """Adds one request."""
        with self._lock:
            self.requests += 1
            self.size += size


class Network(msgspec.Struct, frozen=True):
    """Objects that all requests share.

    Attributes:
        rotation: new Tor circuits, where Tor is used.
        configured: origins named in the settings: redirects may lead there, and their addresses need not be public.
        authorization: the Authorization header for each of these that has user information.
    """

    retry: RetryPolicy
    outage: OutagePolicy
    transport: Transport
    pool: RoutePool
    rotation: CircuitRotation | None
    hosts: HostRegistry
    configured: frozenset[Origin]
    authorization: Mapping[Origin, Secret]
    stall: StallTimer
    clock: Clock
    chance: random.Random = msgspec.field(default_factory=random.Random)
    meter: Meter = msgspec.field(default_factory=Meter)


@dataclass(slots=True)
class Call:
    """One get or post in progress.

    Attributes:
        request: the next request; a redirect changes it.
        max_requests: that its caller allows; the retry policy may allow less.
        patient: whether to wait and probe when the site refuses every route.
        permit: called with every address before it is fetched; raises an error if it is forbidden.
    """

    network: Network
    request: Request
    max_requests: int
    cancel: threading.Event
    patient: bool
    permit: Callable[[str], None]
    requests: int = 0
    size: int = 0
    waited: float = 0.0
    retries: int = 0
    hops: int = 0
    trouble: str = "no request is left for it in this run"
    refused: bool = False
    avoid: Route | None = None
    bound: int = field(init=False)
    scope: Scope = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    cookies: dict[str, str] = field(default_factory=dict)  # of this call and its host only
    visited: set[tuple[str, str]] = field(default_factory=set)

    def page(self) -> Page:
        """Fetches the page.

        Raises:
            SourceError: of the class that describes the failure, with ``requests`` and ``size`` set.
        """
        self.bound = self.network.retry.bound(self.max_requests)
        self.headers = self.request.headers
        try:
            self._enter(self.request.url)
            while True:
                if (page := self._try()) is not None:
                    return page
        except SourceError as error:
            error.requests += self.requests
            error.size += self.size
            raise

    def _try(self) -> Page | None:
        """Makes one request; ``None``: another one is needed."""
        breaker = self.network.hosts.breaker(self.scope)
        permit = self._limit(breaker)
        answered = False
        try:
            if (lease := self._route(breaker, permit)) is None:
                return None
            sent = self._send(lease)
            if sent is None:
                return None
            verdict, answer = sent
            answered = isinstance(verdict, Ok | Redirect | PageNotFound | Declined)
            if answered:
                breaker.page_arrived()
            elif isinstance(verdict, BlockedAnswer):
                self._trip_if_last(breaker)
        finally:
            if permit is Permit.PROBE:
                breaker.probed(answered=answered)
        return self._conclude(verdict, answer, lease.route)

    # --- limit and route ----------------------------------------------------------

    @property
    def _able(self) -> bool:
        """Whether a request is left; redirects before any other answer are always followed."""
        return self.requests < self.bound or 0 < self.requests == self.hops

    def _limit(self, breaker: Breaker) -> Permit:
        """Waits while the site blocks every route."""
        if self.cancel.is_set():
            raise Cancelled(f"{self.request.url}: stopped")
        able = self._able
        if not able and not self.refused:
            raise self._exhausted()
        permit = breaker.enter(self.cancel, able=able, patient=self.patient)
        if not able:
            raise self._exhausted()
        return permit

    def _route(self, breaker: Breaker, permit: Permit) -> Lease | None:
        """Leases a route; ``None``, after a wait, new circuits or a tripped breaker: there is none at the moment."""
        network, rotation = self.network, self.network.rotation
        turns = rotation.turns if rotation else 0
        if rotation and permit is Permit.PROBE:
            rotation.turn(turns, self.scope.origin, self.cancel)  # the circuit of the last probe would be blocked again
        try:
            return network.pool.lease(self.scope, avoid=self.avoid, probe=permit is Permit.PROBE)
        except NoRoute as none:
            if none.shortage is Shortage.DEAD:
                raise Transient(f"cannot reach {self.scope}: no route is left ({none})") from none
            if none.shortage is Shortage.ON_TRIAL:
                pause(_TRIAL_POLL_SECONDS, self.cancel)
            elif rotation and rotation.worthwhile:
                rotation.turn(turns, self.scope.origin, self.cancel)
            else:
                breaker.trip(str(none))
            return None

    def _trip_if_last(self, breaker: Breaker) -> None:
        """Trips the breaker if the refused route was the last one, so that other threads need not try."""
        if self.network.rotation and self.network.rotation.worthwhile:
            return
        if none := self.network.pool.all_blocked(self.scope):
            breaker.trip(str(none))

    # --- send and classify --------------------------------------------------------

    def _send(self, lease: Lease) -> tuple[Verdict | RequestFailed, Answer | None] | None:
        """Sends the request when the host's rate allows it; ``None``: the lease was no longer valid then."""
        network = self.network
        host = network.hosts.host(self.scope.origin)
        try:
            sent_at = host.pacer.acquire(self.cancel)
        except Cancelled:
            network.pool.unused(lease)
            raise
        if not network.pool.is_valid(lease):
            network.pool.unused(lease)
            return None
        answer: Answer | None = None
        verdict: Verdict | RequestFailed
        try:
            answer = network.transport.send(self.request, lease.route, self.cancel)
        except RequestFailed as failure:
            verdict = failure
            if lease.route.tier is Tier.TOR and failure.fault is Fault.ROUTE and failure.silent:
                verdict = RequestFailed("Tor found no route there in the time allowed", Fault.UNREACHABLE)
            network.meter.count(failure.size)
        except BaseException:
            network.pool.unused(lease)
            raise
        else:
            host.answered = True
            verdict = judge(self.request, answer, network.retry, network.clock.now(), proxied=lease.route.proxied)
            network.meter.count(answer.size)
        self._learn(host, lease, sent_at, verdict)
        return verdict, answer

    def _learn(self, host: HostState, lease: Lease, sent_at: float, verdict: Verdict | RequestFailed) -> None:
        """Updates route health and rate."""
        network, pool, pacer = self.network, self.network.pool, host.pacer
        match verdict:
            case BlockedAnswer(reason):
                pool.blocked(lease, reason)
                pacer.record_failure(sent_at, told=True)
            case ServerError(after=after, too_much=too_much):
                pool.failed(lease)
                pacer.record_failure(sent_at, told=too_much)
                if after:
                    pacer.hold(min(after, network.retry.max_wait))
            case ProxyAuthRequired(reason) | RequestFailed(reason=reason, fault=Fault.ROUTE):
                pool.died(lease, reason)
            case RequestFailed(fault=Fault.FINAL) | RequestFailed(stale=True):
                pool.unused(lease)
            case RequestFailed(reason=reason, fault=fault, silent=silent):
                pool.failed(lease, reason, silent=silent)
                if fault is Fault.SITE:
                    pacer.record_failure(sent_at)
            case _:
                pool.succeeded(lease)
                pacer.record_success()
                network.stall.arrived()
                if network.rotation and lease.route.tier is Tier.TOR:
                    network.rotation.page_arrived()

    # --- retry --------------------------------------------------------------------

    def _conclude(self, verdict: Verdict | RequestFailed, answer: Answer | None, route: Route) -> Page | None:
        """Returns the page, raises a final error, or prepares the next request."""
        url = self.request.url
        self.requests += 1
        self.refused = isinstance(verdict, BlockedAnswer)
        if answer is not None:
            self.size += answer.size
        match verdict:
            case Ok() if answer is not None:
                return Page(
                    answer.url, answer.status, answer.headers, answer.body, self.size, self.requests, route.name
                )
            case Redirect(target):
                self._follow(target, answer.cookies if answer else ())
            case BlockedAnswer(reason):
                self.trouble, self.avoid = reason, route
            case PageNotFound(reason):
                raise NotFound(f"{url}: {reason}")
            case Declined(reason):
                raise SourceError(f"{url}: {reason}")
            case ServerError(reason, again, after):
                if not again:
                    raise Transient(f"{url}: {reason}")
                self._back_off(reason, route, after)
            case ProxyAuthRequired(reason):
                self._leave(reason, route)
            case RequestFailed() as failure:
                self._recover(failure, route)
        return None

    def _recover(self, failure: RequestFailed, route: Route) -> None:
        url, reason = self.request.url, failure.reason
        self.size += failure.size
        if self.cancel.is_set():
            raise Cancelled(f"{url}: stopped")
        if failure.fault is Fault.FINAL:
            raise SourceError(f"{url}: {reason}")
        if failure.fault is Fault.ROUTE:
            self._leave(reason, route)
        elif failure.stale and self._able:
            self.trouble = reason  # retried at once, on a new connection
        elif failure.fault is Fault.SITE:
            self._back_off(reason, route, None)
        else:
            origin = self.scope.origin
            reason = f"cannot reach {origin}: {reason}"
            if not route.proxied and not self.network.hosts.host(origin).answered:
                raise Transient(reason)  # the host has never answered: the address is wrong or the network is down
            self._back_off(reason, route, None)

    def _leave(self, reason: str, route: Route) -> None:
        """Leaves a dead proxy: the request did not reach the site, and another route is tried at once."""
        self.requests -= 1
        self.trouble, self.avoid = f"{route.name}: {reason}", route

    def _follow(self, target: str, cookies: tuple[str, ...]) -> None:
        url = self.request.url
        self.hops += 1
        try:
            leads_to, allowed = Origin.of(target), self.network.configured
        except ValueError as error:
            raise SourceError(f"{url}: it redirects to an address that cannot be fetched") from error
        if self.request.method != "GET":
            raise SourceError(f"{url}: it redirects a query to {leads_to}")
        if not (self.scope.origin.may_lead_to(leads_to) or leads_to in allowed):
            raise SourceError(f"{url}: it redirects to {leads_to.scheme}://{leads_to}, which is not allowed")
        if leads_to != self.scope.origin:
            self.cookies.clear()
        else:
            self.cookies.update(_cookies(cookies))
        if self._visit(target) in self.visited:
            kept = ", also with the cookie it sets" if self.cookies else ""
            raise SourceError(f"{url}: redirect loop{kept}")
        if self.hops > _MAX_HOPS:
            raise SourceError(f"{url}: it redirects more than {_MAX_HOPS} times")
        self.trouble = "no request is left to follow its redirect"
        self._enter(target)

    def _enter(self, url: str) -> None:
        """Sets the next address to fetch."""
        self.permit(url)
        self.visited.add(self._visit(url))
        origin = Origin.of(url)
        self.scope = Scope(origin, self.request.method)
        headers = dict(self.headers)
        if authorization := self.network.authorization.get(origin):
            headers["Authorization"] = authorization.reveal()
        if self.cookies:
            headers["Cookie"] = self._cookie_header
        public_only = origin not in self.network.configured
        self.request = self.request.to(url, headers=headers, public_only=public_only)

    def _visit(self, url: str) -> tuple[str, str]:
        """An address with its cookies: a page that sets a cookie and redirects to itself is not a loop."""
        return url, self._cookie_header

    @property
    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _back_off(self, reason: str, route: Route, after: float | None) -> None:
        policy, stall = self.network.retry, self.network.stall
        self.trouble, self.avoid = reason, route
        if not self._able:
            raise self._exhausted()
        self.retries += 1
        wait = min(after, policy.max_wait) if after else policy.wait(self.retries, self.network.chance)
        if self.waited + wait > policy.max_wait_per_title:
            raise Transient(f"{self.request.url}: {reason}; gave up after {self.waited:.0f} s of waiting for it")
        if stall.seconds > self.network.outage.max_wait_per_run:
            raise Transient(f"{self.request.url}: {reason}; the run has waited {stall.seconds:.0f} s in all")
        self.waited += wait
        log.info(
            "%s: %s; try %d of %d in %.1f s (%s)",
            self.request.url, reason, self.requests + 1, self.bound, wait, route.name,
        )  # fmt: skip
        with stall.waiting():
            pause(wait, self.cancel)

    def _exhausted(self) -> Transient:
        tries = f" ({self.requests} requests)" if self.requests > 1 else ""
        return Transient(f"{self.request.url}: {self.trouble}{tries}")


def _cookies(headers: tuple[str, ...]) -> dict[str, str]:
    """The cookies that an answer sets, by name. Paths are ignored: cookies are only kept for one call to one host."""
    found: dict[str, str] = {}
    for header in headers:
        pair = header.partition(";")[0]
        name, equals, value = pair.partition("=")
        if equals and name.strip() and pair.isprintable():
            found[name.strip()] = value.strip()
    return found
