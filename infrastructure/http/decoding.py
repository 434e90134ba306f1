"""Content codings: which are requested, and how they are decoded, with a size limit.

Decoding a title page takes zlib 4 to 6 ms of CPU and isal 1.8; Brotli takes 3 but sends two fifths less, which on most
connections saves more time. zstd is not requested, because IMDb's delivery network supports only gzip and Brotli. zlib
is used where isal has no wheel; br is not requested without brotli.

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
_DECODED: Final = frozenset({"gzip", "x-gzip", "br"} if _brotli else {"gzip", "x-gzip"})
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_ERRORS: Final[tuple[type[Exception], ...]] = (zlib.error, _inflater.error)  # isal's own is no subclass of zlib's


class Undecodable(ValueError):
    """The body does not match its Content-Encoding, or is cut off."""


class TooLarge(ValueError):
    """The body is longer than allowed."""


def codings(encoding: str) -> list[str]:
    """The content codings that a Content-Encoding header names, in decoding order; other words are left out."""
    if not encoding:
        return []
    words = [part.partition(";")[0].strip().lower() for part in encoding.split(",")]
    return [word for word in reversed(words) if word in _REGISTERED]


def decode(body: bytes, encoding: str, limit: int, *, partial: bool = False) -> bytes:
    """Decodes a body.

    Args:
        encoding: the value of Content-Encoding; empty for none.
        limit: maximum bytes of the result.
        partial: return what can be decoded of a body that is cut off, and the first ``limit`` bytes of one that is too
            large, instead of refusing it.

    Raises:
        Undecodable: it cannot be decoded.
        TooLarge: there is more than ``limit``.
    """
    for coding in codings(encoding):
        if not body:
            continue
        if coding not in _DECODED:
            raise Undecodable(f"the body is encoded with {coding!r}, which was not requested")
        body = _unbrotli(body, limit, partial) if coding == "br" else _gunzip(body, limit, partial)
    if len(body) > limit:
        if not partial:
            raise TooLarge(f"the body is larger than {limit:,} bytes")
        body = body[:limit]
    return body


def _gunzip(body: bytes, limit: int, partial: bool) -> bytes:
    """Decodes all members of a gzip file, one after the other (RFC 1952, 2.2)."""
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
        raise Undecodable("the body is not gzip, though Content-Encoding says so")
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
