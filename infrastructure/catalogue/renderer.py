"""Renders pages from templates: addresses, cards, posters, and what every page has in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from application.catalogue_data import CatalogueData
from application.chart_changes import ChartPosition
from application.ports.posters import Poster
from domain.movie import Movie
from infrastructure.catalogue import elements, formats, typography
from infrastructure.catalogue.elements import Card, ImageSource, PosterImage
from infrastructure.catalogue.plots import Plot
from shared.countries import country_name

Page: TypeAlias = tuple[str, bytes]  # path and content
POSTERS: Final = "posters"
NOTICE: Final = "Information courtesy of IMDb (imdb.com). For personal, non-commercial use; not for publication."
_TEMPLATES: Final = Path(__file__).parent / "templates"
_OWN: Final = ("title", "description", "kind", "address", "image", "linked_data", "content", "imprint")  # of a page
_MAX_TITLE: Final = 120  # characters of a title in a list


class SiteConfig(msgspec.Struct, frozen=True):
    """Properties that all pages share.

    Attributes:
        url: address the catalogue will be served at, ending in ``/``; empty when unknown.
        feed: whether a feed is written beside the pages.
        assets: paths by plain name.
        posters: by movie id.
        plots: of the findings page.
    """

    url: str = ""
    feed: bool = False
    assets: Mapping[str, str] = msgspec.field(default_factory=dict)
    posters: Mapping[str, PosterImage] = msgspec.field(default_factory=dict)
    plots: tuple[Plot, ...] = ()


class PageUrls:
    """Paths of the pages, relative to the top of the catalogue; empty for what has no page."""

    def __init__(self, data: CatalogueData) -> None:
        charts = [chart.chart for chart in data.charts]
        self._charts = dict(zip(charts, ("index.html", *_paths("charts", charts[1:])), strict=False))
        self._genres = dict(zip(data.genres, _paths("genres", data.genres), strict=True))
        names = [country_name(code) for code in data.countries]
        self._countries = dict(zip(data.countries, _paths("places", names), strict=True))
        self._people = data.people

    def chart(self, name: str) -> str:
        """The chart seen last is the front page."""
        return self._charts[name]

    def changes(self, name: str) -> str:
        path = self.chart(name)
        return "changes.html" if path == "index.html" else f"{path.removesuffix('.html')}-changes.html"

    def genre(self, name: str) -> str:
        return self._genres.get(name, "")

    def country(self, code: str) -> str:
        return self._countries.get(code, "")

    def decade(self, start: int | None) -> str:
        return "decades/unknown.html" if start is None else f"decades/{start}s.html"

    def film(self, imdb_id: str) -> str:
        return f"films/{imdb_id}.html"

    def person(self, person_id: str) -> str:
        return f"people/{person_id}.html" if person_id in self._people else ""

    def letter(self, letter: str) -> str:
        return f"people/{'other' if letter == '#' else letter.lower()}.html"


def numbered(path: str, number: int) -> str:
    """Returns the path of a further page of a list; the first page keeps the plain path."""
    return path if number == 1 else f"{path.removesuffix('.html')}-page-{number}.html"


def page_address(site_url: str, path: str) -> str:
    """Returns the address a page will be served at; that of the front page is the folder."""
    return site_url if path == "index.html" else f"{site_url}{path}"


class PageRenderer:
    """Renders the pages of one catalogue. The same data gives the same bytes."""

    def __init__(self, data: CatalogueData, site: SiteConfig) -> None:
        self.data = data
        self.site = site
        self.urls = PageUrls(data)
        self._cards: dict[str, Card] = {}
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            auto_reload=False,
            autoescape=True,  # titles, plots and names come from the web
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals.clear()  # they would be copied for each page
        self._environment.filters.update(
            film_lines=elements.film_lines,
            film_name=elements.film_name,
            fit=elements.fit,
            fit_heading=partial(elements.fit, style=typography.HEADING),
            fit_text=partial(elements.fit, style=typography.TEXT),
            grid_card=elements.grid_card,
            index_entries=elements.index_entries,
            main_heading=elements.main_heading,
            prose=typography.mark_long_words,
            roll=elements.roll,
            thumb=elements.thumb,
            words=typography.keep_words,
        )
        self._menu = self._charts_and_indexes()
        self._menu_paths = frozenset(entry["path"] for entry in self._menu)
        self._template = lru_cache(maxsize=None)(self._environment.get_template)
        self._frame = lru_cache(maxsize=None)(self._render_frame)

    def page(
        self,
        template: str,
        path: str,
        heading: str,
        *,
        title: str = "",
        description: str = "",
        image: str = "",
        kind: str = "website",
        section: str = "",
        imprint: str = "filmledger",
        linked_data: Markup | None = None,
        scripts: tuple[str, ...] = (),
        base: str = "",
        indexed: bool = True,
        **values: object,
    ) -> Page:
        """Returns a page's path and content.

        Args:
            template: file name of the template of its content.
            path: relative to the top of the catalogue.
            heading: the page's main heading.
            title: the heading unless given.
            description: for search engines and previews.
            image: path of a picture for previews.
            kind: its Open Graph type.
            section: path of the page that the menu marks for it.
            imprint: text at the end of the page.
            linked_data: its content as JSON-LD.
            scripts: names of the scripts that only some pages have.
            base: address that its links start from; the page itself unless given.
            indexed: whether search engines may list it.
            values: for the template.
        """
        site_url = self.site.url
        root = "../" * path.count("/")
        content = self._template(template).render(path=path, root=root, heading=heading, **values)
        own = {  # what differs from page to page
            "title": title or heading,
            "description": " ".join((description or f"{heading} in this catalogue of films.").split())[:300],
            "kind": kind,
            "address": page_address(site_url, path) if site_url and indexed else "",
            "image": f"{site_url}{image}" if site_url and image else "",
            "linked_data": linked_data or "",
            "content": Markup(content),  # noqa: S704 - rendered with autoescape
            "imprint": imprint,
        }
        filled = {name: escape(value) for name, value in own.items() if value}
        frame = self._frame(
            tuple(filled),
            root=root,
            here=path if path in self._menu_paths else "",
            section=section,
            scripts=scripts,
            base=base,
            indexed=indexed,
        )
        return path, (frame % filled).encode()

    def _render_frame(self, filled: tuple[str, ...], **shared: object) -> str:
        """Returns what pages of a folder and a section have in common, with ``%(title)s`` and so on in it.

        Rendering this once and not for each page saves a third of the time of a small page.
        """
        text = self._template("base.html").render(
            menu=self._menu,
            assets=self.site.assets,
            feed=self.site.feed,
            notice=NOTICE,
            **{name: f"\0{name}\0" if name in filled else "" for name in _OWN},
            **shared,
        )
        return re.sub("\0(.+?)\0", r"%(\1)s", text.replace("%", "%%"))

    def card(self, movie: Movie, position: ChartPosition | None = None) -> Card:
        """Returns a film's card; with a position it shows rank and movement."""
        if position is not None:
            return self._card(movie, position)
        known = self._cards.get(movie.imdb_id)  # a film is shown on many pages
        if known is None:
            known = self._cards[movie.imdb_id] = self._card(movie, None)
        return known

    def _card(self, movie: Movie, position: ChartPosition | None) -> Card:
        poster = self.poster(movie)
        title = formats.shortened(movie.title, _MAX_TITLE)
        move, kind, words = _movement(position)
        data: dict[str, str | int | float | None] = {
            "text": formats.searchable(" ".join(_searched_text(movie))),
            "genres": "|".join(movie.genres),
            "year": movie.year,
            "minutes": movie.duration_minutes,
            "rating": movie.rating,
            "votes": movie.votes,
            "metascore": movie.metascore,
            "rank": position.rank if position else None,
            "climbed": position.climbed if position and position.before is not None else None,
            "move": kind or None,
        }
        return Card(
            href=self.urls.film(movie.imdb_id),
            title=movie.title,
            name=typography.keep_words(title),
            fit=elements.fit(title),
            poster=poster,
            blank=Markup("") if poster else elements.blank_poster(movie),
            year="" if movie.year is None else str(movie.year),
            by=movie.directors[0].person.name if movie.directors else "",
            rating="" if movie.rating is None else f"{movie.rating:.1f}",
            votes=formats.votes(movie.votes) if movie.votes else "",
            metascore="" if movie.metascore is None else str(movie.metascore),
            rank=str(position.rank) if position else "",
            move=move,
            move_kind=kind,
            move_words=words,
            data=elements.data_attributes(data),
        )

    def poster(self, movie: Movie) -> PosterImage | None:
        return self.site.posters.get(movie.imdb_id)

    def share_image(self, movies: Iterable[Movie]) -> str:
        """Returns the path of the first poster there is, for previews of a page."""
        return next((found.shareable for movie in movies if (found := self.poster(movie))), "")

    def imprint(self) -> str:
        """Returns number and date of the records. For front pages only, because it changes with every run."""
        films = formats.count(len(self.data.movies), "film")
        read_at = max((movie.scraped_at for movie in self.data.movies.values()), default=None)
        return films if read_at is None else f"{films}, last read on {formats.day(read_at)}"

    def _charts_and_indexes(self) -> list[dict[str, str]]:
        charts = [
            {"name": formats.chart(chart.chart), "path": self.urls.chart(chart.chart)} for chart in self.data.charts
        ]
        return [
            *(charts or [{"name": "Films", "path": "index.html"}]),
            {"name": "Genres", "path": "genres.html"},
            {"name": "Decades", "path": "decades.html"},
            *([{"name": "Places", "path": "places.html"}] if self.data.countries else []),
            {"name": "People", "path": "people.html"},
            {"name": "Findings", "path": "charts.html"},
        ]


