"""The commands that run jobs: ``scrape`` and ``episodes``, ``parse``, ``people``, ``posters``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from domain.chart import ChartName, EstimatedChart
from domain.movie import IMDB_ID
from infrastructure.bootstrap import ResumeOptions
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, Duration, command_context, job_log_options, json_option
from infrastructure.cli.streams import echo

if TYPE_CHECKING:
    from application.run_jobs import RunResult
    from infrastructure.bootstrap.scraping import ScrapeOptions
    from infrastructure.bootstrap.session import RunSession
    from shared.settings import Settings

_demo_option = click.option("--demo", is_flag=True, help="Use the built-in demo site; data goes to data/demo.")
_max_age_option = click.option(
    "--max-age", type=Duration(), help="Skip titles that were saved more recently than that, as in 12h."
)


@click.command("scrape", short_help="Scrape a chart or a list of titles (default).")
@_demo_option
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
@_max_age_option
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
    ids: Path | None,
    dry_run: bool,
    no_disk_check: bool,
    as_json: bool,
    resume: ResumeOptions,
    **selected: Any,
) -> None:
    """Scrape a chart, or the titles of --ids, to CSV files and PostgreSQL.

    An unfinished run is continued. Ctrl-C stops in order: titles in progress
    are finished and saved, and the next run does the rest.
    """
    context.startup.begin(f"scraping {'the titles of ' + str(ids) if ids else 'the chart ' + chart}")
    from infrastructure.bootstrap.scraping import ScrapeOptions

    named = EstimatedChart(chart) if chart in set(EstimatedChart) else ChartName(chart)
    options = ScrapeOptions(named, ids, disk_check=not no_disk_check, **selected)
    _scrape(context, options, resume, demo=demo, dry_run=dry_run, as_json=as_json)


@click.command("episodes", short_help="Scrape all episodes of series.")
@click.argument("series", nargs=-1, required=True, metavar="ID...")
@_demo_option
@_max_age_option
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
    options = ScrapeOptions(ChartName.TOPTV, max_age=max_age, series=series)
    _scrape(context, options, resume, demo=demo, dry_run=dry_run, as_json=as_json)


def _scrape(
    context: CommandContext, options: ScrapeOptions, resume: ResumeOptions, *, demo: bool, dry_run: bool, as_json: bool
) -> None:
    from infrastructure.bootstrap.demo import DEMO_SITE, demo_settings
    from infrastructure.bootstrap.scraping import list_titles, run_scrape

    def work(session: RunSession) -> dict[str, RunResult]:
        if dry_run:
            for job in list_titles(session, options):
                echo(job.key if job.rank is None else f"{job.key}  # {job.rank}")
            sys.exit(Exit.DONE)
        return run_scrape(session, options, DEMO_SITE if demo else session.settings.site, resume)

    _run(context, demo_settings(context.settings) if demo else nullcontext(context.settings), work, as_json=as_json)


@click.command("parse", short_help="Parse a folder of saved pages instead of the site.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pattern", default="*", show_default=True, help="File names to parse.")
@click.option("-n", "--workers", type=click.IntRange(1, 200), default=4, show_default=True, help="Files at a time.")
@click.option(
    "--rerun-failed", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Parse only the files of this list, as --log-failed writes it.",
)  # fmt: skip
@json_option
@job_log_options("parse")
@command_context
def parse(
    context: CommandContext,
    folder: Path,
    pattern: str,
    workers: int,
    rerun_failed: Path | None,
    as_json: bool,
    resume: ResumeOptions,
) -> None:
    """Parse title pages that were saved from a browser, in FOLDER and below it, into both stores.

    Titles, charts and __NEXT_DATA__ files are recognised by their content,
    alone or in MHTML, WARC, HAR and zip files, each also packed with gzip;
    charts give the titles their ranks.
    """
    from infrastructure.bootstrap.runs import run_parse

    _run(
        context,
        nullcontext(context.settings),
        lambda session: {
            "parse": run_parse(session, resume, folder, pattern=pattern, workers=workers, only=rerun_failed)
        },
        as_json=as_json,
    )


@click.command("people", short_help="Read the details of all credited people.")
@click.option("--limit", type=click.IntRange(min=1), help="Read only the first people.")
@click.option("--max-age", type=Duration(), help="Read details again that are older than that, as in 30d.")
@json_option
@job_log_options("people")
@command_context
def people(
    context: CommandContext, limit: int | None, max_age: timedelta | None, as_json: bool, resume: ResumeOptions
) -> None:
    """Read birth, death, professions, picture and known titles of the people in the stores, by GraphQL."""
    context.startup.begin("reading details of people")
    from infrastructure.bootstrap.demo import settings_of_data
    from infrastructure.bootstrap.runs import run_people

    _run(
        context,
        settings_of_data(context.settings),
        lambda session: {"people": run_people(session, resume, limit=limit, max_age=max_age)},
        as_json=as_json,
    )


@click.command("posters", short_help="Fetch the poster of each movie.")
@click.option("--no-disk-check", is_flag=True, help="Keep posters in the first of DATA_DIRS, however full.")
@json_option
@job_log_options("posters")
@command_context
def posters(context: CommandContext, no_disk_check: bool, as_json: bool, resume: ResumeOptions) -> None:
    """Fetch the posters of all movies in the database that are missing or have changed."""
    context.startup.begin("fetching posters")
    from infrastructure.bootstrap.demo import settings_of_data
    from infrastructure.bootstrap.runs import run_posters

    _run(
        context,
        settings_of_data(context.settings),
        lambda session: {"posters": run_posters(session, resume, disk_check=not no_disk_check)},
        as_json=as_json,
    )


def _run(
    context: CommandContext,
    settings: AbstractContextManager[Settings],
    work: Callable[[RunSession], Mapping[str, RunResult]],
    *,
    as_json: bool,
) -> None:
    """Ends the process with the exit code of the runs, which ``work`` returns by kind of work.

    Args:
        settings: of the runs; entered and left with them.
    """
    from infrastructure.cli.summary import exit_code, print_results, run_session

    with run_session(context, settings, as_json=as_json) as (session, interrupted):
        results = work(session)
        if as_json:
            print_results(results, session.settings.data_dir)
    sys.exit(exit_code(*results.values(), interrupted=interrupted.is_set()))


COMMANDS = (scrape, episodes, parse, people, posters)
