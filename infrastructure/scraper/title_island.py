"""Reads the title's objects in the JSON island of a page, ``__NEXT_DATA__``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from domain.errors import NotATitlePage
from infrastructure.scraper.page_bytes import RepeatedKey, count_keys, load_json
from infrastructure.scraper.title_credits import read_people
from infrastructure.scraper.title_fields import TitlePart, Values
from infrastructure.scraper.title_json import FIELD_KEYS, read_fields
from infrastructure.scraper.values import FieldAbsent, get, text_at

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

    Only the objects that the readers need are decoded. An island of an unknown shape is parsed in full.

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
    island = body[start:end]
    with suppress(ValueError, RecursionError):
        top = _members(msgspec.json.format(island, indent=-1))
        props = _members(top.get("props", b"{}"))
        return _read_parts(top, {**props, **_members(props.get("pageProps", b"{}"))}, own)
    return _read_document(load_json(island, unique=True), own)


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


def _read_parts(top: Mapping[str, msgspec.Raw], props: Mapping[str, msgspec.Raw], own: str | None) -> TitlePart | None:
    def value(parts: Mapping[str, msgspec.Raw], name: str) -> Any:
        return _decode_value(parts[name]) if name in parts else None

    return _read(
        value(top, "page"),
        _title_object(props.get("aboveTheFoldData")),
        _title_object(props.get("mainColumnData")),
        value(props, "urqlState"),
        value(props, "tconst") or value(top, "query"),
        own,
    )


def _title_object(raw: msgspec.Raw | None) -> Values:
    """Returns the values that the readers need; ``RepeatedKey`` for a key that occurs more than once."""
    if raw is None:
        return {}
    with suppress(ValueError):
        return _needed_values(raw)
    whole = load_json(bytes(raw), unique=True)
    return whole if isinstance(whole, dict) else {}


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


def _read_document(document: object, own: str | None) -> TitlePart | None:
    props = _once(document, "props")
    page_props = _once(props, "pageProps")
    above, main = (_once(page_props, name) for name in ("aboveTheFoldData", "mainColumnData"))
    state = get(props, "urqlState") or get(page_props, "urqlState")
    said = get(page_props, "tconst") or get(document, "query")
    return _read(get(document, "page"), above, main, state, said, own)


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
        # Each answer has the fields that were asked for in it; null in one does not speak for the others.
        known = {key: value for node in reversed(cached) for key, value in node.items() if value is not None}
        nodes = others = ({**cached[0], **known}, *cached)
    told = any(nodes)
    if isinstance(page, str) and not _is_title_route(page, told):
        raise NotATitlePage(f"this is IMDb's page {page[:80]!r}, not a title's")
    if not told:
        return None
    part = TitlePart("__NEXT_DATA__", _imdb_id(nodes))
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


def _imdb_id(nodes: Sequence[object]) -> str | None:
    for node in nodes:
        with suppress(FieldAbsent):
            if imdb_id := text_at(node, "id"):
                return imdb_id
    return None


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
