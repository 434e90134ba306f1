"""One request over one route: sent, read whole, decoded once. Retries nothing, follows nothing."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import certifi
import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from infrastructure.http.decoding import ACCEPT_ENCODING, TooLarge, Undecodable, decode
from infrastructure.http.failures import Fault, RequestFailed, explain
from infrastructure.http.watchdog import Ended, Flight, Watchdog

_PIECE: Final = 256 * 1024
_REDIRECT_BODY: Final = 64 * 1024
_PAGE_HEADERS: Final = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.8",  # titles and certificates follow the visitor's language
    "Accept-Encoding": ACCEPT_ENCODING,
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        method: GET or POST.
        url: with scheme and host.
        headers: beyond the usual ones, or instead of them.
        body: of a POST.
        limit: most bytes of body, both over the wire and decoded; the transport's own if ``None``.
        partial: take the first ``limit`` bytes of a body that is longer instead of refusing it.
        may_be_forbidden: a bare 403 is an answer like others, no block.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    limit: int | None = None
    partial: bool = False
    may_be_forbidden: bool = False

    def to(self, url: str) -> Request:
        """The same request to another address."""
        return replace(self, url=url)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status; ``size`` counts body bytes over the wire."""

    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    size: int


class Sessions(Protocol):
    """A route, as far as sending needs to know it."""

    @property
    def proxied(self) -> bool:
        """Whether it leads through a proxy."""

    def session(self, tls: Callable[[], ssl.SSLContext]) -> requests.Session:
        """The calling thread's own session."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, for a request as a whole, however slowly it drips; and after a cancel."""

    connect: float = 10.0
    read: float = 30.0
    whole: float = 120.0
    grace: float = 0.0


class Transport:
    """Sends requests. Called from many threads at once.

    Args:
        timeouts: of every request.
        max_body_bytes: of a body, both over the wire and decoded.
        authorities: file of certificate authorities to trust instead of the usual ones.
    """

    def __init__(self, timeouts: Timeouts, max_body_bytes: int, authorities: str | None = None) -> None:
        self._timeouts = timeouts
        self._max_body = max_body_bytes
        self._authorities = authorities
        self._watchdog = Watchdog()
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = threading.Lock()
        # Pages come in bursts. One after the other, the first is read while the next is decoded, and its thread can
        # ask for another; all at once, none would be ready before all are, and all would stand in memory together.
        self._decoding = threading.Lock()

    def send(self, request: Request, route: Sessions, cancel: threading.Event) -> Answer:
        """Send one request and read its answer whole.

        Raises:
            RequestFailed: there is no whole answer; says why. The reason is ``cancelled``
                when ``cancel`` was set meanwhile.
        """
        session = route.session(self._context)
        with self._watchdog.watch(self._timeouts.whole, cancel, grace=self._timeouts.grace) as flight:
            try:
                return self._exchange(session, request, flight)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise self._explain(error, flight, route) from error

    def close(self) -> None:
        """Stop watching."""
        self._watchdog.close()

    def _exchange(self, session: requests.Session, request: Request, flight: Flight) -> Answer:
        response = session.send(
            _prepared(session, request),
            stream=True,
            timeout=(self._timeouts.connect, self._timeouts.read),
            proxies=dict(session.proxies),
            verify=True,
        )
        flight.answered = True
        raw: urllib3.HTTPResponse = response.raw
        headers: CaseInsensitiveDict[str] = response.headers
        limit = request.limit or self._max_body
        try:
            if response.is_redirect:
                wire = b"" if _length(raw) > _REDIRECT_BODY else _read(raw, _REDIRECT_BODY, partial=True)
                body = b""
            else:
                wire = _read(raw, limit, partial=request.partial)
                with self._decoding:
                    body = _decoded(wire, headers.get("Content-Encoding", ""), limit, partial=request.partial)
        finally:
            raw.close()  # one that was read whole has given its connection back; any other is lost with what is left
        return Answer(response.url, response.status_code, response.reason or "", headers, body, len(wire))

    def _explain(self, error: Exception, flight: Flight, route: Sessions) -> RequestFailed:
        if flight.ended is Ended.CANCELLED:
            return RequestFailed("cancelled", Fault.FINAL)
        if flight.ended is Ended.DEADLINE:
            return RequestFailed(f"not whole after {self._timeouts.whole:g} s", silent=True)
        return explain(error, flight, proxied=route.proxied)

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl.create_default_context(cafile=self._authorities or certifi.where())
            return self._tls


def _prepared(session: requests.Session, request: Request) -> requests.PreparedRequest:
    """The request as it is sent. Merging it with the session's cookies, parameters and authentication, of which
    there are none, would take as long as reading the page's data.
    """
    prepared = requests.PreparedRequest()
    prepared.prepare_method(request.method)
    prepared.prepare_url(request.url, None)
    prepared.prepare_headers({**session.headers, **_PAGE_HEADERS, **request.headers})
    prepared.prepare_body(request.body, None)
    return prepared


def _length(raw: urllib3.HTTPResponse) -> int:
    return raw.length_remaining or 0


def _read(raw: urllib3.HTTPResponse, limit: int, *, partial: bool) -> bytes:
    """The body as it comes over the wire: in one read if its length is known, else in large pieces."""
    length = _length(raw)
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


def _decoded(wire: bytes, encoding: str, limit: int, *, partial: bool) -> bytes:
    try:
        return decode(wire, encoding, limit, partial=partial)
    except Undecodable as error:
        raise RequestFailed(str(error), size=len(wire)) from error
    except TooLarge as error:
        raise RequestFailed(str(error), Fault.FINAL, size=len(wire)) from error
