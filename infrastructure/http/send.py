"""Sends one request over one route and reads its complete answer. No retries, no redirects, no state between requests.

The connections differ from urllib3's in three ways: the watchdog can shut down their sockets; answers that browsers
tolerate are accepted (interim answers, many or long headers, repeated lengths); and hosts that are not in the settings
are connected at public addresses only, which are checked when connecting.
"""

from __future__ import annotations

import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import BadStatusLine, HTTPMessage, HTTPResponse, RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from infrastructure.http.classify import explain
from infrastructure.http.files import DownloadTarget
from infrastructure.http.messages import (
    ACCEPT_ENCODING,
    Answer,
    Fault,
    MalformedAnswer,
    NotPublicAddress,
    Request,
    RequestFailed,
    decode,
    is_private_literal,
    is_public_address,
)
from infrastructure.http.options import NetworkOptions
from shared.secret import basic_authorization, split_user_info
from shared.socket_watchdog import SocketWatchdog, shut_socket

if TYPE_CHECKING:
    from infrastructure.http.route import Route

_PIECE: Final = 256 * 1024
_REDIRECT_BODY: Final = 64 * 1024
_POLL_SECONDS: Final = 0.1
_HOSTS_KEPT: Final = 4  # connections a session keeps: pages, GraphQL, posters, data files
_MAX_HEAD: Final = 256 * 1024  # bytes of a status line and its headers
_MAX_INTERIM: Final = 100  # 1xx answers before the final one
_HEADER_LINE: Final = re.compile(rb"[!-9;-~]+:|[ \t]")  # a header, or the continuation of one
_PROGRESS_BYTES: Final = 1024 * 1024  # of a file that must arrive within each request deadline
_PAGE_HEADERS: Final = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.8",  # titles and certificates follow the visitor's language
    "Accept-Encoding": ACCEPT_ENCODING,
}


class InFlightRequest:
    """One request that is being sent or answered; a ``SocketWait``.

    Args:
        seconds: time within which it must be complete.
        grace: seconds that it may still take once ``cancel`` was set.

    Attributes:
        public_only: it may connect to public addresses only.
        failure: why the watchdog has shut it down, if it has.
        connected: it had a connection to the site, or to an HTTP proxy that forwards requests.
        reused: that connection was used before, and the other side may have closed it since.
        answered: the head of an answer has arrived.
    """

    __slots__ = (
        "_cancel", "_cancelled_at", "_deadline", "_grace", "_seconds", "_socket", "answered", "connected", "failure",
        "public_only", "reused",
    )  # fmt: skip

    def __init__(self, seconds: float, cancel: threading.Event, grace: float, *, public_only: bool) -> None:
        self.public_only = public_only
        self.failure: RequestFailed | None = None
        self.connected = self.reused = self.answered = False
        self._cancel = cancel
        self._grace = grace
        self._seconds = seconds
        self._cancelled_at: float | None = None
        self._socket: socket.socket | None = None
        self.extend()

    def extend(self) -> None:
        """Starts the time within which it must be complete, from now."""
        self._deadline = time.monotonic() + self._seconds

    def attach(self, connection: socket.socket) -> None:
        """Sets the socket that this request uses from now on."""
        self._socket = connection
        if self.failure:
            shut_socket(connection)

    def is_due(self, now: float) -> bool:
        if self.failure is None:
            if self._cancel.is_set() and self._cancelled_at is None:
                self._cancelled_at = now
            if self._cancelled_at is not None and now >= self._cancelled_at + self._grace:
                self.failure = RequestFailed("cancelled", Fault.FINAL)
            elif now >= self._deadline:
                self.failure = RequestFailed(f"not complete after {self._seconds:g} s", silent=True)
        return self.failure is not None

    def shut(self) -> None:
        if self._socket is not None:
            shut_socket(self._socket)


_current = threading.local()


def _in_flight() -> InFlightRequest | None:
    """The request that this thread is making."""
    found: InFlightRequest | None = getattr(_current, "request", None)
    return found


