"""Requests and responses of the demo site; pieces that many bodies share are compressed once."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

Headers: TypeAlias = tuple[tuple[str, str], ...]

_HTML: Final = "text/html;charset=UTF-8"
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


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
    def accepts_gzip(self) -> bool:
        """Accept-Encoding names gzip and does not exclude it."""
        for entry in self.headers.get("accept-encoding", "").split(","):
            name, _, weight = entry.partition(";")
            if name.strip().lower() == "gzip":
                return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False

    def has_current(self, tag: str, modified: str) -> bool:
        """Tells whether the client's copy is current; If-None-Match outranks If-Modified-Since (RFC 9110, 13.2.2)."""
        known = self.headers.get("if-none-match")
        if known is not None:
            return known.strip() == "*" or tag in known
        return self.headers.get("if-modified-since") == modified


class DemoResponse(msgspec.Struct, frozen=True):
    """One response.

    Attributes:
        parts: the bytes of its body in order.
        headers: added to those that every response has.
        gzipped: the parts are one gzip member.
    """

    status: int
    parts: tuple[bytes, ...] = ()
    content_type: str = _HTML
    headers: Headers = ()
    gzipped: bool = False

    @classmethod
    def of(cls, status: int, content: str | bytes, content_type: str = _HTML, headers: Headers = ()) -> DemoResponse:
        """Makes an uncompressed response."""
        return cls(status, (content.encode() if isinstance(content, str) else content,), content_type, headers)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> DemoResponse:
        """Makes a JSON response; characters that UTF-8 cannot encode are escaped."""
        return cls.of(status, json.dumps(value), "application/json")

    @classmethod
    def redirect(cls, status: int, location: str) -> DemoResponse:
        """Makes a redirect to another address."""
        return cls(status, headers=(("Location", location),))

    @property
    def length(self) -> int:
        """Number of bytes of the body."""
        return sum(map(len, self.parts))

    @property
    def content(self) -> bytes:
        """The body in one piece."""
        return b"".join(self.parts)

    def head(self, *, close: bool) -> bytes:
        """Gives status line and headers."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
            "Server: Server",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {self.content_type}",
            "Vary: Content-Type,Accept-Encoding,User-Agent",
            *(["Content-Encoding: gzip"] if self.gzipped else []),
            f"Content-Length: {self.length}",
            *(f"{name}: {value}" for name, value in self.headers),
            "Connection: close" if close else "Connection: keep-alive",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


FORBIDDEN: Final = DemoResponse.of(
    403,
    "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n"
    "</body>\r\n</html>\r\n",
    "text/html",
)
"""The load balancer's refusal, as IMDb's GraphQL host sends it."""


class SharedBytes(msgspec.Struct, frozen=True):
    """Bytes that many bodies hold, with their deflate blocks."""

    raw: bytes
    deflated: bytes

    @classmethod
    def of(cls, raw: bytes) -> SharedBytes:
        """Compresses the bytes once."""
        return cls(raw, _blocks(raw, level=6))


Pieces: TypeAlias = tuple[bytes | SharedBytes, ...]

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, unknown system (RFC 1952)
_LAST_BLOCK: Final = b"\x03\x00"  # an empty block with the final bit set


def plain(pieces: Iterable[bytes | SharedBytes]) -> tuple[bytes, ...]:
    """Gives the parts of an uncompressed body."""
    return tuple(piece.raw if isinstance(piece, SharedBytes) else piece for piece in pieces)


def gzipped(pieces: Iterable[bytes | SharedBytes]) -> tuple[bytes, ...]:
    """Gives the parts of one gzip member; shared pieces are not copied and not compressed again.

    Deflate blocks that end on a byte boundary (zlib's Z_FULL_FLUSH) can follow each other in one member
    (RFC 1951, section 3.2), so that a page costs only the compression of its own bytes.
    """
    parts, crc, size = [_HEADER], 0, 0
    for piece in pieces:
        shared = piece if isinstance(piece, SharedBytes) else SharedBytes(piece, _blocks(piece, level=1))
        parts.append(shared.deflated)
        crc = zlib.crc32(shared.raw, crc)
        size += len(shared.raw)
    return (*parts, _LAST_BLOCK + struct.pack("<II", crc, size & 0xFFFFFFFF))


def _blocks(raw: bytes, level: int) -> bytes:
    press = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(raw) + press.flush(zlib.Z_FULL_FLUSH)
