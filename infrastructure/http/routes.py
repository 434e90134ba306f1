"""A way out: directly, through a proxy, or through one Tor circuit."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Callable
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit

import requests

from infrastructure.http.connections import open_session
from shared.secret import Secret

# Tor takes any, and gives each pair of user name and password a circuit of its own.
CIRCUIT_PASSWORD: Final = "circuit"  # noqa: S105


class Tier(IntEnum):
    """The order of preference."""

    PROXY = 0
    TOR = 1
    DIRECT = 2


class Route:
    """One way out, with a session for each thread and one user agent for its life.

    Args:
        name: for logs, without credentials.
        tier: its place in the order of preference.
        address: gives the proxy's address with credentials; called again after ``renew``; ``None``: no proxy.
        user_agent: gives the user agent; called once, when the first session is opened.
    """

    def __init__(
        self, name: str, tier: Tier, address: Callable[[int], Secret] | None, user_agent: Callable[[], str]
    ) -> None:
        self.name = name
        self.tier = tier
        self._address = address
        self._pick_user_agent = user_agent
        self._user_agent = ""
        self._lock = threading.Lock()
        self._local = threading.local()
        self._open: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._generation = 0

    @property
    def proxied(self) -> bool:
        """Whether it leads through a proxy."""
        return self._address is not None

    @property
    def generation(self) -> int:
        """How often it was renewed."""
        return self._generation

    @property
    def user(self) -> str:
        """The user name it goes to its proxy with; empty without one."""
        return urlsplit(self._address(self._generation).reveal()).username or "" if self._address else ""

    @property
    def user_agent(self) -> str:
        """What it says it is."""
        with self._lock:
            if not self._user_agent:
                self._user_agent = self._pick_user_agent()
            return self._user_agent

    def session(self, tls: Callable[[], ssl.SSLContext]) -> requests.Session:
        """The calling thread's own session; a fresh one after the route was renewed."""
        generation = self._generation
        if getattr(self._local, "generation", None) == generation:
            kept: requests.Session = self._local.session
            return kept
        if old := getattr(self._local, "session", None):
            old.close()
        address = self._address(generation).reveal() if self._address else None
        session = open_session(self.user_agent, address, tls)
        self._local.session, self._local.generation = session, generation
        with self._lock:
            self._open.add(session)
        return session

    def renew(self) -> None:
        """Leave the connections behind: each thread opens a new session, to a new address if that has changed."""
        with self._lock:
            self._generation += 1

    def close(self) -> None:
        """Close the sessions of all threads."""
        with self._lock:
            for session in tuple(self._open):
                session.close()
            self._open.clear()

    def __repr__(self) -> str:
        return f"Route({self.name})"
