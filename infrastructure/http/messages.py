"""The values that the modules of this package exchange: addresses, requests, answers with their bodies, failures."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import lru_cache
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from infrastructure.http.files import DownloadTarget

# Content codings. Decoding a title page takes zlib 4 to 6 ms of CPU and isal 1.8; Brotli takes 3 but sends two fifths
# less, which on most connections saves more time. zstd is not requested, because IMDb's delivery network supports only
# gzip and Brotli. zlib is used where isal has no wheel; br is not requested without brotli.
# Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
_inflater: Any = zlib
with contextlib.suppress(ImportError):  # the same calls, faster
    from isal import isal_zlib as _inflater
_brotli: Any = None
with contextlib.suppress(ImportError):
    import brotli as _brotli  # type: ignore[import-untyped,no-redef]

ACCEPT_ENCODING: Final = "gzip, br" if _brotli else "gzip"
# Source: https://www.iana.org/assignments/http-parameters (content codings). Any other word names no coding: servers
# send "none", "utf-8" or "aws-chunked" with plain bodies, and browsers ignore it.
_REGISTERED: Final = frozenset(
    [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "gzip",
        "pack200-gzip",
        "x-compress",
        "x-gzip",
        "zstd",
    ]
)
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_ERRORS: Final[tuple[type[Exception], ...]] = (zlib.error, _inflater.error)  # isal's own is no subclass of zlib's

_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Special addresses that some patch versions of Python take for public: local NAT64, IETF protocols with Teredo, 6to4.
_NEVER_PUBLIC: Final = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "2001::/23", "2002::/16")))


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port of an address (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    @lru_cache(maxsize=1024)
    def of(cls, url: str) -> Origin:
        """The origin of an http or https address.

        Raises:
            ValueError: it is not one.
        """
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url[:200]!r} is not an http or https address")
        return cls(scheme, parts.hostname, parts.port or _PORTS[scheme])

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def may_lead_to(self, other: Origin) -> bool:
        """Whether a redirect to the other origin stays with the same site: the same origin, or its https form."""
        upgraded = self.scheme == "http" and other.scheme == "https" and (self.port, other.port) == (80, 443)
        return self == other or (self.host == other.host and upgraded)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Scope(msgspec.Struct, frozen=True):
    """The unit that a site blocks: pages and queries are protected separately, even on one host."""

    origin: Origin
    method: str

    def __str__(self) -> str:
        return str(self.origin)


def is_public_address(address: str) -> bool:
    """Whether an IP address is reachable from the whole internet; False for text that is not an IP address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if any(found in network for network in _NEVER_PUBLIC):
            return False
        inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF) if found in _NAT64 else found.ipv4_mapped
        if inner is not None:
            return is_public_address(str(inner))
    return found.is_global and not found.is_multicast


def is_private_literal(host: str) -> bool:
    """Whether a host is an IP address, in any notation, that is not public.

    The short and numeric forms that resolvers accept count as well: ``127.1``, ``2130706433``, ``0x7f.1``.
    """
    if host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost"):
        return True
    try:
        return not is_public_address(str(ipaddress.ip_address(host)))
    except ValueError:
        pass
    try:
        return not is_public_address(socket.inet_ntoa(socket.inet_aton(host.rstrip("."))))
    except (OSError, UnicodeError):
        return False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: GET or POST.
        url: with scheme and host, without user information.
        headers: added to the usual ones, or replacing them.
        body: of a POST.
        limit: maximum bytes of body, both as received and decoded; the transport's own if ``None``.
        partial: take the first ``limit`` bytes of a longer body instead of refusing it.
        forbidden_is_block: False: a bare 403 is an answer like others, not a block.
        public_only: connect to public addresses only.
        sink: receives the body of a file that is downloaded; the answer's body is then empty.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    limit: int | None = None
    partial: bool = False
    forbidden_is_block: bool = True
    public_only: bool = False
    sink: DownloadTarget | None = None

    def to(self, url: str, *, headers: Mapping[str, str], public_only: bool) -> Request:
        """The same request to another address."""
        return replace(self, url=url, headers=headers, public_only=public_only)

    @property
    def conditional(self) -> bool:
        """Whether 304 is an answer to it."""
        return any(name.lower() in {"if-none-match", "if-modified-since"} for name in self.headers)

    @property
    def ranged(self) -> bool:
        """Whether 206 is an answer to it."""
        return self.sink is not None and self.sink.resuming


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with any status.

    Attributes:
        headers: found in any spelling of upper and lower case.
        body: decoded.
        size: body bytes received.
        cookies: each Set-Cookie header, unchanged.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    size: int
    cookies: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is neither a block nor an error.

    Attributes:
        url: the final one, redirects followed.
        status: 200 or 203; 304 for a conditional request; 4xx for a query with an error.
        headers: found in any spelling of upper and lower case.
        body: decoded.
        size: body bytes received, including those of failed requests and redirects.
        requests: HTTP requests sent, including failed ones and redirects.
        route: name of the route without secrets: ``direct``, ``http://***@host:port``, ``tor 1``.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    size: int = 0
    requests: int = 1
    route: str = "direct"


