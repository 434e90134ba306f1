"""Converts an untrusted picture from the web to the files of the catalogue: small, without metadata, sRGB."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import astuple

from domain.errors import UnusablePicture

if TYPE_CHECKING:
    from PIL.Image import Image

_VERSION: Final = 1  # increase when the same options produce different files
_METADATA: Final = ("exif", "icc_profile", "xmp", "comment", "photoshop", "Software", "Description")
# First bytes of the accepted formats, by Pillow's format name.
_MAGIC: Final = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG\r\n\x1a\n"),
    "GIF": (0, b"GIF8"),
    "WEBP": (8, b"WEBP"),
}
_TYPES: Final = {
    "image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/gif", "image/webp",
    "", "application/octet-stream", "binary/octet-stream",  # simple file servers
}  # fmt: skip
_KEPT_APPLICATION_MARKERS: Final = (0xE0, 0xEE)  # JFIF density and Adobe colour transform: needed for correct display
_COMMENT: Final = 0xFE
_START_OF_SCAN: Final = 0xDA


class EncodingOptions(msgspec.Struct, frozen=True):
    """How posters are encoded.

    Attributes:
        optimize: False keeps each picture unchanged, without a thumbnail.
        full_width, thumb_width: maximum width in pixels; pictures are never enlarged.
        webp_quality, jpeg_quality: 1 to 100.
    """

    optimize: bool = True
    full_width: int = 720
    thumb_width: int = 320
    webp_quality: int = 80
    jpeg_quality: int = 82

    @property
    def fingerprint(self) -> str:
        """Identifies the options and the encoder version; files with another fingerprint are made again."""
        return "-".join(str(int(value)) for value in (_VERSION, *astuple(self)))


class Encoded(msgspec.Struct, frozen=True):
    """One encoded file; ``role`` and ``format`` as in ``PosterFile``."""

    role: str
    format: str
    width: int
    height: int
    body: bytes


def encode(body: bytes, content_type: str, options: EncodingOptions, limits: PictureLimits) -> tuple[Encoded, ...]:
    """Checks a picture and encodes its files.

    When re-encoding at the original size would make the file larger, the original
    without its metadata is used instead. A WebP that is not smaller than the JPEG
    is omitted.

    Raises:
        UnusablePicture: with the reason.
    """
    if not options.optimize:
        picture = open_picture(body, content_type, limits)
        return (Encoded("full", (picture.format or "").lower(), *picture.size, body),)
    bounds = (options.full_width, options.full_width * 2)
    picture = open_picture(body, content_type, limits, draft=bounds)
    original = _original(picture, body, bounds)
    full = _flat(picture)
    full.thumbnail(bounds, reducing_gap=2.0)
    thumb = full.copy()
    thumb.thumbnail((options.thumb_width, options.thumb_width * 2), reducing_gap=2.0)
    files = []
    for role, image in (("full", full), ("thumb", thumb)):
        bodies = {
            # For posters, libwebp's method 4 takes three times as long as 1 and saves 1% of the bytes.
            "webp": _saved(image, "WEBP", quality=options.webp_quality, method=1 if role == "full" else 2),
            "jpeg": _saved(image, "JPEG", quality=options.jpeg_quality, optimize=True, progressive=True),
        }
        if original is not None and image.size == full.size and len(original[1]) <= len(bodies[original[0]]):
            bodies |= [original]
        if len(bodies["webp"]) >= len(bodies["jpeg"]):
            del bodies["webp"]
        files += [Encoded(role, name, *image.size, encoded) for name, encoded in bodies.items()]
    return tuple(files)


def _original(picture: Image, body: bytes, bounds: tuple[int, int]) -> tuple[str, bytes] | None:
    """Returns the format and the original bytes without metadata, if browsers can show them as they are."""
    width, height = picture.info["size"]
    if width > bounds[0] or height > bounds[1] or "icc_profile" in picture.info:
        return None  # too large, or its colours need a profile
    if picture.format == "JPEG" and picture.mode in ("RGB", "L") and _orientation(picture) == 1:
        return "jpeg", without_metadata(body)
    if picture.format == "WEBP" and not getattr(picture, "is_animated", False) and picture.mode == "RGB":
        return None if any(name in picture.info for name in _METADATA) else ("webp", body)
    return None


def _orientation(picture: Image) -> int:
    """Returns the Exif orientation, 1 to 8; 1 (upright) if it cannot be read."""
    try:
        return int(picture.getexif().get(0x0112, 1))
    except (SyntaxError, OSError, ValueError, TypeError, KeyError, struct.error):
        return 1


def _flat(picture: Image) -> Image:
    """Returns the picture upright, opaque and in sRGB."""
    from PIL import Image

    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(_orientation(picture))
    image = picture if turn is None else picture.transpose(turn)
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")  # 16 bits of grey
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        image = _to_srgb(image, profile)
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        layered = image.convert("RGBA")
        image = Image.new("RGB", layered.size, "white")
        image.paste(layered, mask=layered.getchannel("A"))
    image = image.convert("RGB")
    image.info.clear()  # Pillow would write it into the files
    return image


def _to_srgb(image: Image, profile: bytes) -> Image:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # unreadable profile: convert without it, as browsers do


def _saved(image: Image, form: str, **parameters: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **parameters)
    return out.getvalue()


class PictureLimits(msgspec.Struct, frozen=True):
    """Limits on the pictures that are accepted.

    Attributes:
        max_bytes: size of the downloaded file.
        max_pixels: width times height, checked before decoding.
        min_side: pixels; excludes tracking pixels and blank placeholders.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    min_side: int = 32


