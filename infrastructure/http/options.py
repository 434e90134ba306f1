"""All network settings as plain values; proxies as users write them."""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

import msgspec

from domain.errors import UsageError
from infrastructure.http.messages import Origin
from infrastructure.http.policies import DEFAULT_STATUSES, RetryPolicy
from shared.secret import Secret, basic_authorization, mask_user_info, split_user_info
from shared.text import TextError, text_lines

SCHEMES: Final = ("http", "https", "socks4", "socks5", "socks5h")
_UNSET: Final = Secret("")
_MAX_NAMED: Final = 10


class Proxy(msgspec.Struct, frozen=True):
    """A proxy's address; its name and its representation have no credentials."""

    name: str
    address: Secret

    def __repr__(self) -> str:
        return f"Proxy({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """The network's settings; times in seconds. docs/settings.md describes them; notes:

    Attributes:
        base_url, graphql_url, datasets_url: may carry user information; redirects to their origins are followed.
        max_wait_per_title: None: five of the longest single waits.
        cancel_grace: how long a request in flight may still take once its run was cancelled.
        robots_cache: file that keeps each site's robots.txt for a day; None: none is kept.
        authorities: file of certificate authorities instead of the usual ones.

    Raises:
        UsageError: values that cannot be used, all of them named.
    """

    base_url: str = field(default="https://www.imdb.com", repr=False)
    graphql_url: str = field(default="https://api.graphql.imdb.com/", repr=False)
    datasets_url: str = field(default="", repr=False)
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
    robots_cache: Path | None = None
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
        problems = [*self._rate(), *self._addresses(), *self._authorities()]
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

    def retry_policy(self) -> RetryPolicy:
        """When pages are retried."""
        longest = self.max_wait_per_title
        return RetryPolicy(
            enabled=self.backoff_and_retry,
            factor=self.backoff_factor,
            max_wait=self.max_backoff_seconds,
            retries=self.max_backoff_retries,
            statuses=self.retry_status_codes,
            max_wait_per_title=5 * self.max_backoff_seconds if longest is None else longest,
        )

    def origins(self) -> frozenset[Origin]:
        """The configured origins: redirects may lead there, and their addresses need not be public."""
        return frozenset(Origin.of(split_user_info(url)[0]) for _, url in self._configured())

    def authorization(self) -> dict[Origin, Secret]:
        """The Authorization header for each configured origin whose address has user information."""
        found: dict[Origin, Secret] = {}
        for _, url in self._configured():
            address, user_info = split_user_info(url)
            if user_info:
                origin = Origin.of(address)
                found[origin] = basic_authorization(user_info)
                if (origin.scheme, origin.port) == ("http", 80):  # where a redirect may lead
                    found.setdefault(Origin("https", origin.host, 443), found[origin])
        return found

    def _rate(self) -> list[str]:
        """Checks what ``Settings``, which checks all other numbers, cannot express."""
        rate = self.requests_per_second
        if rate is None or 1e-6 <= rate < math.inf:
            return []
        return [f"REQUESTS_PER_SECOND: {rate} is not allowed; allowed: from 1e-06"]

    def _addresses(self) -> list[str]:
        problems = []
        for name, url in self._configured():
            try:
                Origin.of(split_user_info(url)[0])
            except ValueError:
                problems.append(f"{name}: {mask_user_info(url)[:200]!r} is not an http or https address")
        return problems

    def _configured(self) -> list[tuple[str, str]]:
        named = (("BASE_URL", self.base_url), ("GRAPHQL_URL", self.graphql_url), ("DATASETS_URL", self.datasets_url))
        return [(name, url) for name, url in named if url]

    def _authorities(self) -> list[str]:
        """Reads the file once to check it: otherwise every request would fail, each in its own thread."""
        if self.authorities is None:
            return []
        try:
            ssl.create_default_context(cafile=self.authorities)
        except ssl.SSLError:
            return [f"CA_FILE: {self.authorities} holds no certificates in PEM form"]
        except OSError as error:
            return [f"CA_FILE: {self.authorities} cannot be read: {error.strerror}"]
        return []


def single_proxy(host: str, port: int | None, user: str, password: Secret) -> Proxy:
    """The one proxy of PROXY_HOST, PROXY_PORT, PROXY_USER and PROXY_PASS.

    Raises:
        UsageError: host or port are missing or impossible.
    """
    if port is None:
        raise UsageError("PROXY_HOST is set but PROXY_PORT is not")
    if not host:
        raise UsageError("PROXY_PORT is set but PROXY_HOST is not")
    credentials = f"{quote(user, safe='')}:{quote(password.reveal(), safe='')}@" if user or password else ""
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return parse_proxy(f"http://{credentials}{bracketed}:{port}", "PROXY_HOST")


def listed_proxies(text: Secret) -> tuple[Proxy, ...]:
    """The proxies of PROXIES, separated by commas or line ends.

    Raises:
        UsageError: one of them cannot be used; the message has its position.
    """
    entries = [entry.strip() for entry in text.reveal().replace("\n", ",").split(",")]
    return _parsed(
        "PROXIES is set but", ((f"PROXIES entry {number}", entry) for number, entry in enumerate(entries, 1))
    )


def proxies_of_file(path: Path) -> tuple[Proxy, ...]:
    """The proxies of PROXY_FILE, one a line; ``#`` begins a comment.

    Raises:
        UsageError: the file cannot be read, is empty, or a line cannot be used; the message has its number.
    """
    try:
        lines = list(text_lines(path))
    except TextError as error:
        raise UsageError(f"PROXY_FILE: {error}") from error
    except OSError as error:
        raise UsageError(f"PROXY_FILE {path} cannot be read: {error.strerror}") from error
    entries = ((f"{path}, line {number}", line.split(" #")[0].strip()) for number, line in enumerate(lines, 1))
    return _parsed(f"PROXY_FILE {path}", ((place, entry) for place, entry in entries if not entry.startswith("#")))


def parse_proxy(text: str, place: str) -> Proxy:
    """Parses ``scheme://user:password@host:port``; the scheme is ``http`` if none is given.

    Args:
        place: where it was read, for messages, which never quote the text: it may hold a password.

    Raises:
        UsageError: it cannot be used; the message has the reason.
    """
    allowed = "allowed: [scheme://][user:password@]host:port with scheme " + ", ".join(SCHEMES)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise UsageError(f"{place}: the proxy contains a blank; {allowed}")
    scheme, _, rest = text.partition("://") if "://" in text else ("http", "", text)
    # The last @ ends the credentials: passwords are often pasted unencoded, with # or / in them.
    credentials, _, where = rest.rpartition("@")
    try:
        parts = urlsplit(f"http://{where}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f"{place}: host or port of the proxy cannot be read; {allowed}") from None
    if (scheme := scheme.lower()) not in SCHEMES:
        raise UsageError(f"{place}: unknown scheme {scheme[:20]!r}; {allowed}")
    if not host or not port:
        raise UsageError(f"{place}: the proxy has no {'port' if host else 'host'}; {allowed}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"{place}: unexpected text after the port; {allowed}")
    return _proxy(scheme, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", credentials)


def _proxy(scheme: str, where: str, credentials: str) -> Proxy:
    if not credentials.strip(":"):
        return Proxy(f"{scheme}://{where}", Secret(f"{scheme}://{where}"))
    user, password = (quote(unquote_to_bytes(part), safe="") for part in credentials.partition(":")[::2])
    return Proxy(f"{scheme}://***@{where}", Secret(f"{scheme}://{user}:{password}@{where}"))


def _parsed(source: str, entries: Iterable[tuple[str, str]]) -> tuple[Proxy, ...]:
    proxies: dict[Proxy, None] = {}
    problems: list[str] = []
    for place, entry in entries:
        if entry:
            try:
                proxies[parse_proxy(entry, place)] = None
            except UsageError as error:
                problems.append(str(error))
    if problems:
        more = f"; and {len(problems) - _MAX_NAMED} more" if len(problems) > _MAX_NAMED else ""
        raise UsageError("; ".join(problems[:_MAX_NAMED]) + more)
    if not proxies:
        raise UsageError(f"{source} holds no proxy")
    return tuple(proxies)
