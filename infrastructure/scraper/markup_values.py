"""Single values as IMDb's markup words them for people to read."""

from __future__ import annotations

import re
from typing import Final

from bs4 import Tag

from infrastructure.scraper.reading import Credited

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DATE: Final = re.compile(
    rf"(?:(?P<day>\d{{1,2}}) )?(?:(?P<month>{'|'.join(_MONTHS)}) )?(?:(?P<us_day>\d{{1,2}}), )?(?P<year>\d{{4}})\b"
)
_COUNT: Final = re.compile(r"\d{1,3}(?:,\d{3}){1,4}|\d{1,9}")
_HOURS: Final = re.compile(r"(\d{1,4})\s*h")
_MINUTES: Final = re.compile(r"(\d{1,5})\s*m")
_NAME_PATH: Final = re.compile(r"/name/(nm[0-9]+)")
_PICTURE: Final = re.compile(
    r"(https?://[^\s<>\"]+/images/M/[^\s<>\"/]+?)(?:\._V1_[^\s<>\"/]*)?\.(jpe?g|png|gif|webp)\b"
)
_WINDOW_TITLE: Final = re.compile(
    r".*\((?P<kind>[A-Za-z -]*?) ?(?P<year>\d{4})?(?:\s*[–-]\s*(?:\d{4})?\s*)?\) - IMDb", re.S
)

_KINDS: Final = {
    "": "movie",
    "Short": "short",
    "TV Movie": "tvMovie",
    "TV Series": "tvSeries",
    "TV Mini Series": "tvMiniSeries",
    "TV Mini-Series": "tvMiniSeries",
    "TV Episode": "tvEpisode",
    "TV Special": "tvSpecial",
    "TV Short": "tvShort",
    "Video": "video",
    "Video Game": "videoGame",
    "Music Video": "musicVideo",
    "Podcast Series": "podcastSeries",
    "Podcast Episode": "podcastEpisode",
}


def words(tag: Tag | None) -> str:
    """The text of an element on one line, empty for none."""
    return " ".join(tag.get_text(" ").split()) if tag else ""


def attribute(tag: Tag | None, name: str) -> str:
    """One attribute, empty for none."""
    value = tag.get(name) if tag else None
    return value if isinstance(value, str) else ""


def count(text: str) -> int | None:
    """``2,237,134``; not ``2.2M``, which is no count but a rounding."""
    return int(text.replace(",", "")) if _COUNT.fullmatch(text) else None


def date(text: str) -> str | None:
    """``March 31, 1999 (United States)``, ``31 March 1999``, ``March 1999`` or ``1999`` in ISO 8601."""
    match = _DATE.match(text)
    if not match:
        return None
    parts = [match["year"]]
    if match["month"]:
        parts.append(f"{_MONTHS.index(match['month']) + 1:02d}")
        if day := match["day"] or match["us_day"]:
            parts.append(f"{int(day):02d}")
    return "-".join(parts)


def running_minutes(text: str) -> int | None:
    """``2 hours 16 minutes``, ``2h 16m (136 min)``, ``2h 16min``; the first running time of several."""
    hours, mins = _HOURS.search(text.partition("(")[0]), _MINUTES.search(text.partition("(")[0])
    return (int(hours[1]) if hours else 0) * 60 + (int(mins[1]) if mins else 0) or None


def full_size(address: str) -> str | None:
    """The address of the whole picture, without the size and crop that stand after ``._V1_``.

    ``None`` for the site's own placeholders, which are not under ``/images/M/``.
    """
    match = _PICTURE.match(address)
    return f"{match[1]}._V1_.{match[2]}" if match else None


def linked_person(link: Tag | None, characters: tuple[str, ...] = ()) -> Credited | None:
    """The person that a link to ``/name/nm…`` stands for."""
    path, name = _NAME_PATH.search(attribute(link, "href")), words(link)
    return Credited(path[1], name, characters) if path and name else None


def kind_and_year(window_title: str) -> tuple[str | None, int | None]:
    """What the window's title says in brackets: ``Carny (TV Movie 2009) - IMDb``, ``Up (2009) - IMDb``."""
    match = _WINDOW_TITLE.match(window_title)
    if not match or not (match["kind"] or match["year"]):
        return None, None
    return _KINDS.get(match["kind"]), int(match["year"]) if match["year"] else None