class _TolerantResponse(HTTPResponse):
    """Reads heads that browsers accept and http.client does not; takes half the time of its email parser."""

    def begin(self) -> None:
        if self.headers is not None:
            return
        for _ in range(_MAX_INTERIM + 1):
            version, self.status, self.reason, lines = _read_head(self.fp)
            if not 100 <= self.status < 200 or self.status == 101:
                break  # RFC 9110, 15.2: any number of interim answers may precede the final one
        else:
            raise MalformedAnswer(f"more than {_MAX_INTERIM} interim answers came")
        self.code = self.status
        self.version = 10 if version < b"HTTP/1.1" else 11
        self.headers = self.msg = headers = _parsed(lines)
        self.chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = headers.get("Content-Length", "")
        self.length = int(length) if length.isascii() and length.isdigit() and not self.chunked else None
        if self.status in (204, 304) or self.status == 101:
            self.length = 0
        connection = f"{headers.get('Connection', '')} {headers.get('Proxy-Connection', '')}".lower()
        kept = "close" not in connection and (self.version == 11 or "keep-alive" in connection)
        self.will_close = not kept or (self.length is None and not self.chunked)


def _read_head(stream: Any) -> tuple[bytes, int, str, list[bytes]]:
    """Returns version, status, reason and header lines. Leaves out lines that are not headers, merges repeated lengths.

    Raises:
        MalformedAnswer: it is too long, cut off, or has different lengths.
        BadStatusLine: it is not HTTP.
    """
    first: bytes = stream.readline(_MAX_HEAD + 1)
    if not first:
        raise RemoteDisconnected("the connection was closed before an answer")
    words = first.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not re.fullmatch(rb"[1-9]\d\d", words[1]):
        raise BadStatusLine("the answer is not HTTP")
    total = len(first)
    lines: list[bytes] = []
    lengths: list[bytes] = []
    chunked = False
    while True:
        line = stream.readline(_MAX_HEAD + 1 - total)
        total += len(line)
        if total > _MAX_HEAD:
            raise MalformedAnswer(f"the headers of the answer are longer than {_MAX_HEAD:,} bytes")
        if line in (b"\r\n", b"\n"):
            break
        if not line.endswith(b"\n"):
            raise MalformedAnswer("the head of the answer is cut off")
        name, _, value = line.partition(b":")
        lowered = name.rstrip().lower()
        if lowered == b"content-length":
            lengths += [part.strip() for part in value.split(b",")]
            continue
        chunked = chunked or (lowered == b"transfer-encoding" and b"chunked" in value.lower())
        if _HEADER_LINE.match(line):
            lines.append(line)
    if lengths and not chunked:  # RFC 9112, 6.3: a chunked body has no other length
        if len(set(lengths)) > 1:
            said = " and ".join(sorted(length.decode("latin-1")[:20] for length in set(lengths))[:3])
            raise MalformedAnswer(f"the answer has contradictory lengths ({said})")
        lines.append(b"Content-Length: " + lengths[0] + b"\r\n")
    reason = words[2].strip().decode("latin-1") if len(words) > 2 else ""
    return words[0], int(words[1]), reason, lines


def _parsed(lines: list[bytes]) -> HTTPMessage:
    message = HTTPMessage()
    name = value = ""
    for line in lines:
        text = line.decode("latin-1")
        if text[0] in " \t":  # the continuation of a folded header
            value += " " + text.strip()
            continue
        if name:
            message[name] = value
        name, _, value = text.partition(":")
        name, value = name.rstrip(), value.strip()
    if name:
        message[name] = value
    return message


class _Connection(HTTPConnection):
    """Registers the socket of this thread's request with the watchdog, and checks its address."""

    response_class = _TolerantResponse

    def _new_conn(self) -> Any:
        request = _in_flight()
        connection = _connect_to_public(self) if request and request.public_only else super()._new_conn()
        if request:
            request.attach(connection)  # before a proxy or TLS handshake, which can hang as well
        return connection

    def connect(self) -> None:
        super().connect()
        if (request := _in_flight()) and self.sock is not None:
            request.attach(self.sock)
            request.connected = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        if (request := _in_flight()) and self.sock is not None:
            request.attach(self.sock)
            request.reused = not request.connected
            request.connected = True
        super().request(*args, **kwargs)


