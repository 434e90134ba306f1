"""Builds a catalogue: the steps of publishing, each of which can fail by itself, and their order."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from application.catalogue_data import CatalogueData
from application.ports.publishing import Poster, PosterStore, PublishStep
from application.ports.runs import Reports
from application.publish import PublishPlan, StepOutcome, publish
from domain.errors import Cancelled, FilmledgerError
from infrastructure.catalogue import assets, search_index
from infrastructure.catalogue.elements import PosterImage
from infrastructure.catalogue.feeds import feed, site_address, sitemaps
from infrastructure.catalogue.film_pages import film_pages
from infrastructure.catalogue.grid_pages import chart_pages, list_pages
from infrastructure.catalogue.index_pages import error_page, findings_page, index_pages, person_pages
from infrastructure.catalogue.links import check_links
from infrastructure.catalogue.output import OutputFolder, OutputTally
from infrastructure.catalogue.plots import draw_plots, rank_trends, rating_trends
from infrastructure.catalogue.renderer import POSTERS, PageRenderer, PageUrls, SiteConfig, poster_image
from infrastructure.tables import Format, write

log = logging.getLogger(__name__)
_SHOWN_PROBLEMS: Final = 3
_MAIN_PAGES: Final = ("index.html", "charts.html", "genres.html", "decades.html", "people.html", "404.html")


class PublishOptions(msgspec.Struct, frozen=True):
    """How to publish.

    Attributes:
        out: output folder.
        site_url: address the catalogue will be served at; without it there is no sitemap.
        minify, fingerprint: apply to styles and scripts.
        sitemap, feed, report, links: which of these to write, or to check.
        parallel_assets: copy posters with ``workers`` threads.
        parallel_postprocess: write sitemap, feed and report at the same time.
        workers: threads for assets, at least 1.
    """

    out: Path
    site_url: str = ""
    minify: bool = True
    fingerprint: bool = True
    sitemap: bool = True
    feed: bool = True
    report: bool = True
    links: bool = True
    parallel_assets: bool = True
    parallel_postprocess: bool = True
    workers: int = 1


class PublishResult(msgspec.Struct, frozen=True):
    """How publishing ended; ``notes`` are remarks for the user that are not failures."""

    outcomes: tuple[StepOutcome, ...]
    tally: OutputTally
    notes: tuple[str, ...]

    @property
    def failures(self) -> int:
        """Number of failed steps."""
        return sum(outcome.failed for outcome in self.outcomes)

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled before its end."""
        return any(outcome.cancelled for outcome in self.outcomes)


def rendered_report(reports: Reports) -> Callable[[str], str]:
    """Returns a function that queries all reports and renders them as ``markdown`` or ``json``."""

    def rendered(form: str) -> str:
        out = io.StringIO()
        write(reports.tables(), Format(form), out)
        return out.getvalue()

    return rendered


def publish_catalogue(
    data: CatalogueData,
    posters: PosterStore,
    report: Callable[[str], str],
    options: PublishOptions,
    *,
    say: Callable[[StepOutcome], None],
    cancel: threading.Event,
) -> PublishResult:
    """Writes the catalogue; files that have not changed are not written.

    Args:
        data: what to show.
        posters: where the posters are.
        report: renders the report as ``markdown`` or ``json``.
        options: how to publish.
        say: called when a step ends.
        cancel: stops between two pages.

    Raises:
        UsageError: SITE_URL is not an address, or the output folder holds files of
            someone else at our paths. Nothing has been written then.
    """
    url = site_address(options.site_url)
    output = OutputFolder(options.out)
    state = BuildState(data, output, cancel, SiteConfig(url=url, feed=options.feed))
    concurrent: list[PublishStep] = []
    files: list[str] = [*_MAIN_PAGES, search_index.PATH]
    if options.sitemap and url:
        concurrent.append(SitemapStep(state))
        files.append("sitemap.xml")
    if options.feed:
        concurrent.append(FeedStep(state))
        files.append("feed.xml")
    if options.report:
        concurrent.append(ReportStep(state, report))
        files += ["report.md", "report.json"]
    output.refuse_foreign_files(files)
    tally = OutputTally(0, 0, 0)

    def finish(succeeded: bool) -> None:
        nonlocal tally
        tally = output.finish(remove=succeeded)

    workers = options.workers if options.parallel_assets else 1
    plan = PublishPlan(
        sequential=(
            AssetsStep(state, options.minify, options.fingerprint),
            PostersStep(state, posters, workers),
            PlotsStep(state),
            PagesStep(state),
            SearchStep(state),
        ),
        concurrent=concurrent,
        finish=finish,
        checks=(LinksStep(state),) if options.links else (),
    )
    outcomes = publish(plan, parallel=options.parallel_postprocess, report=say, cancel=cancel)
    notes = ["sitemap.xml is left out: it needs SITE_URL"] if options.sitemap and not url else []
    if from_files := sum(movie.dataset_day is not None for movie in data.movies.values()):
        notes.append(
            f"{from_files} of {len(data.movies)} titles have figures from IMDb's data files, whose licence allows "
            "personal and non-commercial use: keep this catalogue to yourself"
        )
    return PublishResult(outcomes, tally, tuple(notes))


