"""Classifies answers and errors.

IMDb is protected by AWS WAF. Its challenge is a status 202 with the header ``x-amzn-waf-action: challenge`` and an
empty body, or a small page that sets ``window.gokuProps`` and loads ``challenge.js``; its captcha is the same with
``captcha`` and 405; a refusal by user agent or address is a bare 403. Some proxies and caches pass these bodies on
with another status, so the body is examined for every status.

Source: https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-how-it-works.html
"""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import BadStatusLine, IncompleteRead, LineTooLong, UnknownProtocol
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urljoin

import msgspec
import requests
import socks
import urllib3

from infrastructure.http.messages import Answer, Fault, MalformedAnswer, NotPublicAddress, Request, RequestFailed
from infrastructure.http.policies import RetryPolicy

if TYPE_CHECKING:
    from infrastructure.http.send import InFlightRequest

E = TypeVar("E", bound=BaseException)
_HEAD: Final = 128 * 1024  # a challenge has a few kilobytes, so only the beginning of a page is searched
_SCRIPT: Final = re.compile(rb"<script\b[^>]*>(.*?)</script", re.IGNORECASE | re.DOTALL)
_DATA_ISLAND: Final = re.compile(rb"<script\b[^>]*(?:__NEXT_DATA__|application/ld\+json)", re.IGNORECASE)
_CHALLENGE: Final = re.compile(rb"\bwindow\.gokuProps\s*=\s*\{")
_REFUSAL_SIZE: Final = 8 * 1024
_REFUSAL: Final = re.compile(rb"<title>\s*403 Forbidden\s*</title>|<h1>\s*403 ERROR\s*</h1>", re.IGNORECASE)
_ROBOT_CHECK: Final = re.compile(rb"<form\b[^>]*\baction=[\"']?/errors/validateCaptcha", re.IGNORECASE)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TOO_MUCH: Final = frozenset({429, 503})


class Ok(msgspec.Struct, frozen=True):
    """The page itself, or the answer to a conditional or ranged request."""


class Redirect(msgspec.Struct, frozen=True):
    """The page is at another address."""

    url: str


class BlockedAnswer(msgspec.Struct, frozen=True):
    """The site refuses automated clients."""

    reason: str


class PageNotFound(msgspec.Struct, frozen=True):
    """There is no such page (404, 410)."""

    reason: str


class ServerError(msgspec.Struct, frozen=True):
    """The site could not answer at the moment, or its answer is not a page.

    ``again`` is whether to retry, ``after`` the seconds that the site requested, and ``too_much`` whether it reported
    too many requests.
    """

    reason: str
    again: bool = True
    after: float | None = None
    too_much: bool = False


class ProxyAuthRequired(msgspec.Struct, frozen=True):
    """The proxy requires credentials, or rejected them."""

    reason: str


class Declined(msgspec.Struct, frozen=True):
    """The site refuses this request; a retry is useless."""

    reason: str


_TOO_LARGE: Final = frozenset({413, 414, 431})

Verdict = Ok | Redirect | BlockedAnswer | PageNotFound | ServerError | ProxyAuthRequired | Declined


def judge(request: Request, answer: Answer, policy: RetryPolicy, now: datetime, *, proxied: bool) -> Verdict:
    """Classifies an answer. Blocks are checked first, for every status. ``now`` is for a Retry-After that is a date."""
    status, reason = answer.status, _phrase(answer.status)
    answers_query = request.method == "POST" and answer.body.lstrip().startswith(b"{")
    bare_403_counts = status != 403 or (request.forbidden_is_block and not answers_query)
    if blocked := (find_block if bare_403_counts else _find_challenge)(status, answer.headers, answer.body):
        return BlockedAnswer(blocked)
    if status in _REDIRECTS:
        return _redirect(answer, reason)
    # Some proxies (tinyproxy) answer 401 to wrong credentials.
    if proxied and (status == 407 or (status == 401 and "Authorization" not in request.headers)):
        return ProxyAuthRequired(f"the proxy rejected the credentials ({reason})")
    if status in (404, 410):
        return PageNotFound(reason)
    if request.method == "POST" and status in _TOO_LARGE:
        return Ok()  # the same query again would be as large
    if status in policy.statuses or status >= 500:
        after = parse_retry_after(answer.headers.get("Retry-After"), now)
        return ServerError(reason, status in policy.statuses, after, status in _TOO_MUCH)
    if _is_page(request, status):
        return Ok()
    if 200 <= status < 300 or status == 304:
        return ServerError(f"{reason} instead of the page")
    if status == 416 and request.sink is not None:
        return ServerError("the site has no such range of the file")
    if status == 401:
        return Declined(f"{reason}: give user and password in the site's address, http://user:password@host")
    return Declined(reason)


