"""Everything a user can set about the network, as plain values."""

from __future__ import annotations

import math
import ssl
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from domain.errors import UsageError
from infrastructure.http.proxies import Proxy, listed_proxies, proxies_of_file, single_proxy
from infrastructure.http.retry import DEFAULT_STATUSES
from infrastructure.http.scope import Origin
from shared.secret import Secret

_UNSET: Final = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """The network's settings; times in seconds.

    Attributes:
        base_url: of the site.
        graphql_url: of its query server.
        backoff_and_retry: False: every request is made once.
        backoff_factor: the n-th wait is this x 2^(n-1).
        max_backoff_seconds: longest single wait, a Retry-After included.
        max_backoff_retries: requests after the first.
        retry_status_codes: statuses that are tried again.
        max_wait_per_title: longest sum of waits for one page; None: five of the longest single ones.
        max_wait_per_run: longest sum of waits in which nothing arrived.
        connect_timeout: to connect.
        read_timeout: between two reads.
        request_deadline: for a request as a whole, however slowly it drips.
        cancel_grace: how long a request under way may still take once its run was cancelled.
        max_body_bytes: of a body, over the wire and decoded.
        requests_per_second: to each host; None: 10, and no limit on loopback.
        respect_robots: leave alone what robots.txt closes.
        max_block_wait_seconds: to wait and probe when the site blocks every route.
        proxy_host, proxy_port, proxy_user, proxy_pass: one HTTP proxy.
        proxies: several, separated by commas; None: not set.
        proxy_file: a file of them.
        allow_direct_fallback: go out directly when every proxy and Tor are gone.
        rotate_after_requests: change route after so many; 0: only when blocked.
        use_tor: whether to use Tor.
        tor_host, tor_proxy_port, tor_control_port, tor_password: where it listens.
        tor_circuits: how many to hold at the same time.
        authorities: file of certificate authorities instead of the usual ones.

    Raises:
        UsageError: values that cannot be used, all of them named.
    """

    base_url: str = "https://www.imdb.com"
    graphql_url: str = "https://api.graphql.imdb.com/"
    backoff_and_retry: bool = True
    backoff_factor: float = 2.0
    max_backoff_seconds: float = 60.0
    max_backoff_retries: int = 5
    retry_status_codes: frozenset[int] = DEFAULT_STATUSES
    max_wait_per_title: float | None = None
    max_wait_per_run: float = 7200.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    request_deadline: float = 120.0
    cancel_grace: float = 0.0
    max_body_bytes: int = 32 * 1024 * 1024
    requests_per_second: float | None = None
    respect_robots: bool = True
    max_block_wait_seconds: float = 300.0
    proxy_host: str = ""
    proxy_port: int | None = None
    proxy_user: str = ""
    proxy_pass: Secret = _UNSET
    proxies: Secret | None = None
    proxy_file: Path | None = None
    allow_direct_fallback: bool = False
    rotate_after_requests: int = 0
    use_tor: bool = False
    tor_host: str = "127.0.0.1"
    tor_proxy_port: int = 9050
    tor_control_port: int = 9051
    tor_password: Secret = _UNSET
    tor_circuits: int = 1
    authorities: str | None = None

    def __post_init__(self) -> None:
        problems = [*self._numbers(), *self._addresses(), *self._authorities()]
        if problems:
            raise UsageError("; ".join(problems))

    def all_proxies(self) -> tuple[Proxy, ...]:
        """The proxies of all three settings, each once.

        Raises:
            UsageError: one of them cannot be used.
        """
        found: list[Proxy] = []
        if self.proxy_host or self.proxy_port is not None:
            found.append(single_proxy(self.proxy_host, self.proxy_port, self.proxy_user, self.proxy_pass))
        if self.proxies is not None:
            found += listed_proxies(self.proxies)
        if self.proxy_file is not None:
            found += proxies_of_file(self.proxy_file)
        return tuple(dict.fromkeys(found))

    def origins(self) -> frozenset[Origin]:
        """Where redirects may lead."""
        return frozenset(Origin.of(url) for url in (self.base_url, self.graphql_url) if url)

    def _numbers(self) -> list[str]:
        """Impossible numbers. The fields' names are the settings' names, in lower case."""
        lowest: dict[str, float] = {
            "backoff_factor": 0, "max_backoff_seconds": 0, "max_backoff_retries": 0, "max_wait_per_title": 0,
            "max_wait_per_run": 0, "connect_timeout": 0.001, "read_timeout": 0.001, "request_deadline": 0.001,
            "max_body_bytes": 1, "requests_per_second": 1e-6, "max_block_wait_seconds": 0,
            "rotate_after_requests": 0, "tor_circuits": 1, "tor_proxy_port": 1, "tor_control_port": 1,
        }  # fmt: skip
        problems = []
        for field in fields(self):
            value, least = getattr(self, field.name), lowest.get(field.name)
            if least is not None and value is not None and not (math.isfinite(value) and value >= least):
                problems.append(f"{field.name.upper()}: {value} is not allowed; allowed: from {least:g}")
        odd = sorted(code for code in self.retry_status_codes if not 100 <= code <= 599)
        if odd:
            problems.append(f"RETRY_STATUS_CODES: {', '.join(map(str, odd))} is no HTTP status")
        return problems

    def _addresses(self) -> list[str]:
        problems = []
        for name, url in (("BASE_URL", self.base_url), ("GRAPHQL_URL", self.graphql_url)):
            try:
                if url:
                    Origin.of(url)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        return problems

    def _authorities(self) -> list[str]:
        """Read once for nothing: otherwise each request would fail by it, in a thread of its own."""
        if self.authorities is None:
            return []
        try:
            ssl.create_default_context(cafile=self.authorities)
        except ssl.SSLError:
            return [f"CA_FILE: {self.authorities} holds no certificates in PEM form"]
        except OSError as error:
            return [f"CA_FILE: {self.authorities} cannot be read: {error.strerror}"]
        return []
