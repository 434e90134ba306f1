"""A catalogue put together from its parts."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.catalogue_data import CatalogueData
from application.ports import PosterStore, PublishStep, Reports
from application.publish import PublishPlan, StepOutcome, publish
from infrastructure.catalogue import steps
from infrastructure.catalogue.edition import Site
from infrastructure.catalogue.output import OutputFolder, Tally
from infrastructure.catalogue.sitemap import site_address
from infrastructure.tables.rendering import Format, write

_ALWAYS: Final = ("index.html", "charts.html", "genres.html", "decades.html", "people.html")


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How to publish.

    Attributes:
        out: folder that the catalogue goes to.
        site_url: where it will be served; without it there is no sitemap.
        minify, fingerprint: of styles and scripts.
        sitemap, feed, report, links: which of these to make, or to check.
        parallel_assets: copy posters with ``workers`` threads.
        parallel_postprocess: make sitemap, feed and report at the same time.
        workers: for assets, at least 1.
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


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it."""

    outcomes: tuple[StepOutcome, ...]
    tally: Tally
    notes: tuple[str, ...]

    @property
    def failures(self) -> int:
        """Steps that failed."""
        return sum(outcome.failed for outcome in self.outcomes)

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled before its end."""
        return any(outcome.cancelled for outcome in self.outcomes)


def report_of(reports: Reports) -> Callable[[str], str]:
    """All reports of a database as ``markdown`` or ``json``, asked anew each time."""

    def rendered(form: str) -> str:
        out = io.StringIO()
        write(reports.tables(), Format(form), out)
        return out.getvalue()

    return rendered


def publish_catalogue(
    library: CatalogueData,
    store: PosterStore,
    report: Callable[[str], str],
    options: PublishOptions,
    *,
    say: Callable[[StepOutcome], None],
    cancel: threading.Event,
) -> Published:
    """Write the catalogue; nothing but what has changed.

    Args:
        library: what to show.
        store: where the posters are.
        report: gives the report as ``markdown`` or ``json``.
        options: see there.
        say: told of each step as it ends.
        cancel: stops between two pages.

    Raises:
        UsageError: SITE_URL is no address, or the output folder holds files of
            somebody else where ours would go. Nothing has been written then.
    """
    url = site_address(options.site_url)
    output = OutputFolder(options.out)
    wanted: list[tuple[bool, str]] = [(options.sitemap and bool(url), "sitemap.xml"), (options.feed, "feed.xml")]
    if options.report:
        wanted += [(True, "report.md"), (True, "report.json")]
    output.refuse_strangers((*_ALWAYS, *(name for needed, name in wanted if needed)))
    draft = steps.Draft(library, output, cancel, Site(url=url, feed=options.feed))
    tally = Tally(0, 0, 0)

    def finish(went_well: bool) -> None:
        nonlocal tally
        tally = output.finish(remove=went_well)

    workers = options.workers if options.parallel_assets else 1
    together: list[PublishStep] = []
    if options.sitemap and url:
        together.append(steps.Sitemap(draft))
    if options.feed:
        together.append(steps.Feed(draft))
    if options.report:
        together.append(steps.Report(draft, report))
    plan = PublishPlan(
        in_turn=(
            steps.Assets(draft, options.minify, options.fingerprint),
            steps.Posters(draft, store, workers),
            steps.Figures(draft),
            steps.Pages(draft),
        ),
        together=together,
        finish=finish,
        at_last=(steps.Links(draft),) if options.links else (),
    )
    outcomes = publish(plan, parallel=options.parallel_postprocess, say=say, cancel=cancel)
    notes = ("sitemap.xml is left out: it needs SITE_URL",) if options.sitemap and not url else ()
    return Published(outcomes, tally, notes)
