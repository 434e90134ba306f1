"""Opening a picture from the web without trusting it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import UnusablePicture

if TYPE_CHECKING:
    from PIL.Image import Image

# The first bytes of what we accept, by Pillow's name of the format.
_MAGIC: Final = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG\r\n\x1a\n"),
    "GIF": (0, b"GIF8"),
    "WEBP": (8, b"WEBP"),
}
_TYPES: Final[Mapping[str, str]] = {
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/pjpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
}
_UNTOLD: Final = ("", "application/octet-stream", "binary/octet-stream")  # bare file servers; the bytes decide


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a poster may be.

    Attributes:
        max_bytes: of the file as it came.
        max_pixels: width times height, looked at before anything is unpacked.
        min_side: pixels; tracking dots and blank placeholders are smaller.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    min_side: int = 32


def open_picture(body: bytes, content_type: str, limits: PictureLimits, draft: tuple[int, int] | None = None) -> Image:
    """The first frame of a picture, unpacked.

    Args:
        body: the file.
        content_type: what the server called it.
        limits: sizes that are refused.
        draft: a JPEG much larger than this is unpacked at a fraction of its
            size, never below this one; its true size is then in ``info["size"]``.

    Raises:
        UnusablePicture: with the reason.
    """
    from PIL import Image, ImageFile

    if len(body) > limits.max_bytes:
        raise UnusablePicture(f"{len(body):,} bytes, more than the {limits.max_bytes:,} allowed")
    form = _format(body, content_type)
    try:
        picture = Image.open(io.BytesIO(body), formats=(form,))
        size = picture.size
        _check_size(size, limits)
        if draft is not None and isinstance(picture, ImageFile.ImageFile):
            picture.draft(None, draft)
        picture.load()
    except Image.DecompressionBombError as error:
        raise UnusablePicture(f"too many pixels to be opened safely: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        # What Pillow raises for damaged files, by format; its messages say what is wrong.
        raise UnusablePicture(f"broken {form}: {error}") from error
    picture.info["size"] = size
    return picture


def _format(body: bytes, content_type: str) -> str:
    told = content_type.partition(";")[0].strip().lower()
    if told not in _TYPES and told not in _UNTOLD:
        raise UnusablePicture(f"the server sent {told}, not a picture we can use")
    # Servers do mix up these four; what matters is that a picture was promised and a picture came.
    form = next((form for form, (start, magic) in _MAGIC.items() if body.startswith(magic, start)), None)
    if form is None:
        raise UnusablePicture(f"called {told or 'nothing'}, but the bytes are no JPEG, PNG, GIF or WebP")
    return form


def _check_size(size: tuple[int, int], limits: PictureLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise UnusablePicture(f"{width} x {height} pixels, more than the {limits.max_pixels:,} allowed")
    if min(size) < limits.min_side:
        raise UnusablePicture(f"{width} x {height} pixels is too small for a poster")
