"""A picture from the web as the files the catalogue shows: small, without metadata, sRGB."""

from __future__ import annotations

import io
import struct
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from infrastructure.posters.jpeg import without_metadata
from infrastructure.posters.picture import PictureLimits, open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

_VERSION: Final = 1  # raised when the files would come out differently for the same settings
_METADATA: Final = ("exif", "icc_profile", "xmp", "comment", "photoshop", "Software", "Description")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How posters are made.

    Attributes:
        optimize: off keeps each picture as it came, without a thumbnail.
        full_width, thumb_width: most pixels across; a picture is never enlarged.
        webp_quality, jpeg_quality: 1 to 100.
    """

    optimize: bool = True
    full_width: int = 720
    thumb_width: int = 320
    webp_quality: int = 80
    jpeg_quality: int = 82

    @property
    def mark(self) -> str:
        """Changes whenever files made earlier would come out differently now."""
        return "-".join(str(int(value)) for value in (_VERSION, *astuple(self)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """One file to be: ``role`` and ``format`` as in ``PosterFile``."""

    role: str
    format: str
    width: int
    height: int
    body: bytes


def encode(body: bytes, content_type: str, recipe: Recipe, limits: PictureLimits) -> tuple[Encoded, ...]:
    """Check a picture and make its files.

    A file that would be larger than the original at the same size is not made:
    the original, rid of its metadata, stands in its place; a WebP that is no
    smaller than the JPEG beside it is left out.

    Raises:
        UnusablePicture: with the reason.
    """
    if not recipe.optimize:
        picture = open_picture(body, content_type, limits)
        return (Encoded("full", (picture.format or "").lower(), *picture.size, body),)
    bounds = (recipe.full_width, recipe.full_width * 2)
    picture = open_picture(body, content_type, limits, draft=bounds)
    original = _original(picture, body, bounds)
    full = _flat(picture)
    full.thumbnail(bounds, reducing_gap=2.0)
    thumb = full.copy()
    thumb.thumbnail((recipe.thumb_width, recipe.thumb_width * 2), reducing_gap=2.0)
    files = []
    for role, image in (("full", full), ("thumb", thumb)):
        kept = original if image.size == full.size else None
        # On posters libwebp's method 4 takes three times as long as 1 for a hundredth of the bytes.
        webp = _webp(image, recipe.webp_quality, 1 if role == "full" else 2)
        jpeg = _jpeg(image, recipe.jpeg_quality)
        if kept is not None and kept[0] == "webp" and len(kept[1]) <= len(webp):
            webp = kept[1]
        if kept is not None and kept[0] == "jpeg" and len(kept[1]) <= len(jpeg):
            jpeg = kept[1]
        if len(webp) < len(jpeg):
            files.append(Encoded(role, "webp", *image.size, webp))
        files.append(Encoded(role, "jpeg", *image.size, jpeg))
    return tuple(files)


def _original(picture: Image, body: bytes, bounds: tuple[int, int]) -> tuple[str, bytes] | None:
    """The picture's own bytes, if they could be shown as they are once metadata is gone."""
    width, height = picture.info["size"]
    if width > bounds[0] or height > bounds[1] or "icc_profile" in picture.info:
        return None  # too large, or its colours need a profile
    if picture.format == "JPEG" and picture.mode in ("RGB", "L") and _orientation(picture) == 1:
        return "jpeg", without_metadata(body)
    if picture.format == "WEBP" and not getattr(picture, "is_animated", False) and picture.mode == "RGB":
        return None if any(name in picture.info for name in _METADATA) else ("webp", body)
    return None


def _orientation(picture: Image) -> int:
    """Exif's orientation, 1 to 8; 1 is upright and stands for everything that cannot be read."""
    try:
        return int(picture.getexif().get(0x0112, 1))
    except (SyntaxError, OSError, ValueError, TypeError, KeyError, struct.error):
        return 1


def _flat(picture: Image) -> Image:
    """Upright, opaque, in sRGB."""
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
    image.info.clear()  # what stands here would be written into the files
    return image


def _to_srgb(image: Image, profile: bytes) -> Image:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a profile that cannot be read; the plain conversion is what browsers do then


def _webp(image: Image, quality: int, method: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    return out.getvalue()


def _jpeg(image: Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()
