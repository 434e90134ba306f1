"""The network layer's interface, and its composition from the settings."""

from __future__ import annotations

import random
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import Blocked, Disallowed, SourceError, Transient, UsageError
from infrastructure.http.files import DownloadedFile, DownloadProgress, DownloadTarget, TargetError
from infrastructure.http.limit import ADVICE, HostRegistry, StallTimer
from infrastructure.http.messages import Origin, Page, Request
from infrastructure.http.options import NetworkOptions
from infrastructure.http.policies import OutagePolicy, ProbePolicy
from infrastructure.http.retry import Call, Network
from infrastructure.http.robots import MAX_BYTES, Robots, RobotsFile
from infrastructure.http.route import CIRCUIT_PASSWORD, Route, RoutePool, Tier, user_agents
from infrastructure.http.send import Transport
from shared.clock import Clock, SystemClock
from shared.secret import Secret, split_user_info

if TYPE_CHECKING:
    from infrastructure.http.tor import CircuitRotation, TorControl


class Downloader:
    """Fetches pages and files. Thread-safe.

    Args:
        network: routes, rates and everything else that requests share.
        robots_file: keeps robots.txt for later runs.
        respect_robots: do not fetch addresses that robots.txt disallows.
    """

    def __init__(self, network: Network, robots_file: RobotsFile | None, *, respect_robots: bool) -> None:
        self._network = network
        self._robots = Robots(self._fetch_robots, network.clock, robots_file)
        self._respect_robots = respect_robots

    def get(
        self,
        url: str,
        *,
        max_requests: int,
        cancel: threading.Event,
        headers: Mapping[str, str] | None = None,
        patient: bool = True,
        forbidden_is_block: bool = True,
    ) -> Page:
        """Fetches one page.

        Args:
            url: http or https. User information in it is not sent, unless the settings contain it too.
            max_requests: maximum HTTP requests for it.
            headers: added to the usual ones, or replacing them.
            patient: False: raise Blocked at once when the site refuses every route, instead of waiting and probing.
            forbidden_is_block: False: a bare 403 concerns this address alone.

        Raises:
            Transient: it could not be fetched at the moment.
            NotFound: 404 or 410.
            Disallowed: robots.txt disallows it.
            Blocked: the site refuses automated clients, on every route.
            Cancelled: ``cancel`` was set.
            SourceError: it cannot be fetched: another refusal, a forbidden redirect, too large a body, a host that
                leads to an address that is not public.
        """
        request = Request("GET", split_user_info(url)[0], headers or {}, forbidden_is_block=forbidden_is_block)
        return self._fetch(request, max_requests, cancel, patient)

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
        """Sends a query; also returns a 4xx with the error of the query. Otherwise as ``get``."""
        request = Request("POST", split_user_info(url)[0], headers or {}, body)
        return self._fetch(request, max_requests, cancel, patient)

    def download_file(
        self,
        url: str,
        target: Path,
        *,
        max_requests: int,
        cancel: threading.Event,
        etag: str = "",
        last_modified: str = "",
        patient: bool = True,
        progress: DownloadProgress | None = None,
    ) -> DownloadedFile:
        """Downloads a file of any size; ``target`` is replaced when it is complete.

        An interrupted download leaves ``NAME.part`` beside the target and is continued by the next one, if the site
        still has the same version. The content of the file is not checked: it may be an HTML error page.

        Args:
            url: http or https.
            target: its folder must exist.
            max_requests: maximum HTTP requests for it.
            cancel: ends every wait, and the download itself at once.
            etag, last_modified: of the version that the caller has; the site answers 304 if it has no other.
            patient: wait and probe when the site refuses.
            progress: called with the bytes present and the size of the file, if that is known. Must not raise.

        Raises:
            OSError: the file cannot be written.
            SourceError: as for ``get``.
        """
        address = split_user_info(url)[0]
        conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            sink = DownloadTarget(address, target, progress=progress)
            try:
                page = self._fetch(Request("GET", address, headers, sink=sink), max_requests, cancel, patient=patient)
                if page.status == 304:
                    sink.discard()
                else:
                    sink.commit()
            finally:
                sink.close()
        except TargetError as failed:
            raise failed.error from failed
        changed = page.status != 304
        if changed:
            etag, last_modified = sink.version.etag, sink.version.last_modified
        return DownloadedFile(
            changed=changed,
            etag=page.headers.get("ETag", "") or etag,
            last_modified=page.headers.get("Last-Modified", "") or last_modified,
            size=sink.size if changed else 0,
            resumed_at=sink.resumed_at if changed else 0,
            requests=page.requests,
        )

    def recognised(self, page: Page) -> None:
        """Reports that a page had the expected content."""
        self._network.hosts.host(Origin.of(page.url)).page_recognised()

    def unrecognised(self, page: Page) -> None:
        """Reports that a page had no expected content.

        Raises:
            Blocked: so many in a row are a block.
            Transient: another route may return the right page; this one's proxy may have changed it.
        """
        origin = Origin.of(page.url)
        in_a_row = self._network.hosts.host(origin).page_unrecognised()
        if in_a_row >= self._network.outage.unrecognised:
            raise Blocked(f"{origin}: nothing was recognised in {in_a_row} pages in a row; {ADVICE}")
        if self._network.pool.doubt(page.route):
            raise Transient(f"{page.url}: nothing was recognised in the page received over {page.route}")

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes, in no order."""
        return self._network.pool.routes

    def divide_rate(self, workers: int) -> None:
        """Divides the requests per second to each host by the number of workers, for waiting threads as well."""
        self._network.hosts.divide(workers)

    @property
    def requests(self) -> int:
        """HTTP requests sent so far, including robots.txt and probes."""
        return self._network.meter.requests

    @property
    def size(self) -> int:
        """Body bytes received so far."""
        return self._network.meter.size

    def close(self) -> None:
        """Closes all connections."""
        for route in self.routes:
            route.close()
        self._network.transport.close()
        if self._network.rotation:
            self._network.rotation.close()

    def _fetch(self, request: Request, max_requests: int, cancel: threading.Event, patient: bool) -> Page:
        return Call(self._network, request, max_requests, cancel, patient, partial(self._permit, cancel)).page()

    def _permit(self, cancel: threading.Event, url: str) -> None:
        try:
            Origin.of(url)
        except ValueError as error:
            raise SourceError(str(error)) from error
        if self._respect_robots and not self._robots.allows(url, cancel):
            raise Disallowed(f"{url}: robots.txt closes it to programs (RESPECT_ROBOTS)")

    def _fetch_robots(self, url: str, cancel: threading.Event) -> Page:
        request = Request("GET", url, limit=MAX_BYTES, partial=True, forbidden_is_block=False)
        max_requests = self._network.retry.retries + 1
        return Call(self._network, request, max_requests, cancel, patient=True, permit=lambda _: None).page()


def build_downloader(options: NetworkOptions, clock: Clock | None = None) -> Downloader:
    """Returns a downloader with all its routes.

    Args:
        clock: the time; the machine's own unless given.

    Raises:
        UsageError: a proxy cannot be read, the list of them is empty, or Tor is not ready.
    """
    clock = clock or SystemClock()
    pool = RoutePool(build_routes(options), clock, options.rotate_after_requests)
    threading.Thread(target=user_agents, name="user-agents", daemon=True).start()  # read before they are needed
    network = Network(
        retry=options.retry_policy(),
        outage=OutagePolicy(options.max_wait_per_run),
        transport=Transport(options),
        pool=pool,
        rotation=_rotation(options, pool, clock) if options.use_tor else None,
        hosts=HostRegistry(options.requests_per_second, ProbePolicy(options.max_block_wait_seconds), clock),
        configured=options.origins(),
        authorization=options.authorization(),
        stall=StallTimer(clock),
        clock=clock,
    )
    robots_file = RobotsFile(options.robots_cache, clock) if options.robots_cache else None
    return Downloader(network, robots_file, respect_robots=options.respect_robots)


def _rotation(options: NetworkOptions, pool: RoutePool, clock: Clock) -> CircuitRotation:
    control = tor_control(options, clock)
    try:
        control.check()
    except BaseException:
        control.close()
        raise
    from infrastructure.http.tor import CircuitRotation

    return CircuitRotation(control, pool)


def tor_control(options: NetworkOptions, clock: Clock) -> TorControl:
    """Returns a client for Tor's control port, not yet connected.

    Raises:
        UsageError: stem, an optional package, is not installed.
    """
    try:
        from infrastructure.http.tor import TorControl  # takes a tenth of a second
    except ModuleNotFoundError as error:
        if error.name != "stem":
            raise
        raise UsageError("USE_TOR needs stem: pip install -r requirements-tor.txt, or the extra `tor`") from error
    return TorControl(options, clock)


def build_routes(options: NetworkOptions) -> tuple[Route, ...]:
    """Returns the routes alone, in the order of preference.

    Raises:
        UsageError: a proxy cannot be read, or the list of them is empty.
    """

    def agent() -> str:
        return random.choice(user_agents())  # noqa: S311 - nothing secret

    def found() -> Iterator[Route]:
        names: Counter[str] = Counter()
        for proxy in options.all_proxies():
            names[proxy.name] += 1  # one address may be listed with several users
            name = proxy.name if names[proxy.name] == 1 else f"{proxy.name} ({names[proxy.name]})"
            yield Route(name, Tier.PROXY, partial(_always, proxy.address), agent)
        if options.use_tor:
            # Tor gives streams with different SOCKS user names different circuits (IsolateSOCKSAuth).
            token = secrets.token_hex(4)
            for number in range(1, options.tor_circuits + 1):
                yield Route(f"tor {number}", Tier.TOR, partial(_tor_circuit, options, f"{token}-{number}"), agent)

    routes = tuple(found())
    if not routes or options.allow_direct_fallback:
        routes += (Route("direct", Tier.DIRECT, None, agent),)
    return routes


def _always(address: Secret, _generation: int) -> Secret:
    return address


def _tor_circuit(options: NetworkOptions, name: str, generation: int) -> Secret:
    host = f"[{options.tor_host}]" if ":" in options.tor_host else options.tor_host
    return Secret(f"socks5h://{name}-{generation}:{CIRCUIT_PASSWORD}@{host}:{options.tor_proxy_port}")
