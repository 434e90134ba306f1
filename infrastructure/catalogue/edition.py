"""One edition of the catalogue: what is in it, and how a page of it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from application.catalogue_data import CatalogueData
from application.chart_changes import ChartPosition
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.figures.figure import Figure, RankLine
from infrastructure.catalogue.names import PageNames
from infrastructure.catalogue.sitemap import page_address
from infrastructure.catalogue.views import Card, Picture, card

_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Site:
    """What holds for every page.

    Attributes:
        url: where the catalogue will be served, ending in ``/``; empty when that is not known.
        feed: whether a feed is written beside the pages.
        assets: paths by plain name.
        pictures: posters by movie id.
        figures: of the charts page.
        past: the drawn line of a movie's ranks, by movie id.
    """

    url: str = ""
    feed: bool = False
    assets: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    past: Mapping[str, RankLine] = field(default_factory=dict)


class Edition:
    """A library, a site, and the templates that bring them together."""

    def __init__(self, library: CatalogueData, site: Site) -> None:
        self.library = library
        self.site = site
        self.names = PageNames(library)
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,  # titles, plots and names come from the web
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals.update(
            site={"feed": site.feed, "nav": self._navigation()},
            assets=site.assets,
        )

    def page(self, template: str, path: str, heading: str, **values: object) -> tuple[str, bytes]:
        """A page's path and content."""
        values = {"title": heading, "section": "", "heading_class": formats.length_class(heading), **values}
        text = self._environment.get_template(template).render(
            path=path,
            root="../" * path.count("/"),
            address=page_address(self.site.url, path) if self.site.url else "",
            heading=heading,
            **values,
        )
        return path, text.encode()

    def card(self, movie: Movie, standing: ChartPosition | None = None) -> Card:
        """A film's card."""
        return card(movie, self.names.film(movie.imdb_id), self.site.pictures.get(movie.imdb_id), standing)

    def imprint(self) -> str:
        """How many films there are and when they were last read; on front pages alone, for it changes every day."""
        films = formats.count(len(self.library.movies), "film")
        read_at = max((movie.scraped_at for movie in self.library.movies.values()), default=None)
        return films if read_at is None else f"{films}, last read on {formats.day(read_at)}"

    def _navigation(self) -> list[dict[str, str]]:
        charts = [
            {"name": formats.chart(chart.chart), "path": self.names.chart(chart.chart)} for chart in self.library.charts
        ]
        return [
            *(charts or [{"name": "Films", "path": "index.html"}]),
            {"name": "Genres", "path": "genres.html"},
            {"name": "Decades", "path": "decades.html"},
            {"name": "People", "path": "people.html"},
            {"name": "In figures", "path": "charts.html"},
        ]
