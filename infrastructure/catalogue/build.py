"""Builds a catalogue: the steps of publishing, each of which can fail by itself, and their order."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec.structs import replace

from application.catalogue_data import CatalogueData
from application.ports.posters import Poster, PosterStore
from application.ports.runs import Reports
from application.publish import PublishPlan, Step, StepOutcome, publish
from domain.errors import Cancelled, FilmledgerError
from infrastructure.catalogue.elements import PosterImage
from infrastructure.catalogue.feeds import SEARCH_INDEX, feed, search_index, site_address, sitemaps
from infrastructure.catalogue.film_pages import film_pages
from infrastructure.catalogue.index_pages import (
    chart_pages,
    error_page,
    findings_page,
    index_pages,
    list_pages,
    person_pages,
)
from infrastructure.catalogue.output import OutputFolder, OutputTally, check_links
from infrastructure.catalogue.plots import draw_plots
from infrastructure.catalogue.renderer import POSTERS, Page, PageRenderer, PageUrls, SiteConfig, poster_image
from infrastructure.catalogue.typography import FONT_FILES, FONTS
from infrastructure.tables import Format, write

log = logging.getLogger(__name__)
_SHOWN_PROBLEMS: Final = 3
_MAIN_PAGES: Final = ("index.html", "charts.html", "genres.html", "decades.html", "people.html", "404.html")
_HERE: Final = Path(__file__).parent
_ASSETS: Final = "assets"
_STYLES: Final = (
    "foundation.css", "masthead.css", "grid.css", "lists.css", "film.css", "plots.css", "search.css", "print.css",
)  # fmt: skip
_SCRIPTS: Final = ("theme.js", "grid.js", "search.js")
_STYLE_URL: Final = re.compile(r'url\("([^":]+)"\)')


class PublishOptions(msgspec.Struct, frozen=True):
    """How to publish.

    Attributes:
        out: output folder.
        site_url: address the catalogue will be served at; without it there is no sitemap.
        minify, fingerprint: apply to styles and scripts.
        sitemap, feed, report, links: which of these to write, or to check.
        parallel_postprocess: write sitemap, feed and report at the same time.
        workers: threads that copy posters, at least 1.
    """

    out: Path
    site_url: str = ""
    minify: bool = True
    fingerprint: bool = True
    sitemap: bool = True
    feed: bool = True
    report: bool = True
    links: bool = True
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
    state = BuildState(data, posters, report, options, output, cancel, SiteConfig(url=url, feed=options.feed))
    concurrent: list[Step] = []
    files: list[str] = [*_MAIN_PAGES, SEARCH_INDEX]
    if options.sitemap and url:
        concurrent.append(Step("sitemap", state.write_sitemap))
        files.append("sitemap.xml")
    if options.feed:
        concurrent.append(Step("feed", state.write_feed))
        files.append("feed.xml")
    if options.report:
        concurrent.append(Step("report", state.write_report))
        files += ["report.md", "report.json"]
    output.refuse_foreign_files(files)
    plan = PublishPlan(
        sequential=(
            Step("assets", state.write_assets),
            Step("posters", state.copy_posters),
            Step("plots", state.make_plots),
            Step("pages", state.write_pages),
            Step("search", state.write_search_index),
        ),
        concurrent=concurrent,
        finish=state.finish,
        checks=(Step("links", state.report_broken_links),) if options.links else (),
    )
    outcomes = publish(plan, parallel=options.parallel_postprocess, report=say, cancel=cancel)
    notes = ["sitemap.xml is left out: it needs SITE_URL"] if options.sitemap and not url else []
    if from_files := sum(movie.dataset_day is not None for movie in data.movies.values()):
        notes.append(
            f"{from_files} of {len(data.movies)} titles have figures from IMDb's data files, whose licence allows "
            "personal and non-commercial use: keep this catalogue to yourself"
        )
    return PublishResult(outcomes, state.tally, tuple(notes))


def all_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields each page's path and content, the front page first. The same data gives the same bytes."""
    yield from chart_pages(renderer)
    yield from list_pages(renderer)
    yield from index_pages(renderer)
    yield findings_page(renderer)
    yield error_page(renderer)
    yield from film_pages(renderer)
    yield from person_pages(renderer)


