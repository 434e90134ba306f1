"""What all requests share."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from infrastructure.http.retry import RetryPolicy
from infrastructure.http.rotation import Rotation
from infrastructure.http.route_pool import RoutePool
from infrastructure.http.scope import Origin
from infrastructure.http.sites import Sites
from infrastructure.http.transport import Transport
from infrastructure.http.waiting import Standstill
from shared.clock import Clock


class Meter:
    """Counts all requests and their body bytes, robots.txt and probes included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.size = 0

    def count(self, requests: int, size: int) -> None:
        """Add to the sums."""
        with self._lock:
            self.requests += requests
            self.size += size


@dataclass(frozen=True, slots=True)
class Network:
    """What all requests share.

    Attributes:
        policy: when to try again.
        transport: sends one request.
        pool: the routes.
        rotation: new Tor circuits, where Tor is used.
        sites: pace and breaker of each host.
        redirect_to: origins that a redirect may lead to, besides the one it comes from.
        standstill: how long the run has waited.
        clock: the time.
        chance: for jitter.
        meter: counts requests and bytes.
    """

    policy: RetryPolicy
    transport: Transport
    pool: RoutePool
    rotation: Rotation | None
    sites: Sites
    redirect_to: frozenset[Origin]
    standstill: Standstill
    clock: Clock
    chance: random.Random = field(default_factory=random.Random)
    meter: Meter = field(default_factory=Meter)