def open_picture(body: bytes, content_type: str, limits: PictureLimits, draft: tuple[int, int] | None = None) -> Image:
    """Decodes the first frame of a picture.

    Args:
        content_type: as the server sent it.
        limits: sizes to refuse.
        draft: a JPEG much larger than this is decoded at a reduced size that is
            not below it; ``info["size"]`` holds its full size.

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
        # Pillow raises these for damaged files, depending on the format.
        raise UnusablePicture(f"broken {form}: {error}") from error
    picture.info["size"] = size
    return picture


def _format(body: bytes, content_type: str) -> str:
    declared = content_type.partition(";")[0].strip().lower()
    if declared not in _TYPES:
        raise UnusablePicture(f"the server sent {declared}, not a supported picture")
    # Servers mix up these types, so any of them is accepted for any of the formats.
    form = next((form for form, (start, magic) in _MAGIC.items() if body.startswith(magic, start)), None)
    if form is None:
        raise UnusablePicture(f"called {declared or 'nothing'}, but the bytes are not JPEG, PNG, GIF or WebP")
    return form


def _check_size(size: tuple[int, int], limits: PictureLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise UnusablePicture(f"{width} x {height} pixels, more than the {limits.max_pixels:,} allowed")
    if min(size) < limits.min_side:
        raise UnusablePicture(f"{width} x {height} pixels is too small for a poster")


def without_metadata(body: bytes) -> bytes:
    """Removes comments, Exif, XMP, IPTC and colour profiles from a JPEG; data after the first scan is unchanged.

    Source: ITU-T T.81, B.1.1: a marker segment is FF, its code, and a length
    of two bytes that counts itself.

    Raises:
        ValueError: the segments before the first scan are incomplete.
    """
    kept = [body[:2]]
    at = 2
    while True:
        while body[at : at + 2] == b"\xff\xff":  # fill bytes are allowed before a marker
            at += 1
        if at + 4 > len(body) or body[at] != 0xFF:
            raise ValueError("truncated JPEG")
        code = body[at + 1]
        if code == _START_OF_SCAN:
            kept.append(body[at:])
            return b"".join(kept)
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4], "big")
        is_metadata = code == _COMMENT or (0xE0 <= code <= 0xEF and code not in _KEPT_APPLICATION_MARKERS)
        if not is_metadata:
            kept.append(body[at:end])
        at = end
