"""Proxies as users write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from domain.errors import UsageError
from shared.secret import Secret

SCHEMES: Final = ("http", "https", "socks4", "socks5", "socks5h")
_MAX_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is and how to get in; shows itself without credentials."""

    name: str
    address: Secret

    def __repr__(self) -> str:
        return f"Proxy({self.name})"


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
        UsageError: one of them cannot be used; it is named by its place.
    """
    entries = [entry.strip() for entry in text.reveal().replace("\n", ",").split(",")]
    proxies = _parsed((f"PROXIES entry {number}", entry) for number, entry in enumerate(entries, 1))
    if not proxies:
        raise UsageError("PROXIES is set but holds no proxy")
    return proxies


def proxies_of_file(path: Path) -> tuple[Proxy, ...]:
    """The proxies of PROXY_FILE, one a line; ``#`` begins a comment.

    Raises:
        UsageError: the file cannot be read, is empty, or a line cannot be used; it is named by its number.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"PROXY_FILE {path} is not UTF-8 text") from error
    except OSError as error:
        raise UsageError(f"PROXY_FILE {path} cannot be read: {error.strerror}") from error
    entries = ((f"{path}, line {number}", line.split(" #")[0].strip()) for number, line in enumerate(lines, 1))
    proxies = _parsed((place, entry) for place, entry in entries if not entry.startswith("#"))
    if not proxies:
        raise UsageError(f"PROXY_FILE {path} holds no proxy")
    return proxies


def parse_proxy(text: str, place: str) -> Proxy:
    """One proxy: ``scheme://user:password@host:port``; ``http`` where no scheme is given.

    Args:
        text: as written.
        place: where it stands, for messages, which never quote the text: it may hold a password.

    Raises:
        UsageError: it cannot be used; says what is wrong.
    """
    allowed = "allowed: [scheme://][user:password@]host:port with scheme " + ", ".join(SCHEMES)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise UsageError(f"{place}: there is a blank in the proxy; {allowed}")
    scheme, _, rest = text.partition("://") if "://" in text else ("http", "", text)
    # The last @ ends the credentials: passwords are often pasted as they are, with # or / in them.
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
        raise UsageError(f"{place}: there is something after the port; {allowed}")
    return _proxy(scheme, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", credentials)


def _proxy(scheme: str, where: str, credentials: str) -> Proxy:
    if not credentials.strip(":"):
        return Proxy(f"{scheme}://{where}", Secret(f"{scheme}://{where}"))
    user, password = (quote(unquote(part), safe="") for part in credentials.partition(":")[::2])
    return Proxy(f"{scheme}://***@{where}", Secret(f"{scheme}://{user}:{password}@{where}"))


def _parsed(entries: Iterable[tuple[str, str]]) -> tuple[Proxy, ...]:
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
    return tuple(proxies)
