"""What a block and a pause apply to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an address (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    @lru_cache(maxsize=1024)
    def of(cls, url: str) -> Origin:
        """The origin of an http or https address.

        Raises:
            ValueError: it is none.
        """
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url[:200]!r} is no http or https address")
        return cls(scheme, parts.hostname, parts.port or _PORTS[scheme])

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def may_lead_to(self, other: Origin) -> bool:
        """Whether a redirect from here to there stays with the same site: the same origin, or its https form."""
        upgraded = self.scheme == "http" and other.scheme == "https" and (self.port, other.port) == (80, 443)
        return self == other or (self.host == other.host and upgraded)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a site may block by itself: pages and queries are guarded differently, even on one host."""

    origin: Origin
    method: str

    def __str__(self) -> str:
        return str(self.origin)
