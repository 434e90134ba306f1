"""What moved in the charts, as a feed.

Source: https://www.rssboard.org/rss-specification
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Final

from lxml import etree

from application.catalogue_data import CatalogueData
from application.chart_changes import Move, moves
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.names import PageNames
from infrastructure.catalogue.sitemap import page_address

MAX_ITEMS: Final = 100
_MOVERS_A_RUN: Final = 10
_ATOM: Final = "http://www.w3.org/2005/Atom"
_IMDB_CHARTS: Final = "https://www.imdb.com/chart/top/"


def feed(library: CatalogueData, site: str) -> bytes:
    """``feed.xml``: newcomers, leavers and the biggest movers of the last runs, newest first.

    Args:
        library: with its snapshots.
        site: where the catalogue will be served, ending in ``/``; without one, entries lead to IMDb.
    """
    names = PageNames(library)
    root = etree.Element("rss", {"version": "2.0"}, nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", "filmledger: what moved in the charts")
    _add(channel, "link", site or _IMDB_CHARTS)
    _add(channel, "description", "Films that came, went, rose or fell, from run to run.")
    _add(channel, "language", "en")
    if library.snapshots:
        latest = max(snapshot.taken_at for snapshot in library.snapshots)
        _add(channel, "lastBuildDate", format_datetime(latest, usegmt=True))
    _add(channel, "generator", "filmledger")
    if site:
        address = f"{site}feed.xml"
        etree.SubElement(channel, f"{{{_ATOM}}}link", {"href": address, "rel": "self", "type": "application/rss+xml"})
    known = [(move, library.movies[move.imdb_id]) for move in _moves(library) if move.imdb_id in library.movies]
    for move, movie in known[:MAX_ITEMS]:
        item = etree.SubElement(channel, "item")
        _add(item, "title", _headline(move, movie))
        _add(item, "link", page_address(site, names.film(movie.imdb_id)) if site else movie.source_url)
        _add(item, "description", _sentence(move, movie))
        _add(item, "guid", f"filmledger:{move.chart}:{move.run_id}:{move.imdb_id}", isPermaLink="false")
        _add(item, "category", formats.chart(move.chart))
        _add(item, "pubDate", format_datetime(move.taken_at, usegmt=True))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _moves(library: CatalogueData) -> tuple[Move, ...]:
    return moves(library.snapshots, _MOVERS_A_RUN)


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


def _add(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    etree.SubElement(parent, name, attributes).text = text
