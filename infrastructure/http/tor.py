"""Checks whether Tor is ready, and requests new circuits when a site blocks their exits.

Loading stem takes a tenth of a second: import this module only where Tor is used.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import socks
import stem  # type: ignore[import-untyped]
import stem.connection as stem_connection  # type: ignore[import-untyped]
from stem.control import Controller, EventType  # type: ignore[import-untyped]

from domain.errors import Cancelled, Transient, UsageError
from infrastructure.http.limit import locked, pause
from infrastructure.http.messages import Origin
from infrastructure.http.options import NetworkOptions
from infrastructure.http.route import CIRCUIT_PASSWORD, Route, RoutePool, Tier
from shared.clock import Clock

log = logging.getLogger(__name__)
logging.getLogger("stem").setLevel(logging.WARNING)  # below that it logs everything that is sent, including passwords
_POLL_SECONDS: Final = 0.2
_CONNECT_SECONDS: Final = 10
_CIRCUITS_TRIED: Final = 20
_IN_VAIN: Final = 5  # changes without a page after which more are useless
_FOR_REQUESTS: Final = frozenset({"GENERAL", "CONFLUX_LINKED"})


class TorControl:
    """A client of Tor's control port. Thread-safe. ``timeout`` is the seconds to wait for a circuit to be built."""

    def __init__(self, options: NetworkOptions, clock: Clock, timeout: float = 60.0) -> None:
        self._options = options
        self._clock = clock
        self._timeout = timeout
        self._lock = threading.Lock()
        self._controller: Any = None

    def check(self) -> str:
        """Connects and checks that Tor is ready; returns its version.

        Raises:
            UsageError: Tor cannot be reached, rejects the login, or is not connected to its network yet;
                the message says what to do.
        """
        host, port = self._options.tor_host, self._options.tor_proxy_port
        controller = self._connected()
        try:
            socket.create_connection((host, port), _CONNECT_SECONDS).close()
        except OSError as error:
            raise UsageError(
                f"Tor's SOCKS port {host}:{port} cannot be reached ({_said(error)}); "
                f"set TOR_PROXY_PORT to the SocksPort of its torrc"
            ) from error
        try:
            phase = str(controller.get_info("status/bootstrap-phase"))
            version = str(controller.get_info("version"))
        except stem.ControllerError as error:
            raise UsageError(f"Tor's control port does not answer: {_said(error)}") from error
        progress = re.search(r"PROGRESS=(\d+)", phase)
        if progress is None or int(progress[1]) < 100:
            summary = re.search(r'SUMMARY="([^"]*)"', phase)
            raise UsageError(
                f"Tor is not connected to its network yet ({progress[1] if progress else 0}%"
                f"{': ' + summary[1] if summary else ''}); wait until its log says 100%, then start again"
            )
        return version

    def new_identity(self, cancel: threading.Event) -> None:
        """Requests new circuits as soon as Tor accepts the request, and waits until one is built.

        Raises:
            Transient: Tor is gone, or builds no circuit.
            Cancelled: ``cancel`` was set.
        """
        try:
            controller = self._connected()
            wait = controller.get_newnym_wait()
            if wait > 0:
                log.info("Tor accepts the next request for new circuits in %.0f s", wait)
                pause(wait, cancel)
            old = {circuit.id for circuit in controller.get_circuits()}
            self._signal(controller, cancel)
            self._wait(lambda: _spare(controller, old), "has built no new circuit", cancel)
        except (stem.ControllerError, UsageError) as error:
            raise Transient(f"Tor does not give new circuits: {_said(error)}") from error

    def exit_of(self, user: str, toward: Origin | None = None) -> str | None:
        """Returns the fingerprint of the exit of this SOCKS user's circuit, if it has one.

        Args:
            user: Tor gives each user name a circuit of its own.
            toward: makes sure it has one, by a connection to this site through which nothing is sent.
        """
        options = self._options
        try:
            if toward is not None:
                socks.create_connection(
                    (toward.host, toward.port), timeout=_CONNECT_SECONDS, proxy_type=socks.PROXY_TYPE_SOCKS5,
                    proxy_addr=options.tor_host, proxy_port=options.tor_proxy_port, proxy_rdns=True,
                    proxy_username=user, proxy_password=CIRCUIT_PASSWORD,
                ).close()  # fmt: skip
            circuits = self._connected().get_circuits()
        except (OSError, stem.ControllerError, UsageError) as error:
            log.info("Tor does not report which exit it uses: %s", _said(error))
            return None
        paths = [circuit.path for circuit in circuits if circuit.socks_username == user and circuit.path]
        return str(paths[-1][-1][0]) if paths else None

    def built(self) -> int:
        """Returns the number of circuits that are built and meant for requests.

        Raises:
            UsageError: Tor does not answer.
        """
        try:
            return len(_general(self._connected()))
        except stem.ControllerError as error:
            raise UsageError(f"Tor's control port does not answer: {_said(error)}") from error

    def close(self) -> None:
        """Closes the control connection."""
        with self._lock:
            if self._controller is not None:
                self._controller.close()
                self._controller = None

    def _signal(self, controller: Any, cancel: threading.Event) -> None:
        """Sends NEWNYM and waits until Tor has executed it; Tor delays one that follows another program's."""
        done = threading.Event()

        def heard(event: Any) -> None:
            if event.signal == stem.Signal.NEWNYM:
                done.set()

        controller.add_event_listener(heard, EventType.SIGNAL)
        try:
            controller.signal(stem.Signal.NEWNYM)
            self._wait(done.is_set, "has not carried out NEWNYM", cancel)
        finally:
            controller.remove_event_listener(heard)

    def _wait(self, done: Callable[[], bool], otherwise: str, cancel: threading.Event) -> None:
        deadline = self._clock.monotonic() + self._timeout
        while not done():
            if self._clock.monotonic() > deadline:
                raise Transient(f"Tor {otherwise} within {self._timeout:.0f} s")
            pause(_POLL_SECONDS, cancel)

    def _connected(self) -> Any:
        with self._lock:
            if self._controller is not None and self._controller.is_alive():
                return self._controller
            self._controller = _connect(self._options)
            return self._controller


