"""The parts of publishing, each of which can fail by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from application.catalogue_data import CatalogueData
from application.ports import Poster, PosterStore
from domain.errors import Cancelled, FilmledgerError
from infrastructure.catalogue import assets
from infrastructure.catalogue.edition import Edition, Site
from infrastructure.catalogue.feed import feed
from infrastructure.catalogue.figures import draw_figures, draw_past
from infrastructure.catalogue.links import check_links
from infrastructure.catalogue.names import PageNames
from infrastructure.catalogue.output import OutputFolder
from infrastructure.catalogue.pages import all_pages
from infrastructure.catalogue.sitemap import sitemaps
from infrastructure.catalogue.views import POSTERS, Picture, picture

log = logging.getLogger(__name__)
_SHOWN_PROBLEMS: Final = 3


@dataclass(slots=True)
class Draft:
    """A catalogue in the making: each step adds what later ones need."""

    library: CatalogueData
    output: OutputFolder
    cancel: threading.Event
    site: Site
    pages: list[str] = field(default_factory=list)

    def check_cancelled(self) -> None:
        """Raises:
        Cancelled: we were asked to stop.
        """
        if self.cancel.is_set():
            raise Cancelled("publishing was stopped")


@dataclass(frozen=True, slots=True)
class Assets:
    """Styles, scripts and fonts."""

    draft: Draft
    minify: bool
    fingerprint: bool
    name: str = "assets"

    def run(self) -> None:
        try:
            bundle, missing = assets.bundle(minify=self.minify, fingerprint=self.fingerprint), None
        except ImportError as error:  # the pages need their styles, however large
            bundle, missing = assets.bundle(minify=False, fingerprint=self.fingerprint), error
        self.draft.site = replace(self.draft.site, assets=bundle.paths)
        for path, body in bundle.files.items():
            self.draft.output.write(path, body)
        if missing is not None:
            raise FilmledgerError(f"not minified: {missing}") from missing


@dataclass(frozen=True, slots=True)
class Posters:
    """The posters of the films there are, copied from the store by ``workers`` threads."""

    draft: Draft
    store: PosterStore
    workers: int
    name: str = "posters"

    def run(self) -> None:
        posters = [poster for poster in self.store.posters() if poster.imdb_id in self.draft.library.movies]
        if self.workers > 1 and len(posters) > 1:
            with ThreadPoolExecutor(self.workers, thread_name_prefix="assets") as executor:
                copied = list(executor.map(self._copy, posters))
        else:
            copied = [self._copy(poster) for poster in posters]
        found = {p.imdb_id: picture for p, picture in zip(posters, copied, strict=True) if isinstance(picture, Picture)}
        self.draft.site = replace(self.draft.site, pictures=found)
        lost = [each for each in copied if isinstance(each, str)]
        if lost:
            raise FilmledgerError(f"{len(lost)} could not be copied: {'; '.join(lost[:_SHOWN_PROBLEMS])}")

    def _copy(self, poster: Poster) -> Picture | str:
        """The picture, or why it could not be copied; that film is shown without one."""
        self.draft.check_cancelled()
        try:
            for file in poster.files:
                self.draft.output.copy(f"{POSTERS}/{file.path.name}", file.path, file.size)
        except OSError as error:
            return f"{poster.imdb_id}: {error.strerror or error}"
        return picture(poster)


@dataclass(frozen=True, slots=True)
class Figures:
    """The drawings of the charts page and of the films' histories."""

    draft: Draft
    name: str = "figures"

    def run(self) -> None:
        library = self.draft.library
        self.draft.site = replace(self.draft.site, figures=draw_figures(library), past=draw_past(library))


@dataclass(frozen=True, slots=True)
class Pages:
    """Every HTML page."""

    draft: Draft
    name: str = "pages"

    def run(self) -> None:
        for path, body in all_pages(Edition(self.draft.library, self.draft.site)):
            self.draft.check_cancelled()
            self.draft.output.write(path, body)
            self.draft.pages.append(path)


@dataclass(frozen=True, slots=True)
class Sitemap:
    """``sitemap.xml``."""

    draft: Draft
    name: str = "sitemap"

    def run(self) -> None:
        names = PageNames(self.draft.library)
        read = {names.film(m.imdb_id): m.scraped_at.date().isoformat() for m in self.draft.library.movies.values()}
        for path, body in sitemaps(self.draft.site.url, self.draft.pages, read).items():
            self.draft.output.write(path, body)


@dataclass(frozen=True, slots=True)
class Feed:
    """``feed.xml``."""

    draft: Draft
    name: str = "feed"

    def run(self) -> None:
        self.draft.output.write("feed.xml", feed(self.draft.library, self.draft.site.url))


@dataclass(frozen=True, slots=True)
class Report:
    """``report.md`` and ``report.json``; ``rendered`` gives the report in the form of that name."""

    draft: Draft
    rendered: Callable[[str], str]
    name: str = "report"

    def run(self) -> None:
        for path, form in (("report.md", "markdown"), ("report.json", "json")):
            self.draft.output.write(path, self.rendered(form).encode())


@dataclass(frozen=True, slots=True)
class Links:
    """The check of every link in the finished output."""

    draft: Draft
    name: str = "links"

    def run(self) -> None:
        report = check_links(self.draft.output.folder, self.draft.output.current)
        log.info("%d links on %d pages checked", report.links, report.pages)
        for problem in report.problems:
            log.warning("broken link: %s", problem)
        if report.problems:
            shown = "; ".join(report.problems[:_SHOWN_PROBLEMS])
            more = len(report.problems) - _SHOWN_PROBLEMS
            raise FilmledgerError(
                f"{len(report.problems)} broken: {shown}" + (f"; and {more} more" if more > 0 else "")
            )
