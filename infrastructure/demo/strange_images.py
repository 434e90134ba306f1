"""Pictures that an image server should not send: posters must survive them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from infrastructure.demo.body import Body
from infrastructure.demo.messages import Answer

_HUGE_SIDE: Final = 40_000


def _html() -> tuple[str, bytes]:
    return "image/jpeg", b"<!DOCTYPE html><html><body>This is no picture.</body></html>"


def _svg() -> tuple[str, bytes]:
    return "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def _truncated() -> tuple[str, bytes]:
    from infrastructure.demo.poster_art import draw

    whole = draw("truncated", "Truncated", 400)
    return "image/jpeg", whole[: len(whole) // 2]


def _gif() -> tuple[str, bytes]:
    from PIL import Image

    frames = [Image.new("RGB", (200, 300), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return "image/gif", out.getvalue()


def _cmyk() -> tuple[str, bytes]:
    from PIL import Image

    out = io.BytesIO()
    Image.new("CMYK", (400, 600), (20, 200, 120, 10)).save(out, "JPEG")
    return "image/jpeg", out.getvalue()


def _huge() -> tuple[str, bytes]:
    """A valid PNG of 40,000 by 40,000 black pixels in a quarter of a megabyte."""
    press = zlib.compressobj(9)
    row = bytes(1 + _HUGE_SIDE // 8)
    rows = b"".join(press.compress(row * 1000) for _ in range(_HUGE_SIDE // 1000)) + press.flush()
    header = struct.pack(">IIBBBBB", _HUGE_SIDE, _HUGE_SIDE, 1, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    return "image/png", png


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


STRANGE_IMAGES: Final[dict[str, Callable[[], tuple[str, bytes]]]] = {
    "image-html": _html,  # an error page that says it is a JPEG
    "image-svg": _svg,  # with a script
    "image-truncated": _truncated,
    "image-gif": _gif,  # animated
    "image-cmyk": _cmyk,
    "image-huge": _huge,
}


@lru_cache(maxsize=8)
def strange_image(name: str) -> Answer:
    """The picture of that name out of ``STRANGE_IMAGES``."""
    content_type, body = STRANGE_IMAGES[name]()
    return Answer(200, Body((body,)), content_type)
