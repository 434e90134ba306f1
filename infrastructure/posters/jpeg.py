"""A JPEG without its metadata, its pixels untouched."""

from __future__ import annotations

from typing import Final

_KEPT_APPLICATION_MARKERS: Final = (0xE0, 0xEE)  # JFIF's density and Adobe's colour transform: needed to show it right
_COMMENT: Final = 0xFE
_START_OF_SCAN: Final = 0xDA


def without_metadata(body: bytes) -> bytes:
    """Leave out comments, Exif, XMP, IPTC and colour profiles; what follows the first scan is kept as it is.

    Source: ITU-T T.81, B.1.1: a marker segment is FF, its code, and a length
    of two bytes that counts itself.

    Raises:
        ValueError: the segments before the first scan are not whole.
    """
    kept = [body[:2]]
    at = 2
    while True:
        while body[at : at + 2] == b"\xff\xff":  # fill bytes may stand before a marker
            at += 1
        if at + 4 > len(body) or body[at] != 0xFF:
            raise ValueError("not a whole JPEG")
        code = body[at + 1]
        if code == _START_OF_SCAN:
            kept.append(body[at:])
            return b"".join(kept)
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4], "big")
        is_metadata = code == _COMMENT or (0xE0 <= code <= 0xEF and code not in _KEPT_APPLICATION_MARKERS)
        if not is_metadata:
            kept.append(body[at:end])
        at = end
