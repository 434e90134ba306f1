"""Requests and responses of the demo site."""

from __future__ import annotations

import json
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from infrastructure.demo.bodies import Body

_FORBIDDEN: Final = (
    b"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class DemoRequest(msgspec.Struct, frozen=True):
    """One request; header names are in lower case."""

    method: str
    target: str
    client: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path, without host and query."""
        return unquote(urlsplit(self.target).path) or "/"

    @property
    def query(self) -> str:
        """The part after the question mark."""
        return urlsplit(self.target).query

    def accepts(self, coding: str) -> bool:
        """Tells whether Accept-Encoding names this coding and does not exclude it."""
        for entry in self.headers.get("accept-encoding", "").split(","):
            name, _, weight = entry.partition(";")
            if name.strip().lower() == coding:
                return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False

    def has_current(self, tag: str, modified: str) -> bool:
        """Tells whether the client's copy is current; If-None-Match outranks If-Modified-Since (RFC 9110, 13.2.2)."""
        known = self.headers.get("if-none-match")
        if known is not None:
            return known.strip() == "*" or tag in known
        return self.headers.get("if-modified-since") == modified


class DemoResponse(msgspec.Struct, frozen=True):
    """One response; ``headers`` are added to those that every response has."""

    status: int
    body: Body = msgspec.field(default_factory=lambda: Body((b"",)))
    content_type: str = "text/html;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def text(cls, status: int, text: str | bytes, content_type: str = "text/html;charset=UTF-8") -> DemoResponse:
        """Makes an uncompressed response."""
        return cls(status, Body((text.encode() if isinstance(text, str) else text,)), content_type)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> DemoResponse:
        """Makes a JSON response; characters that UTF-8 cannot encode are escaped."""
        return cls.text(status, json.dumps(value), "application/json")

    @classmethod
    def redirect(cls, status: int, location: str) -> DemoResponse:
        """Makes a redirect to another address."""
        return cls(status, headers=(("Location", location),))

    def head(self, *, length: int | None, close: bool) -> bytes:
        """Gives status line and headers, with the given Content-Length or without one."""
        lines = [
            f"HTTP/1.1 {self.status} {_reason(self.status)}",
            "Server: Server",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {self.content_type}",
            "Vary: Content-Type,Accept-Encoding,User-Agent",
        ]
        if self.body.gzipped:
            lines.append("Content-Encoding: gzip")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append("Connection: close" if close else "Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def forbidden() -> DemoResponse:
    """Gives the load balancer's refusal, as IMDb's GraphQL host sends it."""
    return DemoResponse(403, Body((_FORBIDDEN,)), "text/html")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
