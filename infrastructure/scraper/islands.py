"""Reads the JSON islands of a title page: ``__NEXT_DATA__``, which has everything, and ld+json, which has little."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from domain.errors import NotATitlePage
from infrastructure.scraper.page_bytes import RepeatedKey, count_keys, load_json
from infrastructure.scraper.title_credits import read_people
from infrastructure.scraper.title_fields import CreditLine, TitlePart, Values
from infrastructure.scraper.title_json import FIELD_KEYS, read_fields
from infrastructure.scraper.values import ISO_DURATION, get, iso_seconds, minutes, optional, text_at

_PEOPLE_KEYS: Final = (
    "principalCredits", "principalCreditsV2", "crewV2", "castV2", "directors", "writers", "cast", "principalCast",
    "creditGroupings", "creditCategories", "categories", "directorsPageTitle", "castPageTitle",
)  # fmt: skip
_KEYS: Final = FIELD_KEYS.union(_PEOPLE_KEYS, ["id"])
_BEGINNING: Final = re.compile(rb'\{"props":\{"pageProps":\{(?:"tconst":"\w*",)?"aboveTheFoldData":')
_ABOVE: Final = b',"aboveTheFoldData":'
_MAIN: Final = b',"mainColumnData":'
_REQUEST: Final = b',"requestContext":'
_INTERFACE_TEXTS: Final = b',"translationContext":'
_BUTTON: Final = b',"titleCallToAction":'
_LONGEST_BUTTON: Final = 1024
_decode_value: Final = msgspec.json.Decoder().decode
_split: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read_island(body: bytes, start: int = 0, end: int | None = None, *, own: str | None = None) -> TitlePart | None:
    """Returns the fields of ``__NEXT_DATA__``; ``None`` if the title's objects are not at their known places.

    Of an island that begins as the site writes it, only the objects that the readers need are decoded.

    Args:
        body: the JSON, or a page.
        start, end: where the JSON starts and ends in it.
        own: the page's id, which an island of 2021 does not always contain.

    Raises:
        NotATitlePage: the island says that it belongs to another page.
        ValueError: it is not JSON.
    """
    if match := _BEGINNING.match(body, start):
        with suppress(ValueError, RecursionError):
            above, main = map(_needed_values, _first_objects(body, match.end(), end))
            part = _read(None, above, main, None, None, own)
            if part is not None and part.imdb_id and "title" in part.whole:
                return part
    document = load_json(body[start:end], unique=True)
    props = _once(document, "props")
    page_props = _once(props, "pageProps")
    above, main = (_once(page_props, name) for name in ("aboveTheFoldData", "mainColumnData"))
    state = get(props, "urqlState") or get(page_props, "urqlState")
    said = get(page_props, "tconst") or get(document, "query")
    return _read(get(document, "page"), above, main, state, said, own)


def _first_objects(body: bytes, start: int, end: int | None) -> tuple[bytes, bytes]:
    """Returns the title's two objects of an island that begins with them, as the site writes it.

    Five sixths of the island follow them, mostly texts of buttons and menus. In a string the quotes of a mark would
    be escaped, so a match is a key. If it is a key of another object than ``pageProps``, the result is not JSON.

    Args:
        body: the page.
        start: where the first object starts.
        end: where the island ends.

    Raises:
        ValueError: the marks are not there, or an object is there twice.
    """
    main = body.index(_MAIN, start, end)
    behind = body.find(_REQUEST, main, end)
    if behind < 0:
        behind = body.index(_INTERFACE_TEXTS, main, end)
    else:
        texts = body.find(_INTERFACE_TEXTS, behind, end)
        for mark in (_ABOVE, _MAIN):
            if body.find(mark, behind, end if texts < 0 else texts) >= 0:
                raise ValueError("one of the title's objects occurs more than once")
    button = body.rfind(_BUTTON, behind - _LONGEST_BUTTON, behind)
    return body[start:main], body[main + len(_MAIN) : behind if button < 0 else button]


def _members(document: bytes) -> dict[str, msgspec.Raw]:
    """Returns the members of a compactly written JSON object without repeated keys.

    Raises:
        ValueError: it is not such an object.
    """
    parts = _split(document)
    # Four characters beside each key and value, and one for the object. Of a key that is repeated, ``parts`` has only
    # the last value.
    if len(document) != (sum(map(len, parts)) + sum(map(len, parts.values())) + 4 * len(parts) + 1 if parts else 2):
        raise ValueError("not compact, or a key is repeated")
    return parts


def _needed_values(document: bytes) -> Values:
    """Returns the values that the readers need.

    Raises:
        ValueError: it is not a compact object, or a key is repeated.
    """
    parts = _members(document)
    names = list(parts.keys() & _KEYS)
    needed = b"[" + b",".join([parts[name] for name in names]) + b"]"
    values = _decode_value(needed)
    encoded = msgspec.json.encode(values)
    if encoded != needed and count_keys(encoded) != count_keys(needed):
        raise ValueError("a key is repeated")
    return dict(zip(names, values, strict=True))


def _once(node: object, name: str) -> dict[str, object]:
    """Returns a member that is an object; an empty one if there is none.

    Raises:
        ValueError: it occurs more than once.
    """
    found = get(node, name)
    if isinstance(found, RepeatedKey):
        raise ValueError(f"the key {name} occurs more than once")
    return found if isinstance(found, dict) else {}


def _read(page: object, above: Values, main: Values, state: object, said: object, own: str | None) -> TitlePart | None:
    nodes: Sequence[Values] = (above, main)
    others: Sequence[Values] = (main,)
    if not (above or main) and (cached := tuple(_cached_titles(state, said, own))):
        # Each response has only the fields of its query; null in one of them says nothing about the others.
        known = {key: value for node in reversed(cached) for key, value in node.items() if value is not None}
        nodes = others = ({**cached[0], **known}, *cached)
    told = any(nodes)
    if isinstance(page, str) and not _is_title_route(page, told):
        raise NotATitlePage(f"this is IMDb's page {page[:80]!r}, not a title's")
    if not told:
        return None
    part = TitlePart("__NEXT_DATA__", next(filter(None, (optional(text_at, node, "id") for node in nodes)), None))
    if above or main:
        twice = {key: main[key] for key in main.keys() & above.keys()}
        read_fields(part, main | above, *([twice] if twice else []))
    else:
        read_fields(part, *nodes)
    read_people(part, nodes[0], *others)
    return part


def _is_title_route(page: str, told: bool) -> bool:
    """Whether this is ``/title/[tconst]``, ``/title/[id]``, or a page below with a title's data (``/reference``)."""
    return page.startswith("/title/[") and (told or page.endswith("]"))


