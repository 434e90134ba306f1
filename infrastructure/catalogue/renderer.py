"""Renders pages from templates: addresses, cards, posters, and what every page has in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from application.catalogue_data import CatalogueData
from application.chart_changes import ChartPosition
from application.ports import Poster
from domain.movie import Movie
from infrastructure.catalogue import formats, typography
from infrastructure.catalogue.plots import Plot
from shared.countries import country_name

POSTERS: Final = "posters"
NOTICE: Final = "Information courtesy of IMDb (imdb.com). For personal, non-commercial use; not for publication."
_TEMPLATES: Final = Path(__file__).parent / "templates"
_DECADE: Final = re.compile(r"[0-9]{4}s")  # its s stays small
_FITS_ANYWHERE: Final = 6.0  # em; words up to this width fit every column at its largest font size
_TITLE_WIDTH: Final = 84  # of the title on a placeholder, and its smallest size, in % of the card's width
_SMALLEST: Final = 6.5
# Hue of the ground a genre gives to films without a poster; other genres get one from their name.
_HUES: Final = {
    "Action": 30, "Adventure": 145, "Animation": 320, "Biography": 75, "Comedy": 85, "Crime": 20, "Documentary": 200,
    "Drama": 260, "Family": 110, "Fantasy": 300, "Film-Noir": 270, "History": 60, "Horror": 15, "Music": 340,
    "Musical": 350, "Mystery": 285, "Romance": 5, "Sci-Fi": 220, "Sport": 130, "Thriller": 235, "War": 120,
    "Western": 50,
}  # fmt: skip


class ImageSource(msgspec.Struct, frozen=True):
    """One image format of a poster: candidates as (path, width), smallest first."""

    type: str
    candidates: tuple[tuple[str, int], ...]


class PosterImage(msgspec.Struct, frozen=True):
    """A poster as templates show it.

    Attributes:
        width, height: of the full size, in pixels.
        sources: formats in the browser's order of choice; every browser can show the last one.
        shareable: path of the full-size file in the most common format.
    """

    width: int
    height: int
    sources: tuple[ImageSource, ...]
    shareable: str

    @property
    def thumb(self) -> tuple[str, int]:
        """Path and width of the smallest file of the preferred format."""
        return self.sources[0].candidates[0]


class Placeholder(msgspec.Struct, frozen=True):
    """The designed card of a film without a poster: hues of two genres, and the size of its title in % of the width."""

    hue: int
    second_hue: int
    size: float
    title: str
    year: str


class Card(msgspec.Struct, frozen=True):
    """A film in a grid or a list; every value is text, missing ones are empty.

    Attributes:
        data: attributes that the script filters and sorts by.
    """

    href: str
    title: str
    poster: PosterImage | None
    placeholder: Placeholder
    year: str = ""
    by: str = ""
    rating: str = ""
    votes: str = ""
    metascore: str = ""
    rank: str = ""
    move: str = ""
    move_kind: str = ""
    move_words: str = ""
    data: Mapping[str, str | int | float] = msgspec.field(default_factory=dict)


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
    """Paths of the pages, relative to the top of the catalogue; None for what has no page."""

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

    def genre(self, name: str) -> str | None:
        return self._genres.get(name)

    def country(self, code: str) -> str | None:
        return self._countries.get(code)

    def decade(self, start: int | None) -> str:
        return "decades/unknown.html" if start is None else f"decades/{start}s.html"

    def film(self, imdb_id: str) -> str:
        return f"films/{imdb_id}.html"

    def person(self, person_id: str) -> str | None:
        return f"people/{person_id}.html" if person_id in self._people else None

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
        self.decade_paths = frozenset(map(self.urls.decade, data.decades))
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            auto_reload=False,
            autoescape=True,  # titles, plots and names come from the web
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters.update(
            fit=_fit,
            fit_heading=_fit_heading,
            fit_label=_fit_label,
            fit_text=_fit_text,
            words=typography.keep_words,
            prose=typography.mark_long_words,
        )
        self._environment.globals.update(site={"feed": site.feed, "notice": NOTICE}, assets=site.assets)
        parts: Any = self._environment.get_template("parts.html").module
        for macro, count in (("thumb", 5_000), ("roll_part", 10_000)):  # most films and people are on several pages
            self._environment.globals[macro] = lru_cache(count)(getattr(parts, macro))
        self._navigation = self._charts_and_indexes()
        self._menus: dict[tuple[str, str, str], Markup] = {}

    def page(
        self, template: str, path: str, heading: str, *, description: str = "", image: str = "", **values: object
    ) -> tuple[str, bytes]:
        """Returns a page's path and content.

        Args:
            template: file name.
            path: relative to the top of the catalogue.
            heading: the page's main heading, and its title unless ``values`` has one.
            description: for search engines and previews.
            image: path of a picture for previews.
            values: for the template.
        """
        site_url = self.site.url
        values = {"title": heading, "section": "", "kind": "website", "base": "", "indexed": True, **values}
        root = "../" * path.count("/")
        text = self._environment.get_template(template).render(
            path=path,
            root=root,
            menu=self._menu(root, path, str(values["section"])),
            address=page_address(site_url, path) if site_url and values["indexed"] else "",
            description=" ".join((description or f"{heading} in this catalogue of films.").split())[:300],
            image=f"{site_url}{image}" if site_url and image else "",
            heading=heading,
            heading_class=_heading_class(heading),
            heading_style=_heading_style(heading),
            **values,
        )
        return path, text.encode()

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
            poster=poster,
            placeholder=_NO_PLACEHOLDER if poster else placeholder(movie),
            year="" if movie.year is None else str(movie.year),
            by=movie.directors[0].person.name if movie.directors else "",
            rating="" if movie.rating is None else f"{movie.rating:.1f}",
            votes=formats.votes(movie.votes) if movie.votes else "",
            metascore="" if movie.metascore is None else str(movie.metascore),
            rank=str(position.rank) if position else "",
            move=move,
            move_kind=kind,
            move_words=words,
            data={name: value for name, value in data.items() if value not in (None, "")},
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

    def _menu(self, root: str, path: str, section: str) -> Markup:
        """Returns the menu as a page of a folder and a section has it."""
        here = path if any(entry["path"] == path for entry in self._navigation) else ""
        found = self._menus.get((root, here, section))
        if found is None:
            text = self._environment.get_template("menu.html").render(
                root=root, path=here, section=section, entries=self._navigation
            )
            found = self._menus[root, here, section] = Markup(text)  # noqa: S704 - rendered with autoescape
        return found

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


_NO_PLACEHOLDER: Final = Placeholder(0, 0, 0, "", "")  # of films with a poster


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


def placeholder(movie: Movie) -> Placeholder:
    """Returns the designed card of a film without a poster."""
    hues = [_hue(genre) for genre in movie.genres[:2]] or [_hue(movie.imdb_id)]
    title = formats.shortened(movie.title, 80)
    widest = typography.longest_word(title, typography.HEADING, upper=True)
    # A word that breaks even in the smallest size is set in one that is easier to read.
    smallest = _SMALLEST if widest * _SMALLEST <= _TITLE_WIDTH else 9
    size = typography.size_to_fit(title, _TITLE_WIDTH, 98, 0.92, smallest=smallest, largest=30)
    year = "" if movie.year is None else str(movie.year)
    return Placeholder(hues[0], hues[-1] if len(hues) > 1 else (hues[0] + 40) % 360, round(size, 1), title, year)


def _hue(name: str) -> int:
    return _HUES.get(name) or int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) % 360


def _heading_class(heading: str) -> str:
    """Chooses the largest size of a heading by its whole length."""
    width = typography.text_width(heading, typography.HEADING, upper=True)
    size = "short" if width <= 6 else "medium" if width <= 13 else "long" if width <= 26 else "longest"
    return f"{size} asis" if _DECADE.fullmatch(heading) else size


def _heading_style(heading: str) -> str:
    widest = typography.longest_word(heading, typography.HEADING, upper=True)
    return f"--w:{max(widest, 1):.2f}"


@lru_cache(maxsize=10_000)
def _fit(text: str, style: typography.TextStyle = typography.NAME) -> Markup:
    """Returns an attribute with the width of a text's longest word, if it may be too wide for a column."""
    widest = typography.longest_word(text, style)
    if widest <= _FITS_ANYWHERE:
        return Markup("")
    return Markup(' style="--w:{}"').format(f"{widest:.1f}")


def _fit_heading(text: str) -> Markup:
    return _fit(text, typography.HEADING)


def _fit_text(text: str) -> Markup:
    return _fit(text, typography.TEXT)


def _fit_label(text: str) -> Markup:
    return _fit(text, typography.LABEL)


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
