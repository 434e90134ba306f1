"""Puts the network layer together."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from infrastructure.http.breaker import ProbePlan
from infrastructure.http.downloader import Downloader
from infrastructure.http.network import Network
from infrastructure.http.options import NetworkOptions
from infrastructure.http.retry import RetryPolicy
from infrastructure.http.rotation import Rotation
from infrastructure.http.route_pool import RoutePool
from infrastructure.http.routes import CIRCUIT_PASSWORD, Route, Tier
from infrastructure.http.sites import Sites
from infrastructure.http.transport import Timeouts, Transport
from infrastructure.http.user_agents import USER_AGENTS
from infrastructure.http.waiting import Standstill
from shared.clock import Clock, SystemClock
from shared.secret import Secret

if TYPE_CHECKING:
    from infrastructure.http.tor import TorControl


def build_downloader(options: NetworkOptions, clock: Clock | None = None) -> Downloader:
    """A downloader with all its routes, ready to be used.

    Args:
        options: the settings.
        clock: the time; the machine's own unless given.

    Raises:
        UsageError: a proxy cannot be read, the list of them is empty, or Tor is not ready.
    """
    clock = clock or SystemClock()
    chance = random.Random()  # noqa: S311 - jitter and the choice of a user agent
    tor = _ready_tor(options, clock)
    routes = _routes(options, chance)
    USER_AGENTS.preload()
    pool = RoutePool(routes, clock, options.rotate_after_requests)
    network = Network(
        policy=retry_policy(options),
        transport=build_transport(options),
        pool=pool,
        rotation=Rotation(tor, pool) if tor else None,
        sites=Sites(options.requests_per_second, ProbePlan(options.max_block_wait_seconds), clock),
        redirect_to=options.origins(),
        standstill=Standstill(clock),
        clock=clock,
        chance=chance,
    )
    return Downloader(network, respect_robots=options.respect_robots, on_close=tor.close if tor else None)


def retry_policy(options: NetworkOptions) -> RetryPolicy:
    """When to try again."""
    longest = options.max_wait_per_title
    return RetryPolicy(
        enabled=options.backoff_and_retry,
        factor=options.backoff_factor,
        max_wait=options.max_backoff_seconds,
        retries=options.max_backoff_retries,
        statuses=options.retry_status_codes,
        max_wait_per_title=5 * options.max_backoff_seconds if longest is None else longest,
        max_wait_per_run=options.max_wait_per_run,
    )


def build_transport(options: NetworkOptions) -> Transport:
    """What sends single requests."""
    timeouts = Timeouts(options.connect_timeout, options.read_timeout, options.request_deadline, options.cancel_grace)
    return Transport(timeouts, options.max_body_bytes, options.authorities)


def build_routes(options: NetworkOptions) -> tuple[Route, ...]:
    """The routes alone, in the order of preference; see ``build_downloader`` for errors."""
    return _routes(options, random.Random())  # noqa: S311


def tor_control(options: NetworkOptions, clock: Clock) -> TorControl:
    """Tor's control port, not yet connected."""
    from infrastructure.http.tor import TorAddress, TorControl  # takes a tenth of a second

    where = TorAddress(options.tor_host, options.tor_proxy_port, options.tor_control_port, options.tor_password)
    return TorControl(where, clock)


def _ready_tor(options: NetworkOptions, clock: Clock) -> TorControl | None:
    if not options.use_tor:
        return None
    control = tor_control(options, clock)
    try:
        control.check()
    except BaseException:
        control.close()
        raise
    return control


def _routes(options: NetworkOptions, chance: random.Random) -> tuple[Route, ...]:
    def found() -> Iterator[Route]:
        agent = partial(USER_AGENTS.pick, chance)
        names: Counter[str] = Counter()
        for proxy in options.all_proxies():
            names[proxy.name] += 1  # one address may stand there with several users
            name = proxy.name if names[proxy.name] == 1 else f"{proxy.name} ({names[proxy.name]})"
            yield Route(name, Tier.PROXY, partial(_always, proxy.address), agent)
        if options.use_tor:
            # Tor gives streams with different SOCKS user names different circuits (IsolateSOCKSAuth).
            token = secrets.token_hex(4)
            for number in range(1, options.tor_circuits + 1):
                yield Route(f"tor {number}", Tier.TOR, partial(_tor_circuit, options, f"{token}-{number}"), agent)

    routes = tuple(found())
    if not routes or options.allow_direct_fallback:
        routes += (Route("direct", Tier.DIRECT, None, partial(USER_AGENTS.pick, chance)),)
    return routes


def _always(address: Secret, _generation: int) -> Secret:
    return address


def _tor_circuit(options: NetworkOptions, name: str, generation: int) -> Secret:
    host = f"[{options.tor_host}]" if ":" in options.tor_host else options.tor_host
    return Secret(f"socks5h://{name}-{generation}:{CIRCUIT_PASSWORD}@{host}:{options.tor_proxy_port}")
