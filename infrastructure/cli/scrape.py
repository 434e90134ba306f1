"""``scrape``: the main job, on the real site or on the demo site."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from application.list_jobs import jobs_of_chart, jobs_of_lines
from application.ports import ChartSource, Job, Run
from application.read_chart import read_chart
from application.run_jobs import StopReason
from domain.chart import ChartName
from domain.errors import UsageError
from infrastructure.cli.durations import Duration
from infrastructure.cli.exit_codes import complain
from infrastructure.cli.options import CommandContext, ResumeOptions, command_context, job_log_options
from infrastructure.cli.signals import graceful_stop

if TYPE_CHECKING:
    from application.run_jobs import RunResult
    from infrastructure.bootstrap.cluster import ClusterReading
    from infrastructure.cli.session import Session
    from shared.settings import Settings

DEMO_SITE = "the demo site"
_COMPLAINTS: Final = 10  # lines of a list of ids that are told one by one


@dataclass(frozen=True, slots=True)
class ScrapeOptions:
    """What the user asked to be scraped.

    Attributes:
        chart: which chart, unless ``ids`` is given.
        ids: a file of ids, for a run without ranks.
        limit: the first so many titles only.
        max_age: leave alone what was read more recently than that.
        save_pages: keep each fetched page.
        posters: fetch the posters afterwards.
        disk_check: look for the disk with most room first.
        cluster: the Dask cluster that fetches and parses, if any.
    """

    chart: ChartName
    ids: Path | None
    limit: int | None
    max_age: timedelta | None
    save_pages: bool
    posters: bool
    disk_check: bool
    cluster: str | None

    @property
    def subject(self) -> str:
        """What the job log calls it."""
        return str(self.ids.resolve()) if self.ids else self.chart.value


@click.command("scrape", short_help="Scrape a chart or a list of titles; the default.")
@click.option("--demo", is_flag=True, help="Use the built-in demo site; data goes to data/demo.")
@click.option(
    "--chart", type=click.Choice([each.value for each in ChartName]), default="top250", show_default=True,
    help="Which chart.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many titles.")
@click.option(
    "--ids", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of IMDb ids or title addresses, one a line, instead of a chart.",
)  # fmt: skip
@click.option("--max-age", type=Duration(), help="Leave alone what was saved more recently than that, as in 12h.")
@click.option("--dry-run", is_flag=True, help="List what would be fetched; fetch nothing but the chart.")
@click.option("--save-pages", is_flag=True, help="Keep each fetched page in DATA_DIRS, to be parsed again.")
@click.option("--posters", is_flag=True, help="Fetch the movies' posters afterwards, as `posters` does.")
@click.option("--no-disk-check", is_flag=True, help="Keep pages and posters in the first of DATA_DIRS, however full.")
@click.option(
    "--cluster", metavar="WHERE",
    help="Fetch and parse on a Dask cluster: `local`, `local:4`, or its scheduler, `tcp://host:8786`.",
)  # fmt: skip
@job_log_options("scrape")
@command_context
def scrape(
    frame: CommandContext,
    demo: bool,
    chart: str,
    limit: int | None,
    ids: Path | None,
    max_age: timedelta | None,
    dry_run: bool,
    save_pages: bool,
    posters: bool,
    no_disk_check: bool,
    cluster: str | None,
    job_log: ResumeOptions,
) -> None:
    """Scrape a chart, or the titles of --ids, into CSV files and PostgreSQL.

    An unfinished run is continued by itself. Ctrl-C stops calmly: what is under
    way is finished and saved, the rest is done by the next run.
    """
    from infrastructure.cli.session import Session, exit_code

    wish = ScrapeOptions(ChartName(chart), ids, limit, max_age, save_pages, posters, not no_disk_check, cluster)
    cancel = threading.Event()
    with ExitStack() as stack:
        interrupted = stack.enter_context(graceful_stop(cancel, complain))
        settings, site = frame.settings, frame.settings.site
        if demo:
            settings, site = _demo(settings, stack), DEMO_SITE
        session = Session(frame, settings, cancel)
        if dry_run:
            _list_only(session, wish)
            return
        runs = _run(session, wish, site, job_log)
    sys.exit(exit_code(*runs, interrupted=interrupted.is_set()))


def _demo(settings: Settings, stack: ExitStack) -> Settings:
    """Start the demo site and turn the settings to it."""
    from infrastructure.demo.options import DemoOptions
    from infrastructure.demo.process import DemoProcess

    site = stack.enter_context(DemoProcess(DemoOptions()))
    data_dir = Path("data/demo") if settings.data_dir == Path("data") else settings.data_dir
    return msgspec.structs.replace(settings, base_url=site.url, graphql_url=f"{site.url}/graphql", data_dir=data_dir)


def _list_only(session: Session, wish: ScrapeOptions) -> None:
    from infrastructure import bootstrap

    with bootstrap.downloader(session.settings) as downloader:
        charts = bootstrap.sources(session.settings, downloader, session.clock).charts
        for job in _listed(wish, charts, session.cancel):
            click.echo(job.key if job.rank is None else f"{job.key}  # {job.rank}")


def _run(session: Session, wish: ScrapeOptions, site: str, resume: ResumeOptions) -> tuple[RunResult, ...]:
    """Everything between the settings and the closing words; the posters are a run of their own."""
    from application.scrape import scrape
    from application.scrape_movie import ScrapeMovie
    from application.status import RunIdentity
    from infrastructure import bootstrap
    from infrastructure.cli.posters import fetch_posters
    from shared.background import enter_in_background

    settings = session.settings
    with ExitStack() as stack:
        stack.enter_context(session.directory("scrape", site))
        downloader = stack.enter_context(bootstrap.downloader(settings, grace=bootstrap.GRACE_SECONDS))
        pages = bootstrap.page_keeper(settings, check=wish.disk_check) if wish.save_pages else None
        found = bootstrap.sources(settings, downloader, session.clock, pages)
        job_log = stack.enter_context(session.job_log(RunIdentity("scrape", wish.subject, site, wish.limit), resume))
        # The stores are opened while the chart is on its way: either takes as long as the other.
        stores = stack.enter_context(enter_in_background(session.keeping(), abandon=session.cancel.set))
        elsewhere = _cluster(session, wish, stack) if wish.cluster else None
        if not job_log.listed:
            job_log.list(_listed(wish, found.charts, session.cancel))
        session.tell_resumed(job_log)

        kept = stores()
        session.claim(site)  # not before: a mistyped address that lists nothing must not bind the directory
        crew = session.crew(job_log, settings.threads)
        work = ScrapeMovie(
            elsewhere().titles if elsewhere else found.titles,
            kept.store,
            max_requests=settings.max_requests,
            progress=crew.progress,
            cancel=session.cancel,
            fresh_since=None if wish.max_age is None else session.clock.now() - wish.max_age,
        )
        chart = None if wish.ids else wish.chart.value
        ended = scrape(
            crew,
            kept.store,
            work,
            history=bootstrap.history(kept.database),
            run=Run(
                site,
                chart,
                job_log.counts.total,
                job_log.begun,
                fresh_since=None if wish.max_age is None else job_log.begun - wish.max_age,
            ),
        )
        job_log.close(ended.ending.value)
        session.tell(ended, kept.place)
        if elsewhere and (reason := elsewhere().lost()):
            complain(f"the Dask cluster has gone ({reason}); run the same command again to go on")
        if wish.posters and ended.ending is StopReason.FINISHED:
            fetched = fetch_posters(session, kept.database, downloader, ResumeOptions(), disk_check=wish.disk_check)
            return ended, fetched
    return (ended,)


def _cluster(session: Session, wish: ScrapeOptions, stack: ExitStack) -> Callable[[], ClusterReading]:
    """The cluster, reached or started while the chart is on its way.

    Raises:
        UsageError: what was wished cannot be done there.
    """
    from infrastructure.bootstrap.cluster import cluster_reading
    from shared.background import enter_in_background

    if wish.save_pages:
        raise UsageError("--save-pages keeps pages where they are fetched: leave out --cluster, or --save-pages")
    reading = cluster_reading(wish.cluster or "", session.settings, session.clock, session.cancel)
    return stack.enter_context(enter_in_background(reading, abandon=session.cancel.set))


def _listed(wish: ScrapeOptions, charts: Mapping[str, ChartSource], cancel: threading.Event) -> Iterator[Job]:
    """The jobs, in order.

    Raises:
        ChartError: the chart is not whole.
        UsageError: the list of ids cannot be read.
    """
    jobs: Iterable[Job]
    if wish.ids is None:
        jobs = jobs_of_chart(read_chart(charts, wish.chart, cancel, first=wish.limit))
    else:
        jobs = _read_ids(wish.ids)
    return islice(jobs, wish.limit)


def _read_ids(path: Path) -> Iterator[Job]:
    """The jobs of a list; an empty one is fine, as when nothing failed.

    Raises:
        UsageError: it cannot be read, or is a list of something else.
    """
    skipped = named = 0

    def tell(complaint: str) -> None:
        nonlocal skipped
        skipped += 1
        if skipped <= _COMPLAINTS:
            complain(f"{path}: {complaint}")

    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for job in jobs_of_lines(lines, tell):
                named += 1
                yield job
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if skipped > _COMPLAINTS:
        complain(f"{path}: and {skipped - _COMPLAINTS} more lines skipped")
    if skipped and not named:
        raise UsageError(f"{path} names no title: one IMDb id or title address a line is needed")


COMMANDS = (scrape,)
