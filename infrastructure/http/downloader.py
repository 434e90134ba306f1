"""Where pages come from: the face that the network layer shows to the rest of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from domain.errors import Blocked, Disallowed, SourceError, Transient
from infrastructure.http.breaker import ADVICE
from infrastructure.http.call import Call
from infrastructure.http.network import Network
from infrastructure.http.page import Page
from infrastructure.http.recognition import MANY, Recognition
from infrastructure.http.robots import MAX_BYTES, Robots
from infrastructure.http.routes import Route
from infrastructure.http.scope import Origin, Scope
from infrastructure.http.transport import Request


class Downloader:
    """Fetches pages. Called from many threads at once.

    Args:
        network: routes, pace and everything else that requests share.
        respect_robots: leave alone what robots.txt closes.
        on_close: let go of what only the builder knows.
    """

    def __init__(self, network: Network, *, respect_robots: bool = True, on_close: Callable[[], None] | None = None):
        self._network = network
        self._on_close = on_close
        self._recognition = Recognition()
        self._robots = Robots(self._fetch_robots, network.clock)
        self._respect_robots = respect_robots

    def get(
        self,
        url: str,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page:
        """One page.

        Args:
            url: http or https.
            max_requests: HTTP requests to spend on it at most.
            cancel: ends every wait.
            headers: beyond the usual ones, or instead of them.
            patient: False: raise Blocked at once when the site refuses every route, instead of waiting and probing.

        Raises:
            Transient: it could not be had now.
            NotFound: 404 or 410.
            Disallowed: robots.txt closes it.
            Blocked: the site refuses programs, on every route there is.
            Cancelled: ``cancel`` was set.
            SourceError: it cannot be had: another refusal, a forbidden redirect, too large a body.
        """
        return self._fetch(Request("GET", url, headers or {}), max_requests, cancel, patient)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
    ) -> Page:
        """The answer to a query; a 4xx that says what is wrong with the query is one. Otherwise as ``get``."""
        return self._fetch(Request("POST", url, headers or {}, body), max_requests, cancel, patient)

    def unrecognised(self, page: Page) -> None:
        """Say that nothing was recognised in a page of status 200.

        Raises:
            Blocked: there were many in a row, which is a block by another name.
            Transient: another route may bring the true page; this one's proxy may have made it up.
        """
        scope = Scope(Origin.of(page.url), "GET")
        in_a_row = self._recognition.unrecognised(scope)
        if in_a_row >= MANY:
            raise Blocked(f"{scope}: nothing was recognised in {in_a_row} pages in a row; {ADVICE}")
        if self._network.pool.doubt(page.route):
            raise Transient(f"{page.url}: nothing was recognised in the page that came by {page.route}")

    @property
    def routes(self) -> tuple[Route, ...]:
        """The ways out there are, in no order."""
        return self._network.pool.routes

    def limit_rate(self, per_second: float | None) -> None:
        """Change the requests a second toward each host, for waiting threads as well; ``None``: the default."""
        self._network.sites.limit(per_second)

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, robots.txt and probes included."""
        return self._network.meter.requests

    @property
    def size(self) -> int:
        """Body bytes over the wire so far."""
        return self._network.meter.size

    def close(self) -> None:
        """Close all connections."""
        for route in self.routes:
            route.close()
        self._network.transport.close()
        if self._on_close:
            self._on_close()

    def _fetch(self, request: Request, max_requests: int, cancel: threading.Event, patient: bool) -> Page:
        bound = self._network.policy.bound(max_requests)
        page = Call(self._network, request, bound, cancel, patient, lambda url: self._permit(url, cancel)).page()
        if request.method == "GET" and "html" in page.headers.get("Content-Type", "html"):
            self._recognition.fetched(Scope(Origin.of(page.url), "GET"))
        return page

    def _permit(self, url: str, cancel: threading.Event) -> None:
        try:
            Origin.of(url)
        except ValueError as error:
            raise SourceError(str(error)) from error
        if self._respect_robots and not self._robots.allows(url, cancel):
            raise Disallowed(f"{url}: robots.txt closes it to programs (RESPECT_ROBOTS)")

    def _fetch_robots(self, url: str, cancel: threading.Event) -> Page:
        request = Request("GET", url, limit=MAX_BYTES, partial=True, may_be_forbidden=True)
        bound = self._network.policy.bound(self._network.policy.retries + 1)
        return Call(self._network, request, bound, cancel, patient=True, permit=lambda _: None).page()
