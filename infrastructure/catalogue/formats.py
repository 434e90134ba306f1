"""Values as people read them."""

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
}


def votes(count: int) -> str:
    """``2.9M``, ``876K``, ``512``: at most three digits."""
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
    """An ISO date, as precise as it is: ``14 October 1994``, ``October 1994``, ``1994``."""
    year, *rest = text.split("-")
    if not rest:
        return year
    month = _MONTHS[int(rest[0]) - 1]
    return f"{month} {year}" if len(rest) == 1 else f"{int(rest[1])} {month} {year}"


def day(moment: datetime) -> str:
    """The calendar day of a moment in UTC."""
    return date(moment.date().isoformat())


def decade(start: int | None) -> str:
    """``1990s``; films without a year have no decade."""
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


def searchable(text: str) -> str:
    """Lower case without accents, as the script on the page makes a query."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.category(char).startswith("M")).lower()


def length_class(title: str) -> str:
    """How large a heading may be set: by its longest word and its length."""
    longest = max((len(word) for word in title.split()), default=0)
    if len(title) > 60 or longest > 24:
        return "longest"
    return "long" if len(title) > 14 or longest > 10 else ""


def slug(text: str) -> str:
    """Lower-case ASCII letters, digits and hyphens; may come out empty."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:60]
