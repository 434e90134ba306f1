"""Measures text in the catalogue's typeface, so that pages can choose sizes at which no word has to break.

Widths are in em: multiples of the font size. They are read from the font files
once for each style.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

FONTS: Final = Path(__file__).parent / "fonts"
FONT_FILES: Final = ("archivo.woff2", "archivo-extended.woff2")
FITS_NARROWEST: Final = 9.0  # em; words up to this width fit the narrowest column, on a phone, at its smallest size
_MARGIN: Final = 1.03  # kerning and rounding
_UNKNOWN_WIDTH: Final = 0.75  # letters of other scripts, which the browser takes from another typeface


class TextStyle(NamedTuple):
    """A cut of the typeface: ``wdth`` and ``wght`` as in ``font-stretch`` and ``font-weight``."""

    stretch: int
    weight: int


NAME: Final = TextStyle(62, 800)
HEADING: Final = TextStyle(62, 900)
LABEL: Final = TextStyle(112, 500)
TEXT: Final = TextStyle(100, 400)


def longest_word(text: str, style: TextStyle = NAME, *, upper: bool = False) -> float:
    """Returns the width in em of the widest part of a text that must not break."""
    if upper:
        text = text.upper()
    return max((_width(part, style) for part in _unbreakable(text)), default=0.0)


def text_width(text: str, style: TextStyle = NAME, *, upper: bool = False) -> float:
    """Returns the width in em of a text on one line."""
    return _width(text.upper() if upper else text, style)


def size_to_fit(
    text: str, width: float, height: float, line_height: float, *, smallest: float, largest: float
) -> float:
    """Returns the largest font size at which an upper-case heading fills at most a box.

    A word that is wider than the box at the smallest size takes several lines.

    Args:
        text: the heading.
        width, height: of the box, in any unit; the answer has the same one.
        line_height: as a multiple of the font size.
        smallest, largest: limits of the answer.
    """
    parts = [_width(word, HEADING) for word in text.upper().split()]
    space = _width(" ", HEADING)
    size = max(smallest, min(largest, width / max([*parts, 0.1])))
    while size > smallest:
        lines, used = 1, 0.0
        for part in parts:
            if used and (used + space + part) * size > width:
                lines, used = lines + 1, 0.0
            used += part + (space if used else 0)
        if lines * size * line_height <= height:
            break
        size *= 0.93
    return max(smallest, size)


def keep_words(text: str) -> Markup:
    """Escapes a name for HTML and keeps each word with a hyphen or a slash in it on one line.

    Words that may not fit the narrowest column are marked as in ``mark_long_words``.
    """
    return _mark_words(text, HEADING, keep=True)


def mark_long_words(text: str) -> Markup:
    """Escapes a text for HTML and marks the words that may not fit the narrowest column at its smallest size.

    No other word breaks inside.
    """
    return _mark_words(text, LABEL, keep=False)


_BREAKS: Final = re.compile(r"\S[^\w\s'’.,:;!)]\S")
_LONG: Final = re.compile(r"\S{9}")  # no letter is wider than 1 em
_WIDE: Final = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uff60\U0001f300-\U0001faff]")


@lru_cache(maxsize=10_000)  # most names and titles are on several pages
def _mark_words(text: str, style: TextStyle, *, keep: bool) -> Markup:
    if not _LONG.search(text) and not (keep and _BREAKS.search(text)):
        return escape(text)
    return Markup("".join([_mark(part, style, keep) for part in re.split(r"(\s+)", text)]))  # noqa: S704 - each is escaped


def _mark(word: str, style: TextStyle, keep: bool) -> str:
    kind = "w" if keep and _BREAKS.search(word) else ""
    if _LONG.search(word) and longest_word(word, style, upper=True) > FITS_NARROWEST:
        kind = f"{kind} long".lstrip()
    return f'<span class="{kind}">{escape(word)}</span>' if kind else escape(word)


def _unbreakable(text: str) -> list[str]:
    """Splits at spaces, and around each East Asian character: lines may break there."""
    return _WIDE.sub(" m ", text).split()


def _width(text: str, style: TextStyle) -> float:
    return sum(map(_advances(style).__getitem__, text)) * _MARGIN


class _Advances(dict[str, float]):
    """Advance widths in em by character."""

    def __missing__(self, char: str) -> float:
        """Estimates the width of a character that the font files lack."""
        if unicodedata.east_asian_width(char) in "WF":
            return 1.0
        return 0.0 if unicodedata.category(char).startswith("M") else _UNKNOWN_WIDTH


@lru_cache(maxsize=8)
def _advances(style: TextStyle) -> _Advances:
    """Returns the advance width of each character of the font files."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
    from fontTools.varLib.models import (  # type: ignore[import-untyped]
        normalizeLocation,
        piecewiseLinearMap,
    )
    from fontTools.varLib.varStore import VarStoreInstancer  # type: ignore[import-untyped]

    found = _Advances()
    for name in reversed(FONT_FILES):
        font: Any = TTFont(FONTS / name, lazy=True)
        axes = {axis.axisTag: (axis.minValue, axis.defaultValue, axis.maxValue) for axis in font["fvar"].axes}
        location = normalizeLocation({"wdth": style.stretch, "wght": style.weight}, axes)
        if "avar" in font:
            segments = font["avar"].segments
            location = {tag: piecewiseLinearMap(value, segments[tag]) for tag, value in location.items()}
        table = font["HVAR"].table
        deltas = VarStoreInstancer(table.VarStore, font["fvar"].axes, location)
        indexes = table.AdvWidthMap.mapping if table.AdvWidthMap else None
        em = font["head"].unitsPerEm
        for code, glyph in font.getBestCmap().items():
            index = indexes[glyph] if indexes else font.getGlyphID(glyph)
            found[chr(code)] = (font["hmtx"][glyph][0] + deltas[index]) / em
    return found
