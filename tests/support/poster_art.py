"""Invented film posters: flat shapes, few colours, the title in large type. The same seed, the same bytes."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, ImageChops, ImageDraw, ImageFont

Colour: TypeAlias = str
Palette: TypeAlias = tuple[Colour, Colour, Colour, Colour]  # ground, figure, second figure, ink
Art: TypeAlias = Callable[[ImageDraw.ImageDraw, random.Random, Palette], None]

W, H = 720, 1080
_FONT: Final = Path(__file__).parents[2] / "infrastructure" / "catalogue" / "fonts" / "archivo.woff2"
PALETTES: Final[tuple[Palette, ...]] = (
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


def poster(seed: str, title: str, credit: str = "") -> bytes:
    """A JPEG of 720 x 1080 with a size that real posters have."""
    chance = random.Random(f"poster {seed}")
    palette = chance.choice(PALETTES)
    art = chance.choice(ARTS)
    picture = Image.new("RGB", (W * 2, H * 2), palette[0])  # drawn at twice the size: smooth edges
    draw = ImageDraw.Draw(picture)
    art(draw, chance, palette)
    picture = picture.resize((W, H), Image.Resampling.LANCZOS)
    _letter(ImageDraw.Draw(picture), title, credit, palette)
    grain = Image.frombytes("L", (W // 2, H // 2), chance.randbytes(W * H // 4)).resize((W, H))
    grain = grain.point([112 + value // 8 for value in range(256)]).convert("RGB")
    picture = ImageChops.overlay(picture, grain)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=86)
    return out.getvalue()


def _sun(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    x, y, r = chance.randint(400, 1040), chance.randint(600, 900), chance.randint(330, 520)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[1])
    horizon, step = y + r // 3, chance.choice((26, 34, 44))
    for row in range(12):
        top = horizon + row * step * 2
        draw.rectangle((0, top, W * 2, top + step + row * 3), fill=palette[0] if row < 5 else palette[2])
    draw.rectangle((0, horizon + 10 * step, W * 2, H * 2), fill=palette[2])


def _arcs(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    x, y = chance.choice((0, W, W * 2)), chance.choice((0, 700, 1300))
    width = chance.choice((70, 100))
    for ring in range(14, 0, -1):
        r = ring * width
        draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[ring % 3])


def _stripes(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    left = 0
    while left < W * 2:
        width = chance.choice((24, 48, 72, 120, 190))
        draw.rectangle((left, 0, left + width, H * 2), fill=palette[chance.choice((0, 0, 1, 2))])
        left += width
    x, y, r = W + chance.randint(-260, 260), chance.randint(620, 900), chance.randint(240, 330)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[3])
    draw.rectangle((0, 1640, W * 2, H * 2), fill=palette[0])


def _mountains(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    x, y, r = chance.randint(300, 1140), chance.randint(380, 620), chance.randint(130, 220)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[1])
    for layer, colour in enumerate((palette[2], palette[1], palette[3])):
        base = 980 + layer * 230
        points: list[tuple[int, int]] = [(0, H * 2), (0, base)]
        at = 0
        while at < W * 2:
            at += chance.randint(140, 330)
            points.append((at, base + chance.randint(-260, 160)))
        draw.polygon([*points, (W * 2, base), (W * 2, H * 2)], fill=colour)
    draw.rectangle((0, 1700, W * 2, H * 2), fill=palette[0])


def _grid(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    count = chance.choice((4, 5, 6))
    cell = (W * 2 - 160) // count
    odd = (chance.randrange(count), chance.randrange(count))
    for column in range(count):
        for row in range(count):
            x, y = 80 + column * cell + cell // 2, 140 + row * cell + cell // 2
            r = int(cell * (0.46 if (column, row) == odd else 0.14 + 0.22 * chance.random()))
            colour = palette[1] if (column, row) == odd else palette[3 if chance.random() < 0.75 else 2]
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def _tower(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    draw.polygon(
        [(0, 0), (W * 2, 0), (W * 2, chance.randint(500, 1300)), (0, chance.randint(900, 1700))], fill=palette[1]
    )
    left = 60
    while left < W * 2 - 120:
        width, top = chance.choice((150, 190, 240)), chance.randint(520, 1220)
        draw.rectangle((left, top, left + width, H * 2), fill=palette[3])
        for y in range(top + 40, 1620, 70):
            for x in range(left + 28, left + width - 40, 54):
                if chance.random() < 0.4:
                    draw.rectangle((x, y, x + 22, y + 34), fill=palette[0])
        left += width + chance.choice((0, 16, 60))
    draw.rectangle((0, 1640, W * 2, H * 2), fill=palette[0])


def _stairs(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    steps, rise = chance.choice((6, 8, 10)), 1500
    for step in range(steps):
        x, y = step * W * 2 // steps, rise - step * rise // steps
        draw.rectangle((x, y, W * 2, 1640), fill=palette[1 + step % 2])
    r, at = 90, chance.randrange(1, steps)
    x, y = at * W * 2 // steps + W // steps, rise - at * rise // steps - r
    draw.ellipse((x - r, y - r, x + r, y + r), fill=palette[3])
    draw.rectangle((0, 1640, W * 2, H * 2), fill=palette[0])


def _waves(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    length, height = chance.choice((240, 360, 480)), chance.randint(40, 120)
    r = chance.randint(200, 300)
    x = chance.randint(400, 1000)
    draw.ellipse((x - r, 300, x + r, 300 + 2 * r), fill=palette[1])
    for row in range(8):
        base = 720 + row * 130
        shift = chance.random() * math.tau
        edge = [(at, base + int(height * math.sin(at / length * math.tau + shift))) for at in range(0, W * 2 + 20, 20)]
        draw.polygon([(0, H * 2), *edge, (W * 2, H * 2)], fill=palette[(2, 3, 1)[row % 3]])
    draw.rectangle((0, 1660, W * 2, H * 2), fill=palette[0])


def _halves(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    r = chance.randint(420, 560)
    x, y = W, 800
    start = chance.choice((0, 45, 90, 135))
    draw.pieslice((x - r, y - r, x + r, y + r), start, start + 180, fill=palette[1])
    gap = chance.randint(40, 130)
    dx, dy = int(gap * math.cos(math.radians(start - 90))), int(gap * math.sin(math.radians(start - 90)))
    draw.pieslice((x - r + dx, y - r + dy, x + r + dx, y + r + dy), start + 180, start + 360, fill=palette[2])


def _beam(draw: ImageDraw.ImageDraw, chance: random.Random, palette: Palette) -> None:
    x = chance.randint(200, 1240)
    draw.polygon([(x, 120), (-300, 1500), (700, 1640)], fill=palette[1])
    draw.polygon([(x, 120), (900, 1640), (W * 2 + 300, 1300)], fill=palette[2])
    draw.ellipse((x - 90, 40, x + 90, 220), fill=palette[3])
    for _ in range(5):
        left = chance.randint(80, W * 2 - 160)
        top = chance.randint(1340, 1460)
        draw.ellipse((left - 34, top - 70, left + 34, top), fill=palette[3])
        draw.rectangle((left - 44, top, left + 44, 1640), fill=palette[3])
    draw.rectangle((0, 1640, W * 2, H * 2), fill=palette[0])


ARTS: Final[tuple[Art, ...]] = (
    _sun, _arcs, _stripes, _mountains, _grid, _tower, _stairs, _waves, _halves, _beam,
)  # fmt: skip


def _font(size: int, weight: int, width: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(_FONT, size)
    font.set_variation_by_axes([weight, width])
    return font


def _letter(draw: ImageDraw.ImageDraw, title: str, credit: str, palette: Palette) -> None:
    size = 150
    while True:
        font = _font(size, 850, 62)
        lines = _wrapped(title.upper(), font, W - 80)
        if size <= 44 or (len(lines) <= 2 and max(font.getlength(line) for line in lines) <= W - 80):
            break
        size -= 6
    bottom = H - 84
    top = bottom - len(lines) * size * 0.9
    # On a drawing the title stands on a band of the ground colour, so that it can be read on every picture.
    draw.rectangle((0, top - size * 0.28, W, H), fill=palette[0])
    for number, line in enumerate(lines):
        draw.text((40, top + number * size * 0.9 - size * 0.12), line, font=font, fill=palette[3])
    draw.text((42, H - 58), credit.upper(), font=_font(24, 500, 70), fill=palette[3])


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(joined) > width:
            lines.append(word)
        else:
            lines[-1] = joined
    return lines