class Fault(Enum):
    """The part that failed; it decides how the request continues."""

    SITE = auto()  # may pass: retry
    UNREACHABLE = auto()  # no connection to the site, although the route works
    ROUTE = auto()  # the proxy is dead or refuses the request: use another route
    FINAL = auto()  # a retry cannot help


class RequestFailed(Exception):
    """A request without a complete answer.

    Attributes:
        reason: for logs and messages; holds no credentials.
        silent: nothing was received.
        stale: it used a kept connection that the other side had closed; a new connection may work.
        size: body bytes that were received all the same.
    """

    def __init__(
        self, reason: str, fault: Fault = Fault.SITE, *, silent: bool = False, stale: bool = False, size: int = 0
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault
        self.silent = silent
        self.stale = stale
        self.size = size


class MalformedAnswer(HTTPException):
    """The head of an answer violates HTTP in a way that cannot be tolerated; the message names it."""


class NotPublicAddress(OSError):
    """A host that is not in the settings leads to an address that is not public."""

    def __init__(self, host: str, address: str) -> None:
        leads = f"{host} leads to {address}, which" if address and address != host else f"{host}"
        super().__init__(f"{leads} is not a public address; only the hosts of the settings may be elsewhere")


def decode(body: bytes, encoding: str, limit: int, *, partial: bool = False) -> bytes:
    """Decodes a body.

    Args:
        encoding: the value of Content-Encoding; empty for none.
        limit: maximum bytes of the result.
        partial: return what can be decoded of a body that is cut off, and the first ``limit`` bytes of one that is too
            large, instead of refusing it.

    Raises:
        RequestFailed: it cannot be decoded; or, with ``Fault.FINAL``, there is more than ``limit``.
    """
    decoded = body
    try:
        for part in reversed(encoding.split(",")):
            coding = part.partition(";")[0].strip().lower()
            if coding in _REGISTERED and decoded:
                decoded = _decode_one(decoded, coding, limit, partial)
        if len(decoded) > limit and not partial:
            raise RequestFailed(f"the body is larger than {limit:,} bytes", Fault.FINAL)
    except RequestFailed as failure:
        failure.size = len(body)
        raise
    return decoded[:limit]


def _decode_one(body: bytes, coding: str, limit: int, partial: bool) -> bytes:
    """Undoes one coding; the result has ``limit`` + 1 bytes if there is more."""
    if coding in _GZIP:
        return _gunzip(body, limit, partial)
    if coding == "br" and _brotli:
        return _unbrotli(body, limit, partial)
    raise RequestFailed(f"the body is encoded with {coding!r}, which was not requested")


def _gunzip(body: bytes, limit: int, partial: bool) -> bytes:
    """Decodes all members of a gzip file, one after the other (RFC 1952, 2.2)."""
    pieces: list[bytes] = []
    total = 0
    rest: bytes = body
    while rest.startswith(_GZIP_MAGIC) and total <= limit:
        member: Any = _inflater.decompressobj(_GZIP_WINDOW)
        try:
            pieces.append(member.decompress(rest, limit + 1 - total))
        except _ERRORS as error:
            if partial and pieces:
                break
            raise RequestFailed(f"the gzip body cannot be read: {error}") from error
        total += len(pieces[-1])
        if not member.eof:
            if partial or total > limit:
                break
            raise RequestFailed("the gzip body is cut off")
        rest = member.unused_data
    if not pieces:
        raise RequestFailed("the body is not gzip, though Content-Encoding says so")
    return b"".join(pieces)


def _unbrotli(body: bytes, limit: int, partial: bool) -> bytes:
    decompressor = _brotli.Decompressor()
    pieces: list[bytes] = []
    total = 0
    data = body
    try:
        while total <= limit:
            pieces.append(decompressor.process(data, output_buffer_limit=limit + 1 - total))
            total += len(pieces[-1])
            data = b""
            if decompressor.is_finished() or decompressor.can_accept_more_data():
                break
    except _brotli.error as error:
        raise RequestFailed(f"the Brotli body cannot be read: {error}") from error
    if not (partial or total > limit or decompressor.is_finished()):
        raise RequestFailed("the Brotli body is cut off")
    return b"".join(pieces)
