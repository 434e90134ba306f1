"""The ``__NEXT_DATA__`` island of a title page: the most complete part of it.

The title stands in ``props.pageProps.aboveTheFoldData`` and ``mainColumnData``; which
of the two holds a field changed over the years, and ``/reference`` pages have
their own mind, so both are asked.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from domain.errors import NotATitlePage
from infrastructure.scraper.fields import Untold, read_fields, text_at, value_at
from infrastructure.scraper.next_people import cast, directors, few_directors, stars
from infrastructure.scraper.reading import Reading, TitleFields

_INTERFACE_TEXTS: Final = b',"translationContext":'


def title_part(island: bytes) -> bytes | None:
    """The island up to the texts of the site's own buttons and menus, which are four fifths of it.

    In a string its quotes would be escaped, so the mark can only be a key. Should it be
    one of another object than ``pageProps``, what is left is no JSON, and the whole
    island must be read; so must an island without a title, to see what page it is.
    """
    end = island.find(_INTERFACE_TEXTS)
    return island[:end] + b"}}}" if end >= 0 else None


def read_next_data(document: object) -> Reading | None:
    """What the island tells; ``None`` when the title's objects are not where they are known to be.

    Raises:
        NotATitlePage: the island says that it belongs to another page.
    """
    page = document.get("page") if isinstance(document, dict) else None
    above, main = (_object(document, name) for name in ("aboveTheFoldData", "mainColumnData"))
    told = bool(above or main)
    if isinstance(page, str) and not _is_title_route(page, told):
        raise NotATitlePage(f"this is IMDb's page {page[:80]!r}, not a title's")
    if not told:
        return None
    whole, cut = read_fields(above, main), TitleFields()
    if (people := directors(above, main)) is not None:
        whole["directors"] = people
    elif (people := few_directors(above, main)) is not None:
        cut["directors"] = people
    if (people := cast(main)) is not None:
        whole["cast"] = people
    elif (people := stars(above, main)) is not None:
        cut["cast"] = people
    return Reading(_imdb_id(above, main), whole, cut)


def _object(document: object, name: str) -> dict[str, object]:
    with suppress(Untold):
        found = value_at(document, "props", "pageProps", name)
        if isinstance(found, dict):
            return found
    return {}


def _is_title_route(page: str, told: bool) -> bool:
    """``/title/[tconst]``, ``/title/[id]``, and what stands below them if it has a title's data (``/reference``)."""
    return page.startswith("/title/[") and (told or page.endswith("]"))


def _imdb_id(above: object, main: object) -> str | None:
    for node in (above, main):
        with suppress(Untold):
            if imdb_id := text_at(node, "id"):
                return imdb_id
    return None
