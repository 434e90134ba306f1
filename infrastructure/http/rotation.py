"""New Tor circuits when a site blocks the old ones: one change at a time, for all threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from domain.errors import Cancelled
from infrastructure.http.route_pool import RoutePool
from infrastructure.http.routes import Route, Tier
from infrastructure.http.scope import Origin

log = logging.getLogger(__name__)
_POLL_SECONDS: Final = 0.2
_CIRCUITS_TRIED: Final = 20
_IN_VAIN: Final = 5  # changes without a page, until it is no use to go on changing


class Identities(Protocol):
    """What can give new circuits."""

    def new_identity(self, cancel: threading.Event) -> None:
        """Ask for new circuits as soon as that is allowed, and wait for one."""

    def exit_of(self, user: str, toward: Origin | None = None) -> str | None:
        """The exit of this SOCKS user's circuit, which is built toward a site if asked for."""


class Rotation:
    """Changes the circuits of all Tor routes, once for all the threads that ask for it.

    Tor chooses exits at random, so a new circuit may end where the old one did. The
    exits that a site has blocked are remembered, and a circuit that ends at one of
    them is changed for another before anything is asked over it.

    Args:
        control: gives new circuits.
        pool: whose Tor routes then lead another way.
    """

    def __init__(self, control: Identities, pool: RoutePool) -> None:
        self._control = control
        self._pool = pool
        self._lock = threading.Lock()
        self._turns = 0
        self._since_page = 0
        self._blocked: set[tuple[Origin, str]] = set()

    @property
    def turns(self) -> int:
        """How often the circuits were changed; what ``turn`` compares with."""
        return self._turns

    @property
    def worthwhile(self) -> bool:
        """Whether the last changes have brought a page."""
        return self._since_page < _IN_VAIN

    def turn(self, seen: int, site: Origin, cancel: threading.Event) -> None:
        """Change the circuits, unless that was done after ``seen``.

        Args:
            seen: what ``turns`` said when the last of them was found blocked.
            site: which blocks them.
            cancel: ends every wait.

        Raises:
            Transient: Tor does not do it.
            Cancelled: ``cancel`` was set.
        """
        with self._held(cancel):
            if self._turns != seen:
                return
            routes = [route for route in self._pool.routes if route.tier is Tier.TOR]
            exits = (self._control.exit_of(route.user) for route in routes)
            self._blocked |= {(site, exit_) for exit_ in exits if exit_ is not None}
            self._control.new_identity(cancel)
            for route in routes:
                self._renew(route, site, cancel)
                self._pool.renewed(route)
            self._turns += 1
            self._since_page += 1
            log.info("Tor has new circuits")

    def page_came(self) -> None:
        """A page came over Tor: the circuits are good."""
        self._since_page = 0

    def _renew(self, route: Route, site: Origin, cancel: threading.Event) -> None:
        for _ in range(_CIRCUITS_TRIED):
            route.renew()
            found = self._control.exit_of(route.user, toward=site) if self._blocked else None
            if found is None or (site, found) not in self._blocked:
                return
            if cancel.is_set():
                raise Cancelled("stopped while looking for an exit that is not blocked")
        log.info("%s: no exit was found that %s has not blocked", route.name, site)
        self._blocked = {(other, exit_) for other, exit_ in self._blocked if other != site}

    @contextmanager
    def _held(self, cancel: threading.Event) -> Iterator[None]:
        while not self._lock.acquire(timeout=_POLL_SECONDS):
            if cancel.is_set():
                raise Cancelled("stopped while waiting for new Tor circuits")
        try:
            yield
        finally:
            self._lock.release()
