"""Formats values for reading."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_CHARTS: Final = {
    "top250": "Top 250",
    "toptv": "Top 250 series",
    "moviemeter": "Most popular",
    "bottom100": "Bottom 100",
    "estimated-top250": "Top 250, an estimate",
    "estimated-toptv": "Top 250 series, an estimate",
}
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "KRW": "₩"}


def votes(count: int) -> str:
    """``1.2B``, ``2.9M``, ``876K``, ``512``: at most three digits."""
    if count >= 999_500_000:
        return f"{count / 1e9:.1f}B"
    if count >= 9_950_000:
        return f"{count / 1e6:.0f}M"
    if count >= 999_500:
        return f"{count / 1e6:.1f}M"
    if count >= 1_000:
        return f"{count / 1e3:.0f}K"
    return str(count)


def duration(minutes: int) -> str:
    """``2h 22m``, ``45m``."""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours}h" if hours else "", f"{rest}m" if rest or not hours else "") if part)


def date(text: str) -> str:
    """An ISO date with its own precision: ``14 October 1994``, ``October 1994``, ``1994``."""
    year, *rest = text.split("-")
    if not rest:
        return year
    month = _MONTHS[int(rest[0]) - 1]
    return f"{month} {year}" if len(rest) == 1 else f"{int(rest[1])} {month} {year}"


def day(moment: datetime) -> str:
    """The calendar day of a moment in UTC."""
    return date(moment.date().isoformat())


def decade(start: int | None) -> str:
    """``1990s``; ``Year unknown`` for None."""
    return "Year unknown" if start is None else f"{start}s"


def chart(name: str) -> str:
    """A chart's heading."""
    return _CHARTS.get(name, name or "The chart")


def count(number: int, one: str, many: str = "") -> str:
    """``1 film``, ``2 films``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def joined(parts: list[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def shortened(text: str, most: int) -> str:
    """The text with single spaces; longer than ``most`` characters, it ends with an ellipsis after a whole word."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[:most]
    return (cut.rpartition(" ")[0] or cut[:-1]).rstrip() + "…"


def searchable(text: str) -> str:
    """Lower case without accents; the scripts normalise queries in the same way."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text.lower()).translate(_PLAIN)


class _PlainLetters(dict[int, str | int | None]):
    """Letters that Unicode does not take apart with what people type for them, as in theme.js; drops accents."""

    def __missing__(self, code: int) -> int | None:
        self[code] = known = None if unicodedata.category(chr(code)).startswith("M") else code
        return known


_PLAIN: Final = _PlainLetters(
    (ord(letter), plain)
    for letter, plain in (
        ("ø", "o"), ("ł", "l"), ("đ", "d"), ("ð", "d"), ("ħ", "h"), ("ı", "i"), ("æ", "ae"), ("œ", "oe"), ("ß", "ss"),
        ("þ", "th"),
    )
)  # fmt: skip


def money(amount: int, currency: str | None) -> str:
    """``$25M``, ``¥2.4B``, ``DEM 12M``; US dollars when the currency is not known."""
    sign = _SYMBOLS.get(currency or "USD") or f"{currency} "
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if amount >= size * 0.9995:
            number = amount / size
            return f"{sign}{number:.1f}".removesuffix(".0") + letter if number < 9.95 else f"{sign}{number:.0f}{letter}"
    return f"{sign}{amount}"


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and hyphens; empty if none remain."""
    ascii_text = searchable(text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:60]
