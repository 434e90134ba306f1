"""One request, once it may go: limit, route, send, classify; routes and pace learn from what comes."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from domain.errors import Cancelled, Transient
from infrastructure.http.breaker import Breaker, Pass
from infrastructure.http.failures import Fault, RequestFailed
from infrastructure.http.network import Network
from infrastructure.http.route_pool import Lease, NoRoute, Shortage
from infrastructure.http.routes import Route, Tier
from infrastructure.http.scope import Scope
from infrastructure.http.sites import Site
from infrastructure.http.transport import Answer, Request
from infrastructure.http.verdicts import Declined, Fine, Gone, Locked, Moved, Refused, Unwell, Verdict, judge
from infrastructure.http.waiting import pause

_TRIAL_POLL_SECONDS = 0.1  # seconds between two looks at a route that another thread is trying
_ANSWERS = (Fine, Moved, Gone, Declined)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that was sent, and what it came to; ``answer`` is None if nothing whole came back."""

    route: Route
    verdict: Verdict | RequestFailed
    answer: Answer | None = None


def exchange(
    network: Network, scope: Scope, request: Request, granted: Pass, avoid: Route | None, cancel: threading.Event
) -> Exchange | None:
    """Send one request over the best route when its time has come.

    Args:
        network: what all requests share.
        scope: of the request.
        request: what to send.
        granted: by the scope's breaker, which hears what came of a probe.
        avoid: a route to take last.
        cancel: ends every wait.

    Returns:
        ``None`` if no route could be had; the breaker knows.

    Raises:
        Transient: every route is dead, or Tor is gone.
        Cancelled: ``cancel`` was set.
    """
    breaker = network.sites.breaker(scope)
    opened = False
    try:
        lease = _lease(network, scope, breaker, granted, avoid, cancel)
        if lease is None:
            return None
        done = _send(network, lease, request, cancel)
        opened = isinstance(done.verdict, _ANSWERS) if done else False
        if opened:
            breaker.answered()
        elif done and isinstance(done.verdict, Refused):
            _look_for_others(network, scope, breaker)
        return done
    finally:
        if granted is Pass.PROBE:
            breaker.probed(opened=opened)


def _look_for_others(network: Network, scope: Scope, breaker: Breaker) -> None:
    """After a refusal: if it was the last route, nobody else needs to find that out."""
    if network.rotation and network.rotation.worthwhile:
        return
    if none := network.pool.all_blocked(scope):
        breaker.trip(str(none))


def _lease(
    network: Network, scope: Scope, breaker: Breaker, granted: Pass, avoid: Route | None, cancel: threading.Event
) -> Lease | None:
    rotation = network.rotation
    turns = rotation.turns if rotation else 0
    if rotation and granted is Pass.PROBE:
        rotation.turn(turns, scope.origin, cancel)  # the circuit of the last probe would be blocked again
    try:
        return network.pool.lease(scope, avoid=avoid, probe=granted is Pass.PROBE)
    except NoRoute as none:
        if none.shortage is Shortage.DEAD:
            raise Transient(f"cannot reach {scope}: no route is left ({none})") from none
        if none.shortage is Shortage.ON_TRIAL:
            pause(_TRIAL_POLL_SECONDS, cancel)
        elif rotation and rotation.worthwhile:
            rotation.turn(turns, scope.origin, cancel)
        else:
            breaker.trip(str(none))
        return None


def _send(network: Network, lease: Lease, request: Request, cancel: threading.Event) -> Exchange | None:
    site = network.sites.site(lease.scope.origin)
    try:
        sent_at = site.pacer.acquire(cancel)
    except Cancelled:
        network.pool.unused(lease)
        raise
    if not network.pool.holds(lease):
        network.pool.unused(lease)  # it was blocked or found dead while this request waited for its turn
        return None
    answer: Answer | None = None
    verdict: Verdict | RequestFailed
    try:
        answer = network.transport.send(request, lease.route, cancel)
    except RequestFailed as failure:
        verdict = failure
        if lease.route.tier is Tier.TOR and failure.fault is Fault.ROUTE and failure.silent:
            verdict = RequestFailed("Tor found no way there in the time allowed", Fault.UNREACHABLE)
    except BaseException:
        network.pool.unused(lease)
        raise
    else:
        site.answered = True
        verdict = judge(request, answer, network.policy, network.clock.now(), proxied=lease.route.proxied)
    network.meter.count(1, answer.size if answer else verdict.size if isinstance(verdict, RequestFailed) else 0)
    _learn(network, site, lease, sent_at, verdict)
    return Exchange(lease.route, verdict, answer)


def _learn(network: Network, site: Site, lease: Lease, sent_at: float, verdict: Verdict | RequestFailed) -> None:
    pool, pacer = network.pool, site.pacer
    match verdict:
        case Refused(reason):
            pool.blocked(lease, reason)
            pacer.struggles(sent_at, told=True)
        case Unwell(after=after, too_much=too_much):
            pool.failed(lease)
            pacer.struggles(sent_at, told=too_much)
            if after:
                pacer.hold(min(after, network.policy.max_wait))
        case Locked(reason) | RequestFailed(reason=reason, fault=Fault.ROUTE):
            pool.died(lease, reason)
        case RequestFailed(fault=Fault.FINAL) | RequestFailed(stale=True):
            pool.unused(lease)
        case RequestFailed(reason=reason, fault=fault, silent=silent):
            pool.failed(lease, reason, silent=silent)
            if fault is Fault.SITE:
                pacer.struggles(sent_at)
        case _:
            pool.succeeded(lease)
            pacer.went_well()
            network.standstill.arrived()
            if network.rotation and lease.route.tier is Tier.TOR:
                network.rotation.page_came()