def _is_page(request: Request, status: int) -> bool:
    if status in (200, 203):
        return True
    if status == 304:
        return request.conditional
    if status == 206:
        return request.ranged
    # The body of a query server's 4xx has the error of the query.
    return request.method == "POST" and 400 <= status < 500


def _redirect(answer: Answer, reason: str) -> Verdict:
    location = answer.headers.get("Location") or ""
    with contextlib.suppress(UnicodeError):  # http.client reads headers as Latin-1; browsers read addresses as UTF-8
        location = location.encode("latin-1").decode("utf-8")
    if not location.strip():
        return ServerError(f"{reason} without a Location header")
    try:
        return Redirect(urljoin(answer.url, location.strip()))
    except ValueError:
        return Declined("it redirects to an address that cannot be read")


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Returns the seconds from ``now`` that a Retry-After header asks for; ``None`` if it cannot be read.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def find_block(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Returns the reason if this answer is a refusal of automated clients, else ``None``.

    A page from a file has status 200. The names of the headers may be in upper or lower case.
    """
    if challenge := _find_challenge(status, headers, body):
        return challenge
    if status == 403:
        return "the site refused the request (403 Forbidden)"
    if status == 202 and not body.strip():
        return "the site answered 202 with an empty page, as it does in front of a challenge"
    if len(body) <= _REFUSAL_SIZE and _REFUSAL.search(body):
        return f"the site answered with a refusal instead of the page (status {status})"
    return None


def _find_challenge(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """The part of ``find_block`` that concerns the whole site, not one address."""
    action = next((value for name, value in headers.items() if name.lower() == "x-amzn-waf-action"), "")
    if (action := action.strip().lower()) in {"challenge", "captcha"}:
        return f"the site answered with a {action} instead of the page (status {status}, x-amzn-waf-action)"
    if _is_challenge_page(body):
        return f"the site answered with a challenge page for browsers instead of the page (status {status})"
    return None


def _is_challenge_page(body: bytes) -> bool:
    """Whether the page runs a challenge, as opposed to one that only mentions its words."""
    head = body[:_HEAD]
    if b"gokuProps" not in head and b"validateCaptcha" not in head:
        return False
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return False  # JSON or text that quotes a page
    if _DATA_ISLAND.search(body):
        return False
    return any(_CHALLENGE.search(text) for text in _SCRIPT.findall(head)) or _ROBOT_CHECK.search(head) is not None


def explain(error: BaseException, in_flight: InFlightRequest, *, proxied: bool) -> RequestFailed:
    """Classifies an error of requests, urllib3 or the socket."""
    chain = tuple(_causes(error))
    if refused := _first(chain, NotPublicAddress):
        return RequestFailed(str(refused), Fault.FINAL)
    if certificate := _first(chain, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted: {certificate.verify_message}"
        return RequestFailed(reason, Fault.ROUTE if proxied else Fault.FINAL)
    if proxied and not in_flight.connected and (found := _proxy_failure(chain)):
        return found
    if not in_flight.connected and (found := _no_connection(chain)):
        return found
    return _broken(chain, in_flight)


def _no_connection(chain: tuple[BaseException, ...]) -> RequestFailed | None:
    if _first(chain, socket.gaierror, urllib3.exceptions.NameResolutionError):
        return RequestFailed("its name cannot be resolved", Fault.UNREACHABLE)
    if _first(chain, ConnectionRefusedError):
        return RequestFailed("connection refused", Fault.UNREACHABLE)
    if _first(chain, requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        return RequestFailed("no connection within the time allowed", Fault.UNREACHABLE, silent=True)
    if refused := next((one for one in chain if isinstance(one, OSError) and one.errno in _UNREACHABLE), None):
        return RequestFailed(str(refused.strerror).lower(), Fault.UNREACHABLE)
    return None


def _broken(chain: tuple[BaseException, ...], in_flight: InFlightRequest) -> RequestFailed:
    if _first(chain, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return RequestFailed("no answer within the time allowed", silent=True)
    if incomplete := _first(chain, IncompleteRead):
        size = incomplete.partial if isinstance(incomplete.partial, int) else len(incomplete.partial)
        return RequestFailed(f"the body was cut off after {size:,} bytes", size=size)
    if _first(chain, ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
        unanswered = not in_flight.answered
        return RequestFailed("the connection was reset", silent=unanswered, stale=unanswered and in_flight.reused)
    if malformed := _first(chain, MalformedAnswer):
        return RequestFailed(str(malformed))
    if _first(chain, BadStatusLine, UnknownProtocol):
        return RequestFailed("the answer is not HTTP")
    if _first(chain, LineTooLong):
        return RequestFailed("the status line of the answer is too long")
    if _first(chain, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
        return RequestFailed("no address that can be fetched", Fault.FINAL)
    return RequestFailed(f"the connection failed ({_innermost(chain)})")


_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_SOCKS_REPLIES: Final = {  # replies of a SOCKS server that concern the site, not the proxy (RFC 1928, section 6)
    "0x03": "network unreachable",
    "0x04": "host unreachable",
    "0x05": "connection refused",
    "0x06": "no connection within the time allowed",
}


def _proxy_failure(chain: tuple[BaseException, ...]) -> RequestFailed | None:
    if said := _first(chain, socks.SOCKS5Error):
        code = re.match(r"0x0[0-9a-f]", str(said))
        if code and code[0] in _SOCKS_REPLIES:
            return RequestFailed(f"{_SOCKS_REPLIES[code[0]]} (reported by the SOCKS proxy)", Fault.UNREACHABLE)
        return RequestFailed("the SOCKS proxy could not connect to the site")
    if _first(chain, socks.SOCKS5AuthError):
        return RequestFailed("the SOCKS proxy does not accept the user name and password", Fault.ROUTE)
    if _first(chain, socks.SOCKS4Error):
        return RequestFailed("the SOCKS proxy rejected the request")
    if at_proxy := _first(chain, socks.ProxyConnectionError):
        return RequestFailed(f"the proxy cannot be reached ({_innermost((at_proxy, *_causes(at_proxy)))})", Fault.ROUTE)
    unresolved = _first(chain, socket.gaierror, urllib3.exceptions.NameResolutionError)
    if unresolved and not _first(chain, socks.GeneralProxyError):
        return RequestFailed("the proxy's name cannot be resolved", Fault.ROUTE)
    if _first(chain, socks.GeneralProxyError) and not unresolved:
        silent = _first(chain, TimeoutError) is not None
        reason = "the SOCKS proxy does not answer" if silent else "the SOCKS proxy closed the connection"
        return RequestFailed(reason, Fault.ROUTE, silent=silent)
    if _first(chain, requests.exceptions.ProxyError, urllib3.exceptions.ProxyError) is None:
        return None
    tunnel = re.search(r"Tunnel connection failed: (\d{3})", " ".join(str(one) for one in chain))
    if tunnel and tunnel[1].startswith("5"):
        return RequestFailed(f"the proxy could not connect to the site (status {tunnel[1]})")
    if tunnel:
        return RequestFailed(f"the proxy refused the connection (status {tunnel[1]})", Fault.ROUTE)
    return RequestFailed(f"the proxy cannot be reached ({_innermost(chain)})", Fault.ROUTE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was caused by, outermost first: causes, contexts and wrapped arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        wrapped = [*one.args, getattr(one, "reason", None), getattr(one, "socket_err", None)]
        waiting += [part for part in (one.__cause__, one.__context__, *wrapped) if isinstance(part, BaseException)]


def _first(chain: tuple[BaseException, ...], *kinds: type[E]) -> E | None:
    return next((one for one in chain if isinstance(one, kinds)), None)


def _innermost(chain: tuple[BaseException, ...]) -> str:
    """The system's own message if there is one, else the kind of error: messages of libraries may quote addresses."""
    for one in chain:
        if isinstance(one, TimeoutError):
            return "no answer within the time allowed"
        if isinstance(one, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(one, OSError) and one.strerror and one.errno:
            return one.strerror.lower()
    return type(chain[-1]).__name__
