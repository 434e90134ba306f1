"""The image server: posters of flat shapes and few colours, with ETag and Last-Modified.

Imported with the first request for a poster, because Pillow is slow to import.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import re
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse

_ADDRESS: Final = re.compile(
    # /images/M/tt0000001@._V1_QL75_UX190_CR0,2,190,281_.jpg
    r"/images/(?:M/)?(?P<id>tt\d+)(?:@?\._V1_(?P<instructions>[A-Za-z0-9_,]*))?\.jpg"
)
_MODIFIED: Final = "Thu, 01 Jan 2026 00:00:00 GMT"
_LEAST_WIDTH: Final = 16
_KEPT: Final = 512  # of the posters drawn last; one in full size has about 200 kB


class PosterServer:
    """Draws posters on demand and keeps the last ones.

    IMDb's image server reads instructions from the address. This one follows
    width and height (``UX380``, ``SX380``, ``UY562``, ``SY562``, never enlarging)
    and quality (``QL75``), and ignores crops.
    """

    def __init__(self, catalogue: DemoCatalogue) -> None:
        self._catalogue = catalogue
        self._drawn = lru_cache(maxsize=_KEPT)(draw)

    def answer(self, request: DemoRequest) -> DemoResponse | None:
        """Gives the poster, 304 if the client has it, or None if this address has no poster."""
        match = _ADDRESS.fullmatch(request.path)
        title = self._catalogue.find(match["id"]) if match else None
        if match is None or title is None or not title.has_poster:
            return None
        width, quality = _size_and_quality(match["instructions"] or "")
        seed, key = self._catalogue.seed, (title.imdb_id, width, quality)
        tag = hashlib.blake2b(repr((seed, key, title.title)).encode(), digest_size=8).hexdigest()
        headers = (("ETag", f'"{tag}"'), ("Last-Modified", _MODIFIED), ("Cache-Control", "max-age=604800"))
        if request.has_current(f'"{tag}"', _MODIFIED):
            return DemoResponse(304, content_type="image/jpeg", headers=headers)
        picture = self._drawn(f"{seed}/{title.imdb_id}", title.title, width, quality)
        return DemoResponse.of(200, picture, "image/jpeg", headers)


def _size_and_quality(instructions: str) -> tuple[int, int]:
    """Reads width in pixels and JPEG quality from an address's instructions."""
    width, quality = _W, 82
    for instruction, number in re.findall(r"(?:^|_)(UX|SX|UY|SY|QL)(\d{1,5})(?=_|$)", instructions):
        if instruction == "QL":
            quality = min(95, max(1, int(number)))
        else:
            width = min(width, int(number) if instruction.endswith("X") else int(number) * 2 // 3)
    return max(_LEAST_WIDTH, width), quality


# --- drawing ------------------------------------------------------------------------

Palette: TypeAlias = tuple[str, str, str, str]  # ground, figure, second figure, ink
Art: TypeAlias = Callable[[ImageDraw.ImageDraw, random.Random, Palette], None]

_W, _H = _FULL_SIZE = (1000, 1500)
_FIRST_UNDRAWN: Final = 0x250  # the end of Latin Extended-B; the font has no other scripts
_PALETTES: Final[tuple[Palette, ...]] = (
    ("#f2e8d5", "#d8412f", "#1d3557", "#191919"),
    ("#10243e", "#f2a541", "#e4572e", "#f7efe2"),
    ("#e8b04a", "#b3341f", "#2b2118", "#2b2118"),
    ("#1f1f24", "#e8e3d8", "#c8102e", "#e8e3d8"),
    ("#c9d6cf", "#17594a", "#e07a3f", "#0e2f27"),
    ("#7a1f2b", "#f0c9a8", "#e8735a", "#fbe9da"),
    ("#dfe6ee", "#2a4d9b", "#f05d5e", "#14213d"),
    ("#0f3d3e", "#e2dcc8", "#f1a208", "#e2dcc8"),
    ("#f4c9c0", "#5b2a86", "#f25f5c", "#2d1544"),
    ("#2d3142", "#ef8354", "#bfc0c0", "#ffffff"),
    ("#efefea", "#111111", "#f2c12e", "#111111"),
    ("#35155d", "#ff6b6b", "#4ecdc4", "#fdf3e7"),
)


def draw(seed: str, title: str, width: int, quality: int = 82) -> bytes:
    """Draws a JPEG in the proportions of a film poster; the same bytes for the same arguments and Pillow."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    palette, art = dice.choice(_PALETTES), dice.choice(_ARTS)
    height = width * _H // _W
    picture = Image.new("RGB", _FULL_SIZE, palette[0])
    art(ImageDraw.Draw(picture), dice, palette)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    _letter(ImageDraw.Draw(picture), title, width, height, palette)
    out = io.BytesIO()
    Image.blend(picture, _grain().crop((0, 0, width, height)), 0.09).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _sun(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    x, y, r = dice.randint(280, 720), dice.randint(420, 620), dice.randint(230, 360)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[1])
    horizon, step = y + r // 3, dice.choice((18, 24, 30))
    for row in range(12):
        top = horizon + row * step * 2
        pen.rectangle((0, top, _W, top + step + row * 2), fill=palette[0] if row < 5 else palette[2])
    pen.rectangle((0, horizon + 10 * step, _W, _H), fill=palette[2])


def _arcs(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    x, y, width = dice.choice((0, _W // 2, _W)), dice.choice((0, 480, 900)), dice.choice((50, 70))
    for ring in range(14, 0, -1):
        r = ring * width
        pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[ring % 3])


def _stripes(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    left = 0
    while left < _W:
        width = dice.choice((16, 32, 50, 84, 130))
        pen.rectangle((left, 0, left + width, _H), fill=palette[dice.choice((0, 0, 1, 2))])
        left += width
    x, y, r = _W // 2 + dice.randint(-180, 180), dice.randint(430, 620), dice.randint(170, 230)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[3])


def _mountains(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    x, y, r = dice.randint(210, 790), dice.randint(260, 430), dice.randint(90, 150)
    pen.ellipse((x - r, y - r, x + r, y + r), fill=palette[1])
    for layer, colour in enumerate((palette[2], palette[1], palette[3])):
        base, at = 680 + layer * 160, 0
        points: list[tuple[int, int]] = [(0, _H), (0, base)]
        while at < _W:
            at += dice.randint(100, 230)
            points.append((at, base + dice.randint(-180, 110)))
        pen.polygon([*points, (_W, base), (_W, _H)], fill=colour)


def _dots(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    count = dice.choice((4, 5, 6))
    cell = (_W - 110) // count
    odd = (dice.randrange(count), dice.randrange(count))
    for column in range(count):
        for row in range(count):
            x, y = 55 + column * cell + cell // 2, 100 + row * cell + cell // 2
            r = int(cell * (0.46 if (column, row) == odd else 0.14 + 0.22 * dice.random()))
            colour = palette[1] if (column, row) == odd else palette[3 if dice.random() < 0.75 else 2]
            pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _towers(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    pen.polygon([(0, 0), (_W, 0), (_W, dice.randint(350, 900)), (0, dice.randint(620, 1180))], fill=palette[1])
    left = 40
    while left < _W - 80:
        width, top = dice.choice((104, 132, 166)), dice.randint(360, 850)
        pen.rectangle((left, top, left + width, _H), fill=palette[3])
        for y in range(top + 28, 1130, 48):
            for x in range(left + 20, left + width - 28, 38):
                if dice.random() < 0.4:
                    pen.rectangle((x, y, x + 15, y + 24), fill=palette[0])
        left += width + dice.choice((0, 11, 42))


def _waves(pen: ImageDraw.ImageDraw, dice: random.Random, palette: Palette) -> None:
    length, height, r = dice.choice((170, 250, 330)), dice.randint(28, 84), dice.randint(140, 210)
    x = dice.randint(280, 690)
    pen.ellipse((x - r, 210, x + r, 210 + 2 * r), fill=palette[1])
    for row in range(8):
        base, shift = 500 + row * 90, dice.random() * math.tau
        edge = [(at, base + int(height * math.sin(at / length * math.tau + shift))) for at in range(0, _W + 14, 14)]
        pen.polygon([(0, _H), *edge, (_W, _H)], fill=palette[(2, 3, 1)[row % 3]])


_ARTS: Final[tuple[Art, ...]] = (_sun, _arcs, _stripes, _mountains, _dots, _towers, _waves)


def _letter(pen: ImageDraw.ImageDraw, title: str, width: int, height: int, palette: Palette) -> None:
    """Writes the title on a band at the foot, without characters that the font does not have."""
    shown = "".join(char for char in title if char.isprintable() and ord(char) < _FIRST_UNDRAWN)
    size = max(8, width // 10)
    lines = textwrap.wrap(shown, 16)[:4] or [""]
    top = height - width // 12 - int(size * 1.15) * len(lines)
    pen.rectangle((0, top - size // 2, width, height), fill=palette[0])
    font = ImageFont.load_default(size)
    pen.multiline_text((width // 16, top), "\n".join(lines), fill=palette[3], font=font, spacing=size // 8)


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    """Film grain of one pixel, which gives the files the size of photographs."""
    noise = random.Random("grain").randbytes(_W * _H)  # noqa: S311 - repeatable on purpose
    return Image.frombytes("L", _FULL_SIZE, noise).convert("RGB")
