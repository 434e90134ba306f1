"""Invented film posters. Imported only when the first poster is asked for, since Pillow is slow to import."""

from __future__ import annotations

import io
import random
import textwrap
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

FULL_SIZE: Final = (1000, 1500)
_FIRST_UNDRAWN: Final = 0x250  # where Latin Extended-A and B end
_PALETTES: Final = (
    ("#0b132b", "#1c7293", "#f4d58d"),
    ("#2b2d42", "#d90429", "#edf2f4"),
    ("#1b4332", "#95d5b2", "#fefae0"),
    ("#3d0c11", "#d80032", "#f9dec9"),
    ("#10002b", "#9d4edd", "#ffd6ff"),
    ("#f2e8cf", "#bc4749", "#386641"),
    ("#e9d8a6", "#005f73", "#9b2226"),
    ("#22223b", "#f2a65a", "#f2e9e4"),
)


def draw(seed: str, title: str, width: int, quality: int = 82) -> bytes:
    """A JPEG in the proportions of a film poster; the same bytes for the same arguments and Pillow."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    height = width * FULL_SIZE[1] // FULL_SIZE[0]
    ground, figure, ink = dice.choice(_PALETTES)
    picture = _sky(ground, figure, dice).resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(dice.randint(2, 4)):
        x, y, radius = dice.uniform(0.1, 0.9), dice.uniform(0.1, 0.6), dice.uniform(0.08, 0.4)
        box = tuple(
            int(width * value)
            for value in (x - radius, 1.5 * y - radius, x + radius, 1.5 * y + radius * dice.choice((1, 0.2)))
        )
        if box[0] < box[2] and box[1] < box[3]:
            pen.ellipse(box, fill=dice.choice((figure, ground, ink)))
    shade = max(1, width // 12)
    for place in range(dice.randint(1, 6)):
        top = int(height * 0.62) + place * shade
        pen.rectangle((0, top, width, top + shade // 3), fill=ground)
    _letter(pen, title, width, height, ink, ground)
    grain = _grain().crop((0, 0, width, height))
    out = io.BytesIO()
    Image.blend(picture, grain, 0.09).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _sky(ground: str, figure: str, dice: random.Random) -> Image.Image:
    small = Image.new("RGB", (3, 4), ground)
    for _ in range(5):
        small.paste(figure, (x := dice.randint(0, 2), y := dice.randint(0, 2), x + 1, y + 1))
    return small


def _letter(pen: ImageDraw.ImageDraw, title: str, width: int, height: int, ink: str, ground: str) -> None:
    """The title at the foot; of other scripts than Latin, which the font has not, only what it has."""
    shown = "".join(char for char in title if char.isprintable() and ord(char) < _FIRST_UNDRAWN)
    size = max(8, width // 10)
    lines = textwrap.wrap(shown, 16)[:4] or [""]
    pen.multiline_text(
        (width // 16, height - width // 12 - int(size * 1.15) * len(lines)),
        "\n".join(lines),
        fill=ink,
        font=ImageFont.load_default(size),
        spacing=size // 8,
        stroke_width=max(1, size // 30),
        stroke_fill=ground,
    )


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    """Film grain of one pixel; it gives the files the size that photographs have."""
    width, height = FULL_SIZE
    noise = random.Random("grain").randbytes(width * height)  # noqa: S311 - the same for everybody
    return Image.frombytes("L", FULL_SIZE, noise).convert("RGB")
