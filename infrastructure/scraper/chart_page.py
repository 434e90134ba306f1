"""A chart out of the bytes of its page.

Four layouts: the page's data as JSON (``__NEXT_DATA__``), the same list for search
engines (``ld+json``), the list in the markup of today, and, up to about 2023, a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import unescape
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, UnknownLayout
from domain.movie import IMDB_ID
from infrastructure.http import find_block
from infrastructure.scraper.page_bytes import LINKED_DATA, NEXT_DATA, addresses, as_utf8, load_json, scripts, valid_utf8
from infrastructure.scraper.values import FieldAbsent, list_at, optional, text_at, value_at

if TYPE_CHECKING:
    from bs4 import Tag

CHART_PATHS: Final = {
    ChartName.TOP250: "/chart/top/",
    ChartName.TOPTV: "/chart/toptv/",
    ChartName.MOVIEMETER: "/chart/moviemeter/",
    ChartName.BOTTOM100: "/chart/bottom/",
}
CHART_MARKS: Final = (b"chartTitles", b"itemListElement", b"titleColumn", b"ipc-metadata-list-summary-item")
"""Of each layout one word that stands in it; a title's page has none of the first three."""

_TITLE_LINK: Final = re.compile(r"/title/(tt\d+)")
_PRINTED_RANK: Final = re.compile(r"\s*([0-9]{1,6})\.")
_NUMBER: Final = re.compile(r"\s*([0-9]{1,6})\b")
_ROUTE: Final = re.compile(rb'"page"\s*:\s*"(/chart/[a-z]+)"')


def parse_chart(body: bytes) -> tuple[ChartEntry, ...]:
    """The places of a chart, in rank order; how many there should be is not known here.

    ``__NEXT_DATA__`` says each title's rank. The ``ld+json`` list adds what is
    missing there, provided that the two agree on the rest. The markup is read
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
        entries = list(_markup_entries(valid_utf8(body)))
    if not entries:
        raise UnknownLayout(
            "no chart was found in this page: __NEXT_DATA__ has no chartTitles, ld+json has no "
            "itemListElement, and the markup has neither a table of td.titleColumn nor a list of ranked titles"
        )
    return tuple(sorted(entries, key=lambda entry: entry.rank))


def chart_name(body: bytes) -> ChartName | None:
    """Which chart a page is, by its address."""
    places = [*addresses(body), *(found.decode() for found in _ROUTE.findall(body)[:1])]
    return next((name for place in places if (name := chart_at(place))), None)


def chart_at(address: str) -> ChartName | None:
    """The chart that has this address on any host."""
    place = address.split("?")[0].rstrip("/")
    return next((name for name, path in CHART_PATHS.items() if place.endswith(path.rstrip("/"))), None)


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
        with suppress(FieldAbsent):
            for edge in list_at(document, "props", "pageProps", "pageData", "chartTitles", "edges"):
                paths = (("currentRank",), ("node", "id"), ("node", "titleText", "text"))
                yield from _entry(*(optional(value_at, edge, *path) for path in paths))


def _ld_json_entries(body: bytes) -> Iterator[ChartEntry]:
    """The list for search engines; where it does not number its items, their order is the rank."""
    for document in _documents(body, LINKED_DATA):
        with suppress(FieldAbsent):
            for place, item in enumerate(list_at(document, "itemListElement"), 1):
                link = _TITLE_LINK.search(str(optional(value_at, item, "item", "url")))
                title = unescape(optional(text_at, item, "item", "name") or "")
                yield from _entry(optional(value_at, item, "position") or place, link and link[1], title)


def _documents(body: bytes, mark: bytes) -> Iterator[object]:
    """What the islands of this kind hold; the page may also be the bare ``__NEXT_DATA__`` document."""
    if body.lstrip().startswith(b"{"):
        islands: Iterable[bytes | memoryview] = [body] if mark == NEXT_DATA else []
    else:
        islands = (script.content for script in scripts(body, mark) if script.closed)
    for island in islands:
        with suppress(ValueError):
            yield load_json(island)


def _markup_entries(body: bytes) -> Iterator[ChartEntry]:
    """The places in the table of pages up to 2023, or in today's list."""
    if not any(mark in body for mark in CHART_MARKS[2:]):
        return
    from bs4 import BeautifulSoup, SoupStrainer  # takes a tenth of a second, and today's pages do without

    if CHART_MARKS[2] in body:
        rows = BeautifulSoup(body, "lxml", parse_only=SoupStrainer("tr"), from_encoding="utf-8").select("tr")
        for row in rows:
            yield from _row_entry(row)
        return
    if not any("/chart/" in place for place in addresses(body)):
        return  # the same elements list the results of a search
    items = BeautifulSoup(body, "lxml", parse_only=SoupStrainer("li"), from_encoding="utf-8")
    found = []
    for item in items.select("li.ipc-metadata-list-summary-item"):
        heading = item.select_one("h3, h4")
        link = _TITLE_LINK.search(_address(item.select_one('a[href*="/title/tt"]')))
        found.append((heading.get_text(strip=True) if heading else "", link and link[1]))
    # The popularity charts print no number before a title, which may begin with one itself; their order is the rank.
    ranks = [_PRINTED_RANK.match(words) for words, _ in found]
    for place, ((words, imdb_id), rank) in enumerate(zip(found, ranks, strict=True), 1):
        if rank and all(ranks):
            yield from _entry(int(rank[1]), imdb_id, words[rank.end() :].strip())
        else:
            yield from _entry(place, imdb_id, words)


def _address(anchor: Tag | None) -> str:
    return str(anchor["href"]) if anchor else ""


def _row_entry(row: Tag) -> Iterator[ChartEntry]:
    """A row of the old table. It may have been saved in another order than the ranks', so its own number counts.

    That stands before the title, or in the popularity charts in the cell of the poster and before the
    change of rank.
    """
    cell = row.select_one("td.titleColumn")
    anchor = cell.select_one('a[href*="/title/tt"]') if cell else None
    link = _TITLE_LINK.search(_address(anchor))
    if not cell or not anchor or not link:
        return
    before = takewhile(lambda part: part is not anchor, cell.descendants)
    rank = _PRINTED_RANK.match("".join(part for part in before if isinstance(part, str)))
    if rank is None and (marker := row.select_one('span[name="rk"]')):
        rank = _NUMBER.fullmatch(str(marker.get("data-value", "")))
    if rank is None and (velocity := cell.select_one(".velocity")):
        rank = _NUMBER.match(velocity.get_text())
    if rank:
        yield from _entry(int(rank[1]), link[1], anchor.get_text(strip=True))


def _entry(rank: object, imdb_id: object, title: object) -> Iterator[ChartEntry]:
    """The entry, or nothing if it cannot be one."""
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        return
    if isinstance(imdb_id, str) and IMDB_ID.fullmatch(imdb_id):
        yield ChartEntry(rank, imdb_id, title if isinstance(title, str) else "")
