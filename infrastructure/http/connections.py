"""Sessions whose sockets the watchdog can reach, and which follow nothing and remember nothing by themselves."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

from infrastructure.http.watchdog import current_flight

_HOSTS_KEPT = 4  # pages, GraphQL, posters, one to spare


class _Watched(HTTPConnection):
    """Tells the watchdog which socket the request of this thread uses."""

    def _new_conn(self) -> Any:
        sock = super()._new_conn()
        if flight := current_flight():
            flight.attach(sock)  # before a proxy or TLS handshake, which can hang as well
        return sock

    def connect(self) -> None:
        super().connect()
        if (flight := current_flight()) and self.sock is not None:
            flight.attach(self.sock)
            flight.connected = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        if (flight := current_flight()) and self.sock is not None:
            flight.attach(self.sock)
            flight.reused = not flight.connected
            flight.connected = True
        super().request(*args, **kwargs)


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _WatchedSocks(_Watched, SOCKSConnection):
    pass


class _WatchedSocksTls(_Watched, SOCKSHTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _SocksPool(HTTPConnectionPool):
    ConnectionCls = _WatchedSocks


class _SocksTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedSocksTls


_DIRECT = {"http": _Pool, "https": _TlsPool}
_SOCKS = {"http": _SocksPool, "https": _SocksTlsPool}


class _Adapter(HTTPAdapter):
    """One TLS context for all sessions: loading the authorities costs more than a page."""

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
        """Nothing is followed here: the downloader judges every hop."""


def open_session(user_agent: str, proxy: str | None, tls: Callable[[], ssl.SSLContext]) -> requests.Session:
    """A session for one thread on one route.

    The environment cannot redirect it, it keeps no cookies (so that answers do
    not depend on what was asked before), follows no redirects and never retries.

    Args:
        user_agent: the route's.
        proxy: address of the proxy with credentials, if any.
        tls: gives the context for https.
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
