"""Bodies made of a title's own bytes and of filler that all pages share, compressed once.

A gzip member is one deflate stream, and deflate blocks that end on a byte
boundary and look back no further than their own start can be put one after the
other (RFC 1951, section 3.2; zlib's Z_FULL_FLUSH makes such blocks). So the
filler is compressed a single time, a page costs only its own 40 kB, and what
goes out is one ordinary gzip member for every decoder.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, unknown system (RFC 1952)
_LAST_BLOCK: Final = b"\x03\x00"  # an empty block with the final bit set
_OWN_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class Shared:
    """Bytes that many bodies hold, with their deflate blocks."""

    raw: bytes
    deflated: bytes

    @classmethod
    def of(cls, raw: bytes) -> Shared:
        """Compress once, for all bodies to come."""
        return cls(raw, _blocks(raw, level=6))


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it goes over the wire.

    ``parts`` are its bytes in order, ``gzipped`` how they are encoded,
    ``own_bytes`` how many of them no other body shares.
    """

    parts: tuple[bytes, ...]
    gzipped: bool = False
    own_bytes: int = 0

    @property
    def length(self) -> int:
        """Bytes on the wire."""
        return sum(map(len, self.parts))

    def joined(self) -> bytes:
        """All of it in one piece."""
        return b"".join(self.parts)


def plain(pieces: Sequence[bytes | Shared]) -> Body:
    """The body as it is."""
    return Body(tuple(piece.raw if isinstance(piece, Shared) else piece for piece in pieces))


def gzipped(pieces: Sequence[bytes | Shared]) -> Body:
    """The body as one gzip member; shared pieces are neither copied nor compressed again."""
    parts, crc, size = [_HEADER], 0, 0
    for piece in pieces:
        raw = piece.raw if isinstance(piece, Shared) else piece
        parts.append(piece.deflated if isinstance(piece, Shared) else _blocks(raw, _OWN_LEVEL))
        crc = zlib.crc32(raw, crc)
        size += len(raw)
    parts.append(_LAST_BLOCK + struct.pack("<II", crc, size & 0xFFFFFFFF))
    shared = sum(len(piece.deflated) for piece in pieces if isinstance(piece, Shared))
    return Body(tuple(parts), gzipped=True, own_bytes=sum(map(len, parts)) - shared)


def _blocks(raw: bytes, level: int) -> bytes:
    press = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(raw) + press.flush(zlib.Z_FULL_FLUSH)
