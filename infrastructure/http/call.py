"""One page for one caller, however many tries it takes, within what the caller allows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from domain.errors import Cancelled, NotFound, SourceError, Transient
from infrastructure.http.exchange import Exchange, exchange
from infrastructure.http.failures import Fault, RequestFailed
from infrastructure.http.network import Network
from infrastructure.http.page import Page
from infrastructure.http.routes import Route
from infrastructure.http.scope import Origin, Scope
from infrastructure.http.transport import Answer, Request
from infrastructure.http.verdicts import Declined, Fine, Gone, Locked, Moved, Refused, Unwell
from infrastructure.http.waiting import pause

log = logging.getLogger(__name__)
_MAX_HOPS: Final = 5


@dataclass(slots=True)
class Call:
    """One get or post on its way.

    Attributes:
        network: what it shares with others.
        request: what to fetch next; a redirect changes it.
        bound: most requests.
        cancel: ends every wait.
        patient: whether to wait and probe when the site refuses every route.
        permit: asked about every address before it is fetched; raises what forbids it.
    """

    network: Network
    request: Request
    bound: int
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
    visited: set[str] = field(default_factory=set)

    def page(self) -> Page:
        """Fetch it.

        Raises:
            SourceError: as its class says, ``requests`` and ``size`` filled in.
        """
        try:
            self._enter(self.request.url)
            while True:
                if (page := self._try()) is not None:
                    return page
        except SourceError as error:
            error.requests += self.requests
            error.size += self.size
            raise

    @property
    def _scope(self) -> Scope:
        return Scope(Origin.of(self.request.url), self.request.method)

    @property
    def _able(self) -> bool:
        """Whether a request is left; a redirect that came first of all is followed in any case."""
        return self.requests < self.bound or 0 < self.requests == self.hops

    def _try(self) -> Page | None:
        if self.cancel.is_set():
            raise Cancelled(f"{self.request.url}: stopped")
        able = self._able
        if not able and not self.refused:
            raise self._exhausted()
        granted = self.network.sites.breaker(self._scope).enter(self.cancel, able=able, patient=self.patient)
        if not able:
            raise self._exhausted()
        done = exchange(self.network, self._scope, self.request, granted, self.avoid, self.cancel)
        return None if done is None else self._conclude(done)

    def _conclude(self, done: Exchange) -> Page | None:
        url = self.request.url
        self.requests += 1
        self.refused = isinstance(done.verdict, Refused)
        if done.answer is not None:
            self.size += done.answer.size
        match done.verdict:
            case Fine() if done.answer is not None:
                return self._page(done.answer, done.route)
            case Moved(target):
                self._follow(target)
            case Refused(reason):
                self.trouble, self.avoid = reason, done.route
            case Gone(reason):
                raise NotFound(f"{url}: {reason}")
            case Declined(reason):
                raise SourceError(f"{url}: {reason}")
            case Unwell(reason, again, after):
                if not again:
                    raise Transient(f"{url}: {reason}")
                self._back_off(reason, done.route, after)
            case Locked(reason):
                self._leave(reason, done.route)
            case RequestFailed() as failure:
                self._recover(failure, done.route)
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
            self.trouble = reason  # asked again at once, on a new connection
        elif failure.fault is Fault.SITE:
            self._back_off(reason, route, None)
        else:
            origin = self._scope.origin
            reason = f"cannot reach {origin}: {reason}"
            if not route.proxied and not self.network.sites.site(origin).answered:
                raise Transient(reason)  # it has never answered: the address is wrong or the line is down
            self._back_off(reason, route, None)

    def _leave(self, reason: str, route: Route) -> None:
        """A dead proxy: the request never came to the site, and another route is tried at once."""
        self.requests -= 1
        self.trouble, self.avoid = f"{route.name}: {reason}", route

    def _follow(self, target: str) -> None:
        url = self.request.url
        self.hops += 1
        try:
            leads_to, allowed = Origin.of(target), self.network.redirect_to
        except ValueError as error:
            raise SourceError(f"{url}: it redirects to an address that cannot be fetched") from error
        if self.request.method != "GET":
            raise SourceError(f"{url}: it redirects a query to {leads_to}")
        if not (self._scope.origin.may_lead_to(leads_to) or leads_to in allowed):
            raise SourceError(f"{url}: it redirects to {leads_to.scheme}://{leads_to}, which is not allowed")
        if target in self.visited or self.hops > _MAX_HOPS:
            raise SourceError(f"{url}: it redirects in a circle or more than {_MAX_HOPS} times")
        self.trouble = "no request is left to follow its redirect"
        self._enter(target)

    def _enter(self, url: str) -> None:
        self.permit(url)
        self.visited.add(url)
        self.request = self.request.to(url)

    def _back_off(self, reason: str, route: Route, after: float | None) -> None:
        policy, standstill = self.network.policy, self.network.standstill
        self.trouble, self.avoid = reason, route
        if not self._able:
            raise self._exhausted()
        self.retries += 1
        wait = min(after, policy.max_wait) if after else policy.wait(self.retries, self.network.chance)
        if self.waited + wait > policy.max_wait_per_title:
            raise Transient(f"{self.request.url}: {reason}; {self.waited:.0f} s of waiting for it are enough")
        if standstill.seconds > policy.max_wait_per_run:
            raise Transient(f"{self.request.url}: {reason}; the run has waited {standstill.seconds:.0f} s in all")
        self.waited += wait
        log.info(
            "%s: %s; try %d of %d in %.1f s (%s)",
            self.request.url, reason, self.requests + 1, self.bound, wait, route.name,
        )  # fmt: skip
        with standstill.waiting():
            pause(wait, self.cancel)

    def _exhausted(self) -> Transient:
        tries = f" ({self.requests} requests)" if self.requests > 1 else ""
        return Transient(f"{self.request.url}: {self.trouble}{tries}")

    def _page(self, answer: Answer, route: Route) -> Page:
        return Page(answer.url, answer.status, answer.headers, answer.body, self.size, self.requests, route.name)