def _cached_titles(state: object, said: object, own: str | None) -> Iterator[Values]:
    """Yields the title's own objects in ``urqlState``, the cache of the site's GraphQL client in 2021.

    An entry's ``data`` is an object or JSON text. The cache also has other titles.
    """
    wanted = said if isinstance(said, str) else get(said, "tconst") or get(said, "id") or own
    for entry in state.values() if isinstance(state, dict) else ():
        data = get(entry, "data")
        if isinstance(data, str):
            with suppress(ValueError):
                data = load_json(data.encode("utf-8", "surrogatepass"), unique=True)
        for found in data.values() if isinstance(data, dict) else ():
            yield from (
                title
                for title in (found if isinstance(found, list) else [found])
                if isinstance(title, dict) and wanted and title.get("id") == wanted
            )


# ld+json is made for search engines, and is there since 2018. Since 2022 ``name`` is the original title and
# ``alternateName`` the shown one where they differ; in 2018 and 2019 ``name`` is the original title and the shown one
# is in the markup alone. Lists hold the first three or four; ``description`` is cut to about 230 characters, also
# within a word, and in 2019 it begins with a sentence of its own. What is absent here may still exist.

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
    if plot and (modern or not plot.startswith((f"{name} is a ", f"{name} is an "))):
        ends = bool(_SENTENCE_END.search(plot[-4:])) and not plot.endswith(("...", "…"))
        part.tell("plot", plot, cut=not ends)


def _read_lists(document: dict[str, object], part: TitlePart, *, modern: bool) -> None:
    genres = tuple(name for text in _strings(document.get("genre")) for name in re.split(r"\s*,\s*", text) if name)
    directors = tuple(_people(document.get("director")))
    part.tell("genres", genres, cut=modern and len(genres) >= _LONGEST_LIST)
    part.tell("directors", directors, cut=modern and len(directors) >= _LONGEST_LIST)
    part.tell("cast", tuple(_people(document.get("actor"))), cut=True)
    if writers := tuple(person._replace(category="writer") for person in _people(document.get("creator"))):
        part.partial["crew"] = writers
    if keywords := _string(document, "keywords"):
        part.partial["keywords"] = tuple(text for word in keywords.split(",") if (text := word.strip()))


def _read_facts(document: dict[str, object], part: TitlePart) -> None:
    part.tell("kind", _KINDS.get(_string(document, "@type") or ""))
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
            part.whole[name] = convert(text)
        elif value not in (None, ""):
            part.cut.add(name)  # "9,2" is no value, and says that there is one
    if (poster := _string(document, "image")) and "/images/G/" not in poster:  # which is the site's logo
        part.whole["poster_url"] = poster
    part.tell("certificate", _string(document, "contentRating"))


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