class CircuitRotation:
    """Changes the circuits of all Tor routes, once for all threads that request it.

    Tor chooses exits at random, so a new circuit may have the exit of the old one. The exits that a site has blocked
    are remembered, and a circuit with one of them is replaced before a request is sent over it.
    """

    def __init__(self, control: TorControl, pool: RoutePool) -> None:
        self._control = control
        self._pool = pool
        self._lock = threading.Lock()
        self._turns = 0
        self._since_page = 0
        self._blocked: set[tuple[Origin, str]] = set()

    @property
    def turns(self) -> int:
        """How often the circuits were changed; ``turn`` compares with it."""
        return self._turns

    @property
    def worthwhile(self) -> bool:
        """Whether the last changes led to a page."""
        return self._since_page < _IN_VAIN

    def turn(self, seen: int, site: Origin, cancel: threading.Event) -> None:
        """Changes the circuits, unless that was done after ``seen``.

        Args:
            seen: the value of ``turns`` when the last of them was found blocked.
            site: the one that blocks them.

        Raises:
            Transient: Tor does not change them.
            Cancelled: ``cancel`` was set.
        """
        with locked(self._lock, cancel):
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

    def page_arrived(self) -> None:
        """Records a page that was received over Tor: the circuits are good."""
        self._since_page = 0

    def close(self) -> None:
        """Closes the connection to Tor."""
        self._control.close()

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


def _connect(options: NetworkOptions) -> Any:
    host, port = options.tor_host, options.tor_control_port
    where = f"Tor's control port {host}:{port}"
    try:
        numeric = socket.gethostbyname(host)  # stem takes numbers only
        controller = Controller.from_port(numeric, port)
    except (OSError, ValueError, stem.SocketError) as error:
        raise UsageError(
            f"{where} cannot be reached ({_said(error)}); start tor with ControlPort {port}, "
            f"or set TOR_HOST and TOR_CONTROL_PORT to where it listens"
        ) from error
    try:
        controller.authenticate(password=options.tor_password.reveal() or None)
    except stem_connection.AuthenticationFailure as error:
        controller.close()
        raise UsageError(f"{where} rejected the login: {_refusal(error)}") from error
    except stem.ControllerError as error:
        controller.close()
        raise UsageError(f"{where} is not a Tor control port: {_said(error)}") from error
    return controller


def _general(controller: Any) -> list[Any]:
    """The circuits that are built and meant for requests to sites."""
    return [one for one in controller.get_circuits() if one.status == "BUILT" and one.purpose in _FOR_REQUESTS]


def _spare(controller: Any, old: set[str]) -> bool:
    """Whether there is a circuit that this program has not used: a new one, or one that Tor had in reserve."""
    return any(circuit.id not in old or circuit.socks_username is None for circuit in _general(controller))


def _refusal(error: Exception) -> str:
    """Why authentication failed, and what to do, without secrets."""
    if isinstance(error, stem_connection.MissingPassword):
        return "it asks for a password; set TOR_PASSWORD"
    if isinstance(error, stem_connection.PasswordAuthFailed):
        return "TOR_PASSWORD is wrong"
    if isinstance(error, stem_connection.CookieAuthFailed):
        return f"its cookie cannot be used ({_said(error)}); run as a user who may read it, or set a control password"
    return f"{_said(error)} (is this Tor's ControlPort?)"


def _said(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]
