"""A chart out of the bytes of its page.

Three layouts: the page's data as JSON (``__NEXT_DATA__``), the same list for
search engines (``ld+json``), and, up to about 2023, a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import unescape
from typing import Final

from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, UnknownLayout
from domain.movie import IMDB_ID
from infrastructure.http import find_block
from infrastructure.scraper.fields import Untold, list_at, value_at
from infrastructure.scraper.islands import LINKED_DATA, NEXT_DATA, as_utf8, load_json, scripts

CHART_PATHS: Final = {
    ChartName.TOP250: "/chart/top/",
    ChartName.TOPTV: "/chart/toptv/",
    ChartName.MOVIEMETER: "/chart/moviemeter/",
    ChartName.BOTTOM100: "/chart/bottom/",
}
_TITLE_LINK: Final = re.compile(r"/title/(tt\d+)")
_PRINTED_RANK: Final = re.compile(r"\s*([0-9]{1,6})\.")


def parse_chart(body: bytes) -> tuple[ChartEntry, ...]:
    """The places of a chart, in rank order; how many there should be is not known here.

    ``__NEXT_DATA__`` says each title's rank. The ``ld+json`` list adds what is
    missing there, provided that the two agree on the rest. The table is read
    only if neither has anything. A place without a readable rank or id is left
    out, so that it will be missed.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        UnknownLayout: no chart was found in the page.
    """
    if reason := find_block(200, {}, body):
        raise Blocked(reason)
    body = as_utf8(body)
    entries = _joined(list(_next_data_entries(body)), list(_ld_json_entries(body)))
    if not entries:
        entries = list(_table_entries(body))
    if not entries:
        raise UnknownLayout(
            "no chart was found in this page: __NEXT_DATA__ has no chartTitles, "
            "ld+json has no itemListElement, and there is no table of td.titleColumn"
        )
    return tuple(sorted(entries, key=lambda entry: entry.rank))


def _joined(entries: list[ChartEntry], others: Iterable[ChartEntry]) -> list[ChartEntry]:
    """The entries with what the others add, unless the two contradict each other anywhere."""
    rank_of = {entry.imdb_id: entry.rank for entry in entries}
    title_at = {entry.rank: entry.imdb_id for entry in entries}
    added = []
    for other in others:
        rank, title = rank_of.get(other.imdb_id), title_at.get(other.rank)
        if rank is None and title is None:
            added.append(other)
        elif rank != other.rank or title != other.imdb_id:
            return entries
    return entries + added


def _next_data_entries(body: bytes) -> Iterator[ChartEntry]:
    for document in _documents(body, NEXT_DATA):
        with suppress(Untold):
            for edge in list_at(document, "props", "pageProps", "pageData", "chartTitles", "edges"):
                yield from _entry(
                    _told(edge, "currentRank"), _told(edge, "node", "id"), _told(edge, "node", "titleText", "text")
                )


def _ld_json_entries(body: bytes) -> Iterator[ChartEntry]:
    """The list for search engines; where it does not number its items, their order is the rank."""
    for document in _documents(body, LINKED_DATA):
        with suppress(Untold):
            for place, item in enumerate(list_at(document, "itemListElement"), 1):
                link = _TITLE_LINK.search(str(_told(item, "item", "url")))
                title = _told(item, "item", "name")
                title = unescape(title) if isinstance(title, str) else None
                yield from _entry(_told(item, "position") or place, link and link[1], title)


def _documents(body: bytes, mark: bytes) -> Iterator[object]:
    """What the islands of this kind hold; the page may also be the bare ``__NEXT_DATA__`` document."""
    if body.lstrip().startswith(b"{"):
        islands: Iterable[bytes | memoryview] = [body] if mark == NEXT_DATA else []
    else:
        islands = scripts(body, mark)
    for island in islands:
        with suppress(ValueError):
            yield load_json(island)


def _told(node: object, *path: str) -> object:
    with suppress(Untold):
        return value_at(node, *path)
    return None


def _table_entries(body: bytes) -> Iterator[ChartEntry]:
    """The old table. It may have been saved in another order than the ranks', so the printed number counts."""
    if b"titleColumn" not in body:
        return
    from bs4 import BeautifulSoup, SoupStrainer  # takes a tenth of a second, and today's pages do without

    for cell in BeautifulSoup(body, "lxml", parse_only=SoupStrainer("td", class_="titleColumn"))("td"):
        anchor = cell.find("a", href=_TITLE_LINK)
        rank = _PRINTED_RANK.match(cell.get_text())
        link = _TITLE_LINK.search(str(anchor["href"])) if anchor else None
        if rank and link:
            yield from _entry(int(rank[1]), link[1], anchor.get_text(strip=True) if anchor else None)


def _entry(rank: object, imdb_id: object, title: object) -> Iterator[ChartEntry]:
    """The entry, or nothing if it cannot be one."""
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        return
    if isinstance(imdb_id, str) and IMDB_ID.fullmatch(imdb_id):
        yield ChartEntry(rank, imdb_id, title if isinstance(title, str) else "")
