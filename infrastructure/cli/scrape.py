"""``scrape``: the main job, on the real site or on the demo site."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from domain.chart import ChartName, EstimatedChart
from domain.movie import IMDB_ID
from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.cli.durations import Duration
from infrastructure.cli.options import CommandContext, command_context, job_log_options, json_option
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain, echo

if TYPE_CHECKING:
    from infrastructure.bootstrap.scraping import ScrapeOptions


@click.command("scrape", short_help="Scrape a chart or a list of titles (default).")
@click.option("--demo", is_flag=True, help="Use the built-in demo site; data goes to data/demo.")
@click.option(
    "--chart", type=click.Choice([*(each.value for each in ChartName), *(each.value for each in EstimatedChart)]),
    default="top250", show_default=True,
    help="Chart to scrape.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Scrape only the first titles.")
@click.option(
    "--ids", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Scrape the titles of this file instead of a chart: ids, addresses, or a list that IMDb exported.",
)  # fmt: skip
@click.option("--max-age", type=Duration(), help="Skip titles that were saved more recently than that, as in 12h.")
@click.option("--dry-run", is_flag=True, help="List the titles; fetch only the chart.")
@click.option("--save-pages", is_flag=True, help="Keep each fetched page in DATA_DIRS, for `parse`.")
@click.option("--seasons", is_flag=True, help="Scrape all episodes of the series, too.")
@click.option("--people", is_flag=True, help="Read the details of the credited people afterwards, as `people` does.")
@click.option("--posters", is_flag=True, help="Fetch the movies' posters afterwards, as `posters` does.")
@click.option("--no-disk-check", is_flag=True, help="Keep pages and posters in the first of DATA_DIRS, however full.")
@click.option(
    "--cluster", metavar="WHERE",
    help="Fetch and parse on a Dask cluster: `local`, `local:4`, or its scheduler, `tcp://host:8786`.",
)  # fmt: skip
@json_option
@job_log_options("scrape")
@command_context
def scrape(
    context: CommandContext,
    demo: bool,
    chart: str,
    limit: int | None,
    ids: Path | None,
    max_age: timedelta | None,
    dry_run: bool,
    save_pages: bool,
    seasons: bool,
    people: bool,
    posters: bool,
    no_disk_check: bool,
    cluster: str | None,
    as_json: bool,
    resume: ResumeOptions,
) -> None:
    """Scrape a chart, or the titles of --ids, to CSV files and PostgreSQL.

    An unfinished run is continued. Ctrl-C stops in order: titles in progress
    are finished and saved, and the next run does the rest.
    """
    context.startup.begin(f"scraping {'the titles of ' + str(ids) if ids else 'the chart ' + chart}")
    from infrastructure.bootstrap.scraping import ScrapeOptions

    options = ScrapeOptions(
        EstimatedChart(chart) if chart in set(EstimatedChart) else ChartName(chart),
        ids,
        limit,
        max_age,
        save_pages,
        posters,
        not no_disk_check,
        cluster,
        seasons,
        people,
    )
    _run(context, options, resume, demo=demo, dry_run=dry_run, as_json=as_json)


@click.command("episodes", short_help="Scrape all episodes of series.")
@click.argument("series", nargs=-1, required=True, metavar="ID...")
@click.option("--demo", is_flag=True, help="Use the built-in demo site; data goes to data/demo.")
@click.option("--max-age", type=Duration(), help="Skip titles that were saved more recently than that, as in 12h.")
@click.option("--dry-run", is_flag=True, help="List the titles; fetch only the lists of episodes.")
@json_option
@job_log_options("scrape")
@command_context
def episodes(
    context: CommandContext,
    series: tuple[str, ...],
    demo: bool,
    max_age: timedelta | None,
    dry_run: bool,
    as_json: bool,
    resume: ResumeOptions,
) -> None:
    """Scrape series and all their episodes, each as a title of its own.

    ID is that of the series or of one of its episodes. Episodes are listed by
    GraphQL; where it is refused, from IMDb's data files if DATASETS=yes, else
    from the page of one episode, named or stored, to that of the next.
    """
    context.startup.begin(f"scraping the episodes of {', '.join(series)}")
    from infrastructure.bootstrap.scraping import ScrapeOptions

    if wrong := [imdb_id for imdb_id in series if not IMDB_ID.fullmatch(imdb_id)]:
        raise click.BadParameter(f"{wrong[0]!r} is not an IMDb id such as tt0903747")
    options = ScrapeOptions(
        ChartName.TOPTV,
        ids=None,
        limit=None,
        max_age=max_age,
        save_pages=False,
        posters=False,
        disk_check=True,
        cluster=None,
        series=series,
    )
    _run(context, options, resume, demo=demo, dry_run=dry_run, as_json=as_json)


def _run(
    context: CommandContext,
    options: ScrapeOptions,
    resume: ResumeOptions,
    *,
    demo: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Scrapes and ends the process with the exit code of the runs."""
    from infrastructure.bootstrap.demo import DEMO_SITE, demo_settings
    from infrastructure.bootstrap.scraping import list_titles, run_scrape
    from infrastructure.cli.summary import exit_code, print_results, run_session

    cancel = threading.Event()
    with ExitStack() as stack:
        interrupted = stack.enter_context(graceful_stop(cancel, complain))
        settings, site = context.settings, context.settings.site
        if demo:
            settings, site = stack.enter_context(demo_settings(settings)), DEMO_SITE
        session = run_session(context, settings, cancel, as_json=as_json)
        if dry_run:
            for job in list_titles(session, options):
                echo(job.key if job.rank is None else f"{job.key}  # {job.rank}")
            return
        runs = run_scrape(session, options, site, resume)
        if as_json:
            print_results(runs, settings.data_dir)
    sys.exit(exit_code(*runs.values(), interrupted=interrupted.is_set()))


COMMANDS = (scrape, episodes)