class BuildState(msgspec.Struct):
    """A catalogue under construction; each step adds to ``site`` and ``pages`` what later steps need."""

    data: CatalogueData
    posters: PosterStore
    report: Callable[[str], str]
    options: PublishOptions
    output: OutputFolder
    cancel: threading.Event
    site: SiteConfig
    pages: list[str] = msgspec.field(default_factory=list)
    tally: OutputTally = OutputTally(0, 0, 0)

    def write_assets(self) -> None:
        """Writes styles, scripts and fonts."""
        bundle = bundle_assets(minify=self.options.minify, fingerprint=self.options.fingerprint)
        self.site = replace(self.site, assets=bundle.paths)
        for path, body in bundle.files.items():
            self.output.write(path, body)

    def copy_posters(self) -> None:
        """Copies the posters of the films; a film whose poster cannot be copied is shown without one."""
        posters = [poster for poster in self.posters.posters() if poster.imdb_id in self.data.movies]
        with ThreadPoolExecutor(self.options.workers, thread_name_prefix="assets") as executor:
            copied = list(executor.map(self._copy_poster, posters))
        pairs = zip(posters, copied, strict=True)
        images = {poster.imdb_id: image for poster, image in pairs if isinstance(image, PosterImage)}
        self.site = replace(self.site, posters=images)
        if lost := [each for each in copied if isinstance(each, str)]:
            raise FilmledgerError(f"{len(lost)} could not be copied: {'; '.join(lost[:_SHOWN_PROBLEMS])}")

    def _copy_poster(self, poster: Poster) -> PosterImage | str:
        """Returns the image, or why it could not be copied."""
        self._check_cancelled()
        try:
            for file in poster.files:
                self.output.copy(f"{POSTERS}/{file.path.name}", file.path, file.size)
        except OSError as error:
            return f"{poster.imdb_id}: {error.strerror or error}"
        return poster_image(poster)

    def make_plots(self) -> None:
        """Draws the plots of the findings page."""
        self.site = replace(self.site, plots=draw_plots(self.data))

    def write_pages(self) -> None:
        """Writes every HTML page."""
        for path, body in all_pages(PageRenderer(self.data, self.site)):
            self._check_cancelled()
            self.output.write(path, body)
            self.pages.append(path)

    def write_search_index(self) -> None:
        """Writes the index of the search dialog."""
        self.output.write(SEARCH_INDEX, search_index(self.data))

    def write_sitemap(self) -> None:
        """Writes ``sitemap.xml``, in several files if it is too long for one."""
        urls = PageUrls(self.data)
        read = {urls.film(movie.imdb_id): movie.scraped_at.date().isoformat() for movie in self.data.movies.values()}
        pages = [path for path in self.pages if path != "404.html"]
        for path, body in sitemaps(self.site.url, pages, read).items():
            self.output.write(path, body)

    def write_feed(self) -> None:
        """Writes ``feed.xml``."""
        self.output.write("feed.xml", feed(self.data, self.site.url))

    def write_report(self) -> None:
        """Writes ``report.md`` and ``report.json``."""
        for path, form in (("report.md", "markdown"), ("report.json", "json")):
            self.output.write(path, self.report(form).encode())

    def finish(self, succeeded: bool) -> None:
        """Writes the list of files; removes those of earlier publishes only if every step ``succeeded``."""
        self.tally = self.output.finish(remove=succeeded)

    def report_broken_links(self) -> None:
        """Checks every link in the finished output."""
        report = check_links(self.output.folder, self.output.current)
        log.info("links of %d pages checked", report.pages)
        for problem in report.problems:
            log.warning("broken link: %s", problem)
        if report.problems:
            shown = "; ".join(report.problems[:_SHOWN_PROBLEMS])
            more = len(report.problems) - _SHOWN_PROBLEMS
            raise FilmledgerError(
                f"{len(report.problems)} broken: {shown}" + (f"; and {more} more" if more > 0 else "")
            )

    def _check_cancelled(self) -> None:
        if self.cancel.is_set():
            raise Cancelled("publishing was stopped")


class AssetBundle(msgspec.Struct, frozen=True):
    """Everything pages refer to besides posters.

    Attributes:
        files: content by path relative to the output folder.
        paths: the path by the plain name that templates use: ``catalogue.css``.
    """

    files: Mapping[str, bytes]
    paths: Mapping[str, str]


def bundle_assets(*, minify: bool, fingerprint: bool) -> AssetBundle:
    """Joins and minifies styles and scripts, and names all assets by their content so that browsers can cache them."""
    files: dict[str, bytes] = {}
    paths: dict[str, str] = {}

    def add(name: str, body: bytes) -> None:
        path = PurePosixPath(_ASSETS, name)
        if fingerprint:
            path = path.with_name(f"{path.stem}.{hashlib.sha256(body).hexdigest()[:8]}{path.suffix}")
        files[str(path)] = body
        paths[name] = str(path)

    for name in FONT_FILES:
        add(name, (FONTS / name).read_bytes())
    add("archivo-licence.txt", (FONTS / "OFL.txt").read_bytes())
    add("icon.svg", (_HERE / "styles" / "icon.svg").read_bytes())
    style = "\n".join((_HERE / "styles" / name).read_text(encoding="utf-8") for name in _STYLES)
    # Styles and fonts are in one folder.
    style = _STYLE_URL.sub(lambda match: f'url("{PurePosixPath(paths[match[1]]).name}")', style)
    scripts = {name: (_HERE / "scripts" / name).read_text(encoding="utf-8") for name in _SCRIPTS}
    if minify:
        import rcssmin  # type: ignore[import-untyped]
        import rjsmin  # type: ignore[import-untyped]

        style = f"{rcssmin.cssmin(style)}\n"
        scripts = {name: f"{rjsmin.jsmin(script)}\n" for name, script in scripts.items()}
    add("catalogue.css", style.encode())
    for name, script in scripts.items():
        add(name, script.encode())
    return AssetBundle(files, paths)