def _connect_to_public(connection: HTTPConnection) -> socket.socket:
    """Resolves the host and connects to one of its public addresses.

    The name is not resolved a second time, so that it cannot change between check and connection.
    """
    host = connection.host
    try:
        found = socket.getaddrinfo(host.strip("[]"), connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        cause = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(host, connection, cause) from error
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    public = [address for address in addresses if is_public_address(address)]
    if not public:
        raise NotPublicAddress(host, addresses[0])
    failure: OSError | None = None
    for address in public:
        try:
            opened = create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            failure = error
        else:
            sys.audit("http.client.connect", connection, host, connection.port)
            return opened
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"no connection to {host} in time") from failure
    raise NewConnectionError(connection, f"no connection to {host}: {failure}") from failure


def _watched(pool: type[HTTPConnectionPool], connection: type[HTTPConnection]) -> type[HTTPConnectionPool]:
    """The kind of pool, with ``_Connection``'s additions to its kind of connection."""
    connection = type(connection.__name__, (_Connection, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


_DIRECT = {
    "http": _watched(HTTPConnectionPool, HTTPConnection),
    "https": _watched(HTTPSConnectionPool, HTTPSConnection),
}
_SOCKS = {
    "http": _watched(HTTPConnectionPool, SOCKSConnection),
    "https": _watched(HTTPSConnectionPool, SOCKSHTTPSConnection),
}


class _Adapter(HTTPAdapter):
    """Shares one TLS context among all sessions: loading the authorities takes longer than a page."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        super().__init__(pool_connections=_HOSTS_KEPT, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _DIRECT

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _SOCKS if proxy.lower().startswith("socks") else _DIRECT
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """The credentials in UTF-8; those of the base class are in Latin-1, which lacks most characters."""
        _, user_info = split_user_info(proxy)
        return {"Proxy-Authorization": basic_authorization(user_info).reveal()} if user_info else {}

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            pool = {"ssl_context": self._tls(), "cert_reqs": "CERT_REQUIRED"}
        return host, pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ARG002 - the base's signature
        if url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"  # against the context's own authorities


class _Session(requests.Session):
    def get_redirect_target(self, resp: Any) -> None:
        """Follows no redirect, because the caller checks each of them."""


def open_session(user_agent: str, proxy: str | None, tls: Callable[[], ssl.SSLContext]) -> requests.Session:
    """Returns a session for one thread on one route.

    It ignores the environment, keeps no cookies (answers must not depend on earlier requests), follows no redirects and
    never retries. ``proxy`` is its address with credentials.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = user_agent
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
    adapter = _Adapter(tls)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class Transport:
    """Sends requests. Thread-safe."""

    def __init__(self, options: NetworkOptions) -> None:
        self._options = options
        self._watchdog = SocketWatchdog("request-watchdog", _POLL_SECONDS)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = threading.Lock()
        # Pages arrive in bursts. Decoded in turn, the first is parsed while the next is decoded, and its thread
        # can send its next request; decoded concurrently, all would be in memory at the same time.
        self._decoding = threading.Lock()

    def send(self, request: Request, route: Route, cancel: threading.Event) -> Answer:
        """Sends one request and reads its complete answer.

        Raises:
            RequestFailed: there is no complete answer. The reason is ``cancelled`` when ``cancel`` was set meanwhile.
        """
        prepared = self._prepared(request, session := route.session(self._context), route)
        with self._watch(request, route, cancel) as in_flight:
            try:
                return self._exchange(session, prepared, request, in_flight, cancel)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise in_flight.failure or explain(error, in_flight, proxied=route.proxied) from error

    def close(self) -> None:
        """Stops the watchdog."""
        self._watchdog.close()

    @contextmanager
    def _watch(self, request: Request, route: Route, cancel: threading.Event) -> Iterator[InFlightRequest]:
        options, public_only = self._options, request.public_only and not route.proxied
        in_flight = InFlightRequest(options.request_deadline, cancel, options.cancel_grace, public_only=public_only)
        with self._watchdog.watch(in_flight):
            _current.request = in_flight
            try:
                yield in_flight
            finally:
                _current.request = None

    def _exchange(
        self,
        session: requests.Session,
        prepared: requests.PreparedRequest,
        request: Request,
        in_flight: InFlightRequest,
        cancel: threading.Event,
    ) -> Answer:
        response = session.send(
            prepared,
            stream=True,
            timeout=(self._options.connect_timeout, self._options.read_timeout),
            proxies=dict(session.proxies),
            verify=True,
        )
        in_flight.answered = True
        raw: urllib3.HTTPResponse = response.raw
        headers: Mapping[str, str] = response.headers
        limit = request.limit or self._options.max_body_bytes
        try:
            if response.is_redirect:
                too_long = (raw.length_remaining or 0) > _REDIRECT_BODY
                size, body = (0, b"") if too_long else (len(_read(raw, _REDIRECT_BODY, partial=True)), b"")
            elif request.sink is not None and request.sink.takes(response.status_code):
                size, body = self._stream(raw, response.status_code, headers, request.sink, in_flight, cancel)
            else:
                if request.sink is not None and response.status_code == 416:
                    request.sink.discard()  # the part is not the beginning of this file
                wire = _read(raw, limit, partial=request.partial)
                size, encoding = len(wire), headers.get("Content-Encoding", "")
                with self._decoding:
                    body = decode(wire, encoding, limit, partial=request.partial)
        finally:
            raw.close()  # a connection with a completely read answer is in the pool already; others are closed
        cookies = tuple(raw.headers.getlist("Set-Cookie")) if response.is_redirect else ()
        return Answer(prepared.url or request.url, response.status_code, headers, body, size, cookies)

    def _stream(
        self,
        raw: urllib3.HTTPResponse,
        status: int,
        headers: Mapping[str, str],
        sink: DownloadTarget,
        in_flight: InFlightRequest,
        cancel: threading.Event,
    ) -> tuple[int, bytes]:
        """Writes the body to the sink; returns its size and its beginning, in which a block can be recognised."""
        sink.start(status, headers, raw.length_remaining)
        size = recent = 0
        beginning = b""
        while piece := raw.read1(_PIECE, decode_content=False):
            sink.write(piece)
            beginning = beginning or piece
            size += len(piece)
            recent += len(piece)
            if recent >= _PROGRESS_BYTES:
                in_flight.extend()
                recent = 0
            if cancel.is_set():
                raise RequestFailed("cancelled", Fault.FINAL, size=size)
        sink.finish()
        return size, beginning

    def _prepared(self, request: Request, session: requests.Session, route: Route) -> requests.PreparedRequest:
        """Builds the request directly. The session has no cookies, parameters or authentication, and merging them would
        take as long as reading the page's data.

        Raises:
            RequestFailed: the address cannot be fetched, or must not be.
        """
        prepared = requests.PreparedRequest()
        try:
            prepared.prepare_method(request.method)
            prepared.prepare_url(request.url, None)
            host = urlsplit(prepared.url or "").hostname or ""
        except (requests.RequestException, ValueError) as error:
            raise RequestFailed("no address that can be fetched", Fault.FINAL) from error
        if request.public_only and route.proxied and is_private_literal(str(host)):
            raise RequestFailed(str(NotPublicAddress(str(host), "")), Fault.FINAL)
        prepared.prepare_headers({**session.headers, **_PAGE_HEADERS, **request.headers})
        if request.sink is not None:
            prepared.headers.update(request.sink.request_headers())
        prepared.prepare_body(request.body, None)
        return prepared

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl.create_default_context(cafile=self._options.authorities or certifi.where())
            return self._tls


def _read(raw: urllib3.HTTPResponse, limit: int, *, partial: bool) -> bytes:
    """Reads the undecoded body: in one read if its length is known, else in large pieces."""
    length = raw.length_remaining or 0
    if 0 < length <= limit:
        return raw.read(decode_content=False)
    if length and not partial:
        raise RequestFailed(f"the body is {length:,} bytes, more than the {limit:,} allowed", Fault.FINAL)
    pieces: list[bytes] = []
    total = 0
    while total <= limit and (piece := raw.read(_PIECE, decode_content=False)):
        pieces.append(piece)
        total += len(piece)
    if total > limit and not partial:
        raise RequestFailed(f"the body is more than the {limit:,} bytes allowed", Fault.FINAL, size=total)
    return b"".join(pieces)
