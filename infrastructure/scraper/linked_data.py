"""The ld+json island of a title page, made for search engines: little, but there since 2018.

Since 2022 ``name`` is the original title and ``alternateName`` the shown one where
they differ; in 2018 and 2019 ``name`` is the original title and the shown one is in
the markup alone. Lists hold the first three or four; ``description`` is cut to about 230
characters, also within a word, and in 2019 it begins with a sentence of its own.
Strings hold HTML entities. What is absent here may still exist.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final

from infrastructure.scraper.title_fields import CreditLine, TitlePart
from infrastructure.scraper.values import ISO_DURATION, iso_seconds, minutes

_TITLE_PATH: Final = re.compile(r"/title/(tt[0-9]+)")
_NAME_PATH: Final = re.compile(r"/name/(nm[0-9]+)")
_DATE: Final = re.compile(r"\d{4}(-\d{2}){0,2}")
_COUNT: Final = re.compile(r"\d{1,18}")
_RATING: Final = re.compile(r"\d{1,3}(\.\d{1,9})?")
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’»)\]]*")
_LONGEST_LIST: Final = 3
# ``Movie`` also stands for videos and television films, ``TVSeries`` also for miniseries.
_KINDS: Final = {"TVEpisode": "tvEpisode", "VideoGame": "videoGame"}


def read_linked_data(document: object) -> TitlePart | None:
    """What the island tells; ``None`` when it does not describe a title."""
    if not isinstance(document, dict):
        return None
    path = _TITLE_PATH.search(_string(document, "url") or "")
    if not path:
        return None
    part = TitlePart("ld+json", path[1])
    modern = (_string(document, "@context") or "").startswith("https")
    _read_names(document, part, modern=modern)
    _read_plot(document, part, modern=modern)
    _read_lists(document, part, modern=modern)
    _read_facts(document, part)
    return part


def _read_names(document: dict[str, object], part: TitlePart, *, modern: bool) -> None:
    name, shown = _string(document, "name"), _string(document, "alternateName")
    if modern and name:
        part.whole["original_title"] = name
        part.whole["title"] = shown or name
    elif name:
        part.partial["title"] = name  # better than none where the markup cannot be read


def _read_plot(document: dict[str, object], part: TitlePart, *, modern: bool) -> None:
    plot = _string(document, "description")
    name = _string(document, "name") or ""
    if not plot or (not modern and plot.startswith((f"{name} is a ", f"{name} is an "))):
        return
    ends = bool(_SENTENCE_END.search(plot[-4:])) and not plot.endswith(("...", "…"))
    if ends:
        part.whole["plot"] = plot
    else:
        part.partial["plot"] = plot
        part.cut.add("plot")


def _read_lists(document: dict[str, object], part: TitlePart, *, modern: bool) -> None:
    if genres := tuple(name for text in _strings(document.get("genre")) for name in re.split(r"\s*,\s*", text) if name):
        _add(part, "genres", genres, cut=modern and len(genres) >= _LONGEST_LIST)
    if directors := tuple(_people(document.get("director"))):
        _add(part, "directors", directors, cut=modern and len(directors) >= _LONGEST_LIST)
    if actors := tuple(_people(document.get("actor"))):
        _add(part, "cast", actors, cut=True)
    if writers := tuple(person._replace(category="writer") for person in _people(document.get("creator"))):
        part.partial["crew"] = writers
    if keywords := _string(document, "keywords"):
        part.partial["keywords"] = tuple(text for word in keywords.split(",") if (text := word.strip()))


def _add(part: TitlePart, name: str, value: tuple[object, ...], *, cut: bool) -> None:
    if cut:
        part.partial[name] = value
        part.cut.add(name)
    else:
        part.whole[name] = value


def _read_facts(document: dict[str, object], part: TitlePart) -> None:
    whole = part.whole
    if kind := _KINDS.get(_string(document, "@type") or ""):
        whole["kind"] = kind
    ratings = document.get("aggregateRating")
    rating, votes = map(ratings.get, ("ratingValue", "ratingCount")) if isinstance(ratings, dict) else (None, None)
    facts: tuple[tuple[str, object, re.Pattern[str], Callable[[str], object]], ...] = (
        ("rating", rating, _RATING, float),
        ("votes", votes, _COUNT, int),
        ("release_date", document.get("datePublished"), _DATE, str),
        ("duration_minutes", document.get("duration"), ISO_DURATION, lambda text: minutes(iso_seconds(text))),
    )
    for name, value, pattern, convert in facts:
        if (text := _matching(value, pattern)) is not None:
            whole[name] = convert(text)
        elif value not in (None, ""):
            part.cut.add(name)  # "9,2" is no value, and says that there is one
    if (poster := _string(document, "image")) and "/images/G/" not in poster:  # which is the site's logo
        whole["poster_url"] = poster
    if certificate := _string(document, "contentRating"):
        whole["certificate"] = certificate


def _string(document: dict[str, object], key: str) -> str | None:
    value = document.get(key)
    return html.unescape(value).strip() or None if isinstance(value, str) else None


def _matching(value: object, pattern: re.Pattern[str]) -> str | None:
    """A number or date of the expected form, which 2018 wrote as text and 2022 as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if pattern.fullmatch(text) else None


def _several(value: object) -> list[object]:
    """The one or the many: a list of one was written without its brackets in 2018 and 2019."""
    return value if isinstance(value, list) else [value]


def _strings(value: object) -> Iterator[str]:
    for item in _several(value):
        if isinstance(item, str) and (text := html.unescape(item).strip()):
            yield text


def _people(value: object) -> Iterator[CreditLine]:
    for item in _several(value):
        if not isinstance(item, dict):
            continue
        path, name = _NAME_PATH.search(_string(item, "url") or ""), _string(item, "name")
        if path and name:
            yield CreditLine(path[1], name)
