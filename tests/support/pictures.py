"""Pictures as image servers send them, good and bad."""

from __future__ import annotations

import io
import random
import struct
import zlib
from functools import cache

from PIL import Image


def plain(
    form: str, mode: str = "RGB", size: tuple[int, int] = (400, 600), colour: object = None, **options: object
) -> bytes:
    """One colour in the given format."""
    out = io.BytesIO()
    Image.new(mode, size, colour if colour is not None else "teal").save(out, form, **options)  # type: ignore[arg-type]
    return out.getvalue()


def noisy(form: str, size: tuple[int, int] = (400, 600), **options: object) -> bytes:
    """Noise, which compresses badly, in the given format."""
    chance = random.Random(7)
    small = Image.frombytes("RGB", (size[0] // 4, size[1] // 4), chance.randbytes(size[0] // 4 * (size[1] // 4) * 3))
    out = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(out, form, **options)
    return out.getvalue()


def smooth(form: str, size: tuple[int, int] = (400, 600), **options: object) -> bytes:
    """Soft gradients with hard edges, as drawn posters have them."""
    ramp = Image.linear_gradient("L").resize(size)
    round_ramp = Image.radial_gradient("L").resize(size)
    picture = Image.merge("RGB", (ramp, round_ramp, ramp.transpose(Image.Transpose.ROTATE_180)))
    picture.paste((250, 240, 20), (size[0] // 5, size[1] // 2, size[0] // 2, size[1] // 2 + size[1] // 6))
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def animated_gif() -> bytes:
    """Three frames."""
    frames = [Image.new("RGB", (200, 300), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return out.getvalue()


@cache
def vast_png(width: int = 40_000, height: int = 40_000) -> bytes:
    """A valid PNG of black pixels: small on the wire, gigabytes when unpacked."""
    press = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(press.compress(row) for _ in range(height)) + press.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def strange(name: str) -> tuple[bytes, str]:
    """Body and content type of a picture that an image server should not send."""
    match name:
        case "error page":
            return b"<!DOCTYPE html><html><body>This is not a picture.</body></html>", "image/jpeg"
        case "svg":
            return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"
        case "truncated":
            whole = noisy("JPEG")
            return whole[: len(whole) // 2], "image/jpeg"
        case "huge":
            return vast_png(), "image/png"
        case "animated gif":
            return animated_gif(), "image/gif"
        case "cmyk":
            return plain("JPEG", "CMYK", colour=(20, 200, 120, 10)), "image/jpeg"
    raise ValueError(name)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
