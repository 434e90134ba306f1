"""What went wrong with one request, in plain words."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from enum import Enum, auto
from http.client import IncompleteRead
from typing import Final, TypeVar

import requests
import socks
import urllib3

from infrastructure.http.watchdog import Flight

E = TypeVar("E", bound=BaseException)


class Fault(Enum):
    """Whose fault a failed request is, which decides what happens next."""

    SITE = auto()  # may pass: try again
    UNREACHABLE = auto()  # no connection to the site, though the route works
    ROUTE = auto()  # the proxy is dead or does not let us in: leave it alone
    FINAL = auto()  # trying again cannot help


class RequestFailed(Exception):
    """One request did not bring an answer.

    Attributes:
        reason: in words, for logs and messages; holds no credentials.
        fault: whose it is.
        silent: nothing was heard from the other side.
        stale: it was made on a kept connection that the other side had closed; a new one may do.
        size: body bytes that came over the wire all the same.
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


def explain(error: BaseException, flight: Flight, *, proxied: bool) -> RequestFailed:
    """Put an error of requests, urllib3 or the socket into words.

    Args:
        error: what was raised.
        flight: how far the request had come.
        proxied: whether it went through a proxy.
    """
    chain = tuple(_causes(error))
    if certificate := _first(chain, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted: {certificate.verify_message}"
        return RequestFailed(reason, Fault.ROUTE if proxied else Fault.FINAL)
    if proxied and not flight.connected and (found := _proxy_failure(chain)):
        return found
    if not flight.connected and (found := _no_connection(chain)):
        return found
    return _broken(chain, flight)


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


def _broken(chain: tuple[BaseException, ...], flight: Flight) -> RequestFailed:
    if _first(chain, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return RequestFailed("no answer within the time allowed", silent=True)
    if incomplete := _first(chain, IncompleteRead):
        size = incomplete.partial if isinstance(incomplete.partial, int) else len(incomplete.partial)
        return RequestFailed(f"the body was cut off after {size:,} bytes", size=size)
    if _first(chain, ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
        unheard = not flight.answered
        return RequestFailed("the connection was reset", silent=unheard, stale=unheard and flight.reused)
    if _first(chain, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
        return RequestFailed("no address that can be fetched", Fault.FINAL)
    return RequestFailed(f"the connection failed ({_innermost(chain)})")


_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_SOCKS_REPLIES: Final = {  # what a SOCKS server says of the site rather than of itself (RFC 1928, section 6)
    "0x03": "network unreachable",
    "0x04": "host unreachable",
    "0x05": "connection refused",
    "0x06": "no connection within the time allowed",
}


def _proxy_failure(chain: tuple[BaseException, ...]) -> RequestFailed | None:
    if said := _first(chain, socks.SOCKS5Error):
        code = re.match(r"0x0[0-9a-f]", str(said))
        if code and code[0] in _SOCKS_REPLIES:
            return RequestFailed(f"{_SOCKS_REPLIES[code[0]]} (says the SOCKS proxy)", Fault.UNREACHABLE)
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
        reason = "the SOCKS proxy does not answer" if silent else "the SOCKS proxy broke off"
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
    """The error and all that it came from, outermost first: causes, contexts and wrapped arguments."""
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
    """The system's own words if it said something, else the kind of error: library texts may quote addresses."""
    for one in chain:
        if isinstance(one, TimeoutError):
            return "no answer within the time allowed"
        if isinstance(one, socket.gaierror):
            return "its name cannot be resolved"
        if isinstance(one, OSError) and one.strerror and one.errno:
            return one.strerror.lower()
    return type(chain[-1]).__name__
