"""``sitemap.xml`` for search engines, ``feed.xml`` with the changes of the charts, and the index of the search dialog.

Sources: https://www.sitemaps.org/protocol.html, https://www.rssboard.org/rss-specification
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree

from application.catalogue_data import CatalogueData
from application.chart_changes import Move, chart_moves
from domain.errors import UsageError
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.renderer import PageUrls, page_address
from shared.countries import country_name

SEARCH_INDEX: Final = "search-index.js"
MAX_ENTRIES: Final = 50_000
MAX_ITEMS: Final = 100
_MOVERS_PER_DAY: Final = 10
_SITEMAP: Final = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_SITEMAP_NAMES: Final[Any] = {None: _SITEMAP[1:-1]}  # lxml's stubs lack the None for names without a prefix
_ATOM: Final = "http://www.w3.org/2005/Atom"
_IMDB_CHARTS: Final = "https://www.imdb.com/chart/top/"


def site_address(text: str) -> str:
    """Returns ``SITE_URL`` with a final ``/``; empty stays empty.

    Raises:
        UsageError: it is no absolute http address, or has a query.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        valid = False
    if not valid or any(char.isspace() for char in text):
        raise UsageError("SITE_URL: allowed: an address such as https://films.example/ without a query")
    return text if text.endswith("/") else f"{text}/"


def sitemaps(site: str, pages: Sequence[str], changed: Mapping[str, str]) -> dict[str, bytes]:
    """Returns ``sitemap.xml``; with too many pages for one file, an index of that name and its parts.

    Args:
        site: ends in ``/``.
        pages: paths of all pages.
        changed: day a page's content was read, by path, where known.
    """
    if len(pages) <= MAX_ENTRIES:
        return {"sitemap.xml": _sitemap(site, pages, changed)}
    starts = range(0, len(pages), MAX_ENTRIES)
    parts = [_sitemap(site, pages[start : start + MAX_ENTRIES], changed) for start in starts]
    files = {f"sitemap-{number}.xml": part for number, part in enumerate(parts, start=1)}
    index = etree.Element(f"{_SITEMAP}sitemapindex", nsmap=_SITEMAP_NAMES)
    for name in files:
        _add(_add(index, f"{_SITEMAP}sitemap"), f"{_SITEMAP}loc", f"{site}{name}")
    return {**files, "sitemap.xml": _to_bytes(index)}


def _sitemap(site: str, pages: Sequence[str], changed: Mapping[str, str]) -> bytes:
    root = etree.Element(f"{_SITEMAP}urlset", nsmap=_SITEMAP_NAMES)
    for path in pages:
        url = _add(root, f"{_SITEMAP}url")
        _add(url, f"{_SITEMAP}loc", page_address(site, path))
        if path in changed:
            _add(url, f"{_SITEMAP}lastmod", changed[path])
    return _to_bytes(root)


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, name, attributes)
    element.text = text
    return element


def _to_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def feed(data: CatalogueData, site: str) -> bytes:
    """Returns ``feed.xml``: newcomers, leavers and the biggest movers of the last days, newest first.

    Args:
        data: the catalogue with its snapshots.
        site: address the catalogue will be served at, ending in ``/``; without one, entries link to IMDb.
    """
    urls = PageUrls(data)
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", "filmledger: what changed in the charts")
    _add(channel, "link", site or _IMDB_CHARTS)
    _add(channel, "description", "Films that entered, left, rose or fell, from day to day.")
    _add(channel, "language", "en")
    if data.snapshots:
        latest = max(snapshot.taken_at for snapshot in data.snapshots)
        _add(channel, "lastBuildDate", format_datetime(latest, usegmt=True))
    _add(channel, "generator", "filmledger")
    if site:
        _add(channel, f"{{{_ATOM}}}link", href=f"{site}feed.xml", rel="self", type="application/rss+xml")
    moves = chart_moves(data.snapshots, _MOVERS_PER_DAY)
    known = [(move, data.movies[move.imdb_id]) for move in moves if move.imdb_id in data.movies]
    for move, movie in known[:MAX_ITEMS]:
        item = etree.SubElement(channel, "item")
        _add(item, "title", _headline(move, movie))
        _add(item, "link", page_address(site, urls.film(movie.imdb_id)) if site else movie.source_url)
        _add(item, "description", _sentence(move, movie))
        _add(item, "guid", f"filmledger:{move.chart}:{move.run_id}:{move.imdb_id}", isPermaLink="false")
        _add(item, "category", formats.chart(move.chart))
        _add(item, "pubDate", format_datetime(move.taken_at, usegmt=True))
    return _to_bytes(root)


