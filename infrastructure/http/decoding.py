"""Content codings: what is asked for, and how it is undone, once and within bounds.

A title page takes zlib 4 to 6 ms of CPU and isal 1.8; Brotli takes 3 but brings
two fifths less over the wire, which on most lines is worth more. zstd is not
asked for: the delivery network in front of IMDb compresses with gzip and Brotli only.
Where isal has no wheel zlib does the same work; without brotli it is not asked for.

Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import contextlib
import zlib
from typing import Any, Final

_inflater: Any = zlib
with contextlib.suppress(ImportError):  # the same calls, faster
    from isal import isal_zlib as _inflater
_brotli: Any = None
with contextlib.suppress(ImportError):
    import brotli as _brotli  # type: ignore[import-untyped,no-redef]

ACCEPT_ENCODING: Final = "gzip, br" if _brotli else "gzip"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_ERRORS: Final[tuple[type[Exception], ...]] = (zlib.error, _inflater.error)  # isal's own is no subclass of zlib's


class Undecodable(ValueError):
    """The body is not what its Content-Encoding says, or it is cut off."""


class TooLarge(ValueError):
    """The body is longer than allowed."""


def decode(body: bytes, encoding: str, limit: int, *, partial: bool = False) -> bytes:
    """Undo the content coding.

    Args:
        body: as it came over the wire.
        encoding: the value of Content-Encoding; empty for none.
        limit: most bytes to make of it.
        partial: take what can be had of a body that is cut off, and no more than ``limit``
            of one that is too large, instead of refusing it.

    Raises:
        Undecodable: it cannot be undone.
        TooLarge: there is more than ``limit``.
    """
    for coding in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if coding == "identity" or not body:
            continue
        if coding in {"gzip", "x-gzip"}:
            body = _gunzip(body, limit, partial)
        elif coding == "br" and _brotli:
            body = _unbrotli(body, limit, partial)
        else:
            raise Undecodable(f"the body is encoded with {coding[:40]!r}, which was not asked for")
    if len(body) > limit:
        if not partial:
            raise TooLarge(f"the body is larger than {limit:,} bytes")
        body = body[:limit]
    return body


def _gunzip(body: bytes, limit: int, partial: bool) -> bytes:
    """All members of a gzip file, one after the other (RFC 1952, 2.2)."""
    pieces: list[bytes] = []
    total = 0
    rest: bytes = body
    while rest.startswith(_GZIP_MAGIC):
        member: Any = _inflater.decompressobj(_GZIP_WINDOW)
        try:
            piece = member.decompress(rest, limit + 1 - total)
        except _ERRORS as error:
            if partial and pieces:
                break
            raise Undecodable(f"the gzip body cannot be read: {error}") from error
        pieces.append(piece)
        total += len(piece)
        if total > limit:
            if partial:
                break
            raise TooLarge(f"the body is larger than {limit:,} bytes once decompressed")
        if not member.eof:
            if partial:
                break
            raise Undecodable("the gzip body is cut off")
        rest = member.unused_data
    if not pieces:
        raise Undecodable("the body is not gzip, though it is said to be")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unbrotli(body: bytes, limit: int, partial: bool) -> bytes:
    decompressor = _brotli.Decompressor()
    pieces: list[bytes] = []
    total = 0
    data = body
    try:
        while True:
            piece: bytes = decompressor.process(data, output_buffer_limit=limit + 1 - total)
            data = b""
            pieces.append(piece)
            total += len(piece)
            if total > limit or decompressor.is_finished() or decompressor.can_accept_more_data():
                break
    except _brotli.error as error:
        raise Undecodable(f"the Brotli body cannot be read: {error}") from error
    if not partial and total > limit:
        raise TooLarge(f"the body is larger than {limit:,} bytes once decompressed")
    if not partial and not decompressor.is_finished():
        raise Undecodable("the Brotli body is cut off")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