def all_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    """Yields each page's path and content, the front page first. The same data gives the same bytes."""
    yield from chart_pages(renderer)
    yield from list_pages(renderer)
    yield from index_pages(renderer)
    yield findings_page(renderer)
    yield error_page(renderer)
    yield from film_pages(renderer, rank_trends(renderer.data), rating_trends(renderer.data))
    yield from person_pages(renderer)


class BuildState(msgspec.Struct):
    """A catalogue under construction; each step adds what later steps need."""

    data: CatalogueData
    output: OutputFolder
    cancel: threading.Event
    site: SiteConfig
    pages: list[str] = msgspec.field(default_factory=list)

    def check_cancelled(self) -> None:
        """Raises ``Cancelled`` once a stop was requested."""
        if self.cancel.is_set():
            raise Cancelled("publishing was stopped")


class AssetsStep(msgspec.Struct, frozen=True):
    """Writes styles, scripts and fonts."""

    state: BuildState
    minify: bool
    fingerprint: bool
    name: str = "assets"

    def run(self) -> None:
        try:
            bundle, missing = assets.bundle(minify=self.minify, fingerprint=self.fingerprint), None
        except ImportError as error:  # without a minifier the pages still need their styles
            bundle, missing = assets.bundle(minify=False, fingerprint=self.fingerprint), error
        self.state.site = replace(self.state.site, assets=bundle.paths)
        for path, body in bundle.files.items():
            self.state.output.write(path, body)
        if missing is not None:
            raise FilmledgerError(f"not minified: {missing}") from missing


class PostersStep(msgspec.Struct, frozen=True):
    """Copies the posters of the films with ``workers`` threads."""

    state: BuildState
    store: PosterStore
    workers: int
    name: str = "posters"

    def run(self) -> None:
        posters = [poster for poster in self.store.posters() if poster.imdb_id in self.state.data.movies]
        if self.workers > 1 and len(posters) > 1:
            with ThreadPoolExecutor(self.workers, thread_name_prefix="assets") as executor:
                copied = list(executor.map(self._copy, posters))
        else:
            copied = [self._copy(poster) for poster in posters]
        pairs = zip(posters, copied, strict=True)
        images = {poster.imdb_id: image for poster, image in pairs if isinstance(image, PosterImage)}
        self.state.site = replace(self.state.site, posters=images)
        lost = [each for each in copied if isinstance(each, str)]
        if lost:
            raise FilmledgerError(f"{len(lost)} could not be copied: {'; '.join(lost[:_SHOWN_PROBLEMS])}")

    def _copy(self, poster: Poster) -> PosterImage | str:
        """Returns the image, or why it could not be copied; that film is shown without a poster."""
        self.state.check_cancelled()
        try:
            for file in poster.files:
                self.state.output.copy(f"{POSTERS}/{file.path.name}", file.path, file.size)
        except OSError as error:
            return f"{poster.imdb_id}: {error.strerror or error}"
        return poster_image(poster)


class PlotsStep(msgspec.Struct, frozen=True):
    """Draws the plots of the findings page."""

    state: BuildState
    name: str = "plots"

    def run(self) -> None:
        self.state.site = replace(self.state.site, plots=draw_plots(self.state.data))


class PagesStep(msgspec.Struct, frozen=True):
    """Writes every HTML page."""

    state: BuildState
    name: str = "pages"

    def run(self) -> None:
        for path, body in all_pages(PageRenderer(self.state.data, self.state.site)):
            self.state.check_cancelled()
            self.state.output.write(path, body)
            self.state.pages.append(path)


class SearchStep(msgspec.Struct, frozen=True):
    """Writes the search index."""

    state: BuildState
    name: str = "search"

    def run(self) -> None:
        self.state.output.write(search_index.PATH, search_index.search_index(self.state.data))


class SitemapStep(msgspec.Struct, frozen=True):
    """Writes ``sitemap.xml``."""

    state: BuildState
    name: str = "sitemap"

    def run(self) -> None:
        urls = PageUrls(self.state.data)
        read = {urls.film(m.imdb_id): m.scraped_at.date().isoformat() for m in self.state.data.movies.values()}
        pages = [path for path in self.state.pages if path != "404.html"]
        for path, body in sitemaps(self.state.site.url, pages, read).items():
            self.state.output.write(path, body)


class FeedStep(msgspec.Struct, frozen=True):
    """Writes ``feed.xml``."""

    state: BuildState
    name: str = "feed"

    def run(self) -> None:
        self.state.output.write("feed.xml", feed(self.state.data, self.state.site.url))


class ReportStep(msgspec.Struct, frozen=True):
    """Writes ``report.md`` and ``report.json``; ``rendered`` renders the report in the given format."""

    state: BuildState
    rendered: Callable[[str], str]
    name: str = "report"

    def run(self) -> None:
        for path, form in (("report.md", "markdown"), ("report.json", "json")):
            self.state.output.write(path, self.rendered(form).encode())


class LinksStep(msgspec.Struct, frozen=True):
    """Checks every link in the finished output."""

    state: BuildState
    name: str = "links"

    def run(self) -> None:
        report = check_links(self.state.output.folder, self.state.output.current)
        log.info("links of %d pages checked", report.pages)
        for problem in report.problems:
            log.warning("broken link: %s", problem)
        if report.problems:
            shown = "; ".join(report.problems[:_SHOWN_PROBLEMS])
            more = len(report.problems) - _SHOWN_PROBLEMS
            raise FilmledgerError(
                f"{len(report.problems)} broken: {shown}" + (f"; and {more} more" if more > 0 else "")
            )