def _name(movie: Movie) -> str:
    title = " ".join(movie.title.split())
    return title if movie.year is None else f"{title} ({movie.year})"


def _headline(move: Move, movie: Movie) -> str:
    if move.before is None:
        return f"New at {move.rank}: {_name(movie)}"
    if move.rank is None:
        return f"Gone from {move.before}: {_name(movie)}"
    direction = "Up" if move.rank < move.before else "Down"
    return f"{direction} {abs(move.before - move.rank)} to {move.rank}: {_name(movie)}"


def _sentence(move: Move, movie: Movie) -> str:
    chart = f"in the chart {formats.chart(move.chart)}, {formats.day(move.taken_at)}"
    if move.before is None:
        return f"{_name(movie)} is new at rank {move.rank} {chart}."
    if move.rank is None:
        return f"{_name(movie)}, at rank {move.before} before, is no longer {chart}."
    verb = "rose" if move.rank < move.before else "fell"
    return f"{_name(movie)} {verb} from rank {move.before} to rank {move.rank} {chart}."


# --- search --------------------------------------------------------------------------


def search_index(data: CatalogueData) -> bytes:
    """Returns a script that hands the index to the search dialog.

    It is a script because pages opened from disk may load scripts but not JSON.
    Each entry is [name, note, path]; the most important entries of each kind come first.
    """
    urls = PageUrls(data)
    kinds = {"lists": _lists(data, urls), "films": _films(data, urls), "people": _people(data, urls)}
    lists = [b'"%b":[\n%b\n]' % (kind.encode(), b",\n".join(map(_line, entries))) for kind, entries in kinds.items()]
    return b"window.filmledgerSearch({\n%b\n});\n" % b",\n".join(lists)


def _line(entry: list[str]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _lists(data: CatalogueData, urls: PageUrls) -> Iterator[list[str]]:
    for chart in data.charts:
        yield [formats.chart(chart.chart), "chart", urls.chart(chart.chart)]
    for genre, movies in data.genres.items():
        yield [genre, f"genre, {formats.count(len(movies), 'film')}", urls.genre(genre)]
    for decade, movies in data.decades.items():
        if decade is not None:
            yield [formats.decade(decade), f"decade, {formats.count(len(movies), 'film')}", urls.decade(decade)]
    for code, movies in data.countries.items():
        yield [country_name(code), f"country, {formats.count(len(movies), 'film')}", urls.country(code)]


def _films(data: CatalogueData, urls: PageUrls) -> Iterator[list[str]]:
    for movie in sorted(data.movies.values(), key=lambda movie: (-(movie.votes or 0), movie.imdb_id)):
        year = str(movie.year) if movie.year else ""
        other = movie.original_title if movie.original_title and movie.original_title != movie.title else ""
        yield [movie.title, ", ".join(part for part in (year, other) if part), urls.film(movie.imdb_id)]


def _people(data: CatalogueData, urls: PageUrls) -> Iterator[list[str]]:
    counts = {person_id: len({each.movie.imdb_id for each in found}) for person_id, found in data.people.items()}
    for person_id in sorted(counts, key=lambda person_id: (-counts[person_id], person_id)):
        name = data.people[person_id][0].credit.person.name
        yield [name, formats.count(counts[person_id], "film"), urls.person(person_id)]
