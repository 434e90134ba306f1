"""Checks the network once, route by route, and reports the results."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, Final

import msgspec
from protego import Protego

from application.ports.runs import CheckResult
from domain.errors import UsageError
from infrastructure.http.classify import BlockedAnswer, Ok, Redirect, judge
from infrastructure.http.downloader import build_routes, tor_control
from infrastructure.http.limit import ADVICE, pause
from infrastructure.http.messages import Answer, Fault, Origin, Request, RequestFailed
from infrastructure.http.options import NetworkOptions
from infrastructure.http.robots import AGENT, MAX_BYTES
from infrastructure.http.route import Route
from infrastructure.http.send import Transport
from shared.clock import Clock, SystemClock
from shared.secret import split_user_info

_CHART: Final = "/chart/top/"
_TITLE: Final = "/title/tt0111161/"
_AT_A_TIME: Final = 8
_SPACING: Final = 0.1  # seconds between two routes' requests to the site
_ADDRESS: Final = re.compile(r"[0-9a-fA-F:.]{3,45}")
_WHAT_HELPS: Final = {
    Fault.UNREACHABLE: "check BASE_URL and this machine's connection",
    Fault.ROUTE: "check the proxy's address, user name and password, or take it off the list",
    Fault.SITE: "try again later; if it stays, the fault is with the site or the connection",
    Fault.FINAL: "check BASE_URL",
}


def examine_network(
    options: NetworkOptions,
    cancel: threading.Event,
    *,
    address_url: str = "",
    clock: Clock | None = None,
) -> Iterator[CheckResult]:
    """Checks Tor, robots.txt, then each route: reachable, exit address, latency, blocked or not.

    Costs the site one request for robots.txt and one for each route.

    Args:
        address_url: a service that returns the address a request came from; empty: not requested. It is not requested
            if the site is on this machine and the service is not.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    clock = clock or SystemClock()
    if options.use_tor:
        yield _tor(options, clock)
    try:
        routes = build_routes(options)
    except UsageError as error:
        yield CheckResult("routes", False, str(error), "correct the setting and run doctor again")
        return
    if address_url and Origin.of(split_user_info(options.base_url)[0]).loopback and not Origin.of(address_url).loopback:
        address_url = ""
    with _transport(options, routes) as transport:
        examination = _Examination(options, transport, cancel, clock, address_url)
        robots, target = examination.robots(routes)
        yield robots
        with ThreadPoolExecutor(_AT_A_TIME) as executor:
            pending = []
            for route in routes:
                pending.append(executor.submit(examination.route, route, target))
                pause(_SPACING, cancel)
            for done in pending:
                yield done.result()


def examine_file(options: NetworkOptions, url: str, cancel: threading.Event) -> str:
    """Returns why a compressed file cannot be downloaded over the first route; empty if its beginning was received.

    Raises:
        Cancelled: ``cancel`` was set.
        UsageError: settings that cannot be used.
    """
    routes = build_routes(options)
    address = split_user_info(url)[0]
    request = Request("GET", address, {"Range": f"bytes=0-{MAX_BYTES - 1}"}, limit=MAX_BYTES, partial=True)
    try:
        with _transport(options, routes) as transport:
            answer = transport.send(request, routes[0], cancel)
    except RequestFailed as failure:
        return failure.reason
    if answer.status not in (200, 206):
        return f"status {answer.status}"
    return "" if answer.body.startswith(b"\x1f\x8b") else "the answer is not a data file"


@contextmanager
def _transport(options: NetworkOptions, routes: Sequence[Route]) -> Iterator[Transport]:
    transport = Transport(options)
    try:
        yield transport
    finally:
        for route in routes:
            route.close()
        transport.close()


def _tor(options: NetworkOptions, clock: Clock) -> CheckResult:
    try:
        with closing(tor_control(options, clock)) as control:
            return CheckResult("Tor", True, f"version {control.check()}, {control.built()} circuits built")
    except UsageError as error:
        return CheckResult("Tor", False, str(error), "until then: USE_TOR=false")


class _Examination(msgspec.Struct, frozen=True):
    options: NetworkOptions
    transport: Transport
    cancel: threading.Event
    clock: Clock
    address_url: str

    @property
    def base(self) -> str:
        """The site's address without user information."""
        return split_user_info(self.options.base_url)[0].rstrip("/")

    def robots(self, routes: tuple[Route, ...]) -> tuple[CheckResult, str]:
        """Checks robots.txt over the first route that returns it; also gives a path that may be fetched."""
        request = self._request("/robots.txt", limit=MAX_BYTES, partial=True, forbidden_is_block=False)
        for route in routes:
            try:
                answer = self.transport.send(request, route, self.cancel)
            except RequestFailed:
                continue  # the route's own line reports it
            if isinstance(refused := self._judge(request, answer, route), BlockedAnswer):
                return CheckResult("robots.txt", False, refused.reason, ADVICE), _CHART
            if answer.status != 200:
                return CheckResult("robots.txt", True, f"none (status {answer.status}): all is allowed"), _CHART
            rules = Protego.parse(answer.body.decode("utf-8-sig", errors="replace"))
            closed = [path for path in (_CHART, _TITLE) if not rules.can_fetch(self.base + path, AGENT)]
            if not closed:
                return CheckResult("robots.txt", True, "leaves charts and titles open"), _CHART
            advice = "they will not be fetched" if self.options.respect_robots else "RESPECT_ROBOTS is off"
            return CheckResult("robots.txt", False, f"closes {' and '.join(closed)} to programs", advice), "/robots.txt"
        return CheckResult("robots.txt", False, "no route brings it", "see the routes below"), _CHART

    def route(self, route: Route, path: str) -> CheckResult:
        """Sends one request to the site, and one to the address service."""
        subject = f"route {route.name}"
        request = self._request(path)
        began = self.clock.monotonic()
        try:
            answer = self.transport.send(request, route, self.cancel)
        except RequestFailed as failure:
            return CheckResult(subject, False, failure.reason, _WHAT_HELPS[failure.fault])
        took = f"{(self.clock.monotonic() - began) * 1000:.0f} ms"
        verdict = self._judge(request, answer, route)
        seen_as = self._exit_address(route)
        if isinstance(verdict, BlockedAnswer):
            return CheckResult(subject, False, f"blocked: {verdict.reason}; {took}{seen_as}", ADVICE)
        if isinstance(verdict, Ok | Redirect):
            return CheckResult(subject, True, f"reaches the site, not blocked; {took}{seen_as}")
        return CheckResult(subject, False, f"status {answer.status}; {took}{seen_as}", _WHAT_HELPS[Fault.SITE])

    def _exit_address(self, route: Route) -> str:
        if not self.address_url:
            return ""
        try:
            answer = self.transport.send(Request("GET", self.address_url, limit=MAX_BYTES), route, self.cancel)
        except RequestFailed as failure:
            return f"; exit address unknown ({failure.reason})"
        for word in _ADDRESS.findall(answer.body[:4096].decode(errors="replace")):
            try:
                return f"; exit address {ipaddress.ip_address(word)}"
            except ValueError:
                continue
        return f"; exit address unknown (status {answer.status})"

    def _request(self, path: str, **options: Any) -> Request:
        authorization = self.options.authorization().get(Origin.of(self.base))
        headers = {"Authorization": authorization.reveal()} if authorization else {}
        return Request("GET", self.base + path, headers, **options)

    def _judge(self, request: Request, answer: Answer, route: Route) -> object:
        return judge(request, answer, self.options.retry_policy(), self.clock.now(), proxied=route.proxied)