def poster_image(poster: Poster) -> PosterImage:
    """Returns a stored poster as templates show it."""
    by_format: dict[str, list[tuple[str, int]]] = {}
    for file in poster.files:
        by_format.setdefault(file.format, []).append((f"{POSTERS}/{file.path.name}", file.width))
    full = poster.files[0]
    sources = [
        ImageSource(f"image/{kind}", tuple(sorted(found, key=lambda candidate: candidate[1])))
        for kind, found in sorted(by_format.items(), key=lambda item: item[0] != "webp")
    ]
    return PosterImage(full.width, full.height, tuple(sources), sources[-1].candidates[-1][0])


def _searched_text(movie: Movie) -> list[str]:
    """Returns what the filter of a page looks in besides the title."""
    names = [credit.person.name for credit in (*movie.directors, *movie.cast[:6])]
    return [movie.original_title or "", *dict.fromkeys(names)]


def _movement(position: ChartPosition | None) -> tuple[str, str, str]:
    """Returns sign, kind and words of a movement; empty when there is nothing to compare with."""
    if position is None:
        return "", "", ""
    if position.is_new:
        return "New", "new", "new in the chart"
    if position.before is None:
        return "", "", ""
    places = formats.count(abs(position.climbed), "place")
    if position.climbed > 0:
        return f"↑{position.climbed}", "up", f"up {places}"
    if position.climbed < 0:
        return f"↓{-position.climbed}", "down", f"down {places}"
    return "", "same", ""


def _paths(folder: str, names: Iterable[str]) -> list[str]:
    """Returns readable paths, no two of them equal."""
    paths: list[str] = []
    for name in names:
        stem = formats.slug(name)
        path = f"{folder}/{stem}.html"
        if not stem or path in paths:
            path = f"{folder}/{stem or 'other'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.html"
        paths.append(path)
    return paths
