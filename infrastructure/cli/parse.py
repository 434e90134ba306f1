"""``parse``: a folder of saved pages, without any network."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from application.ports import Job
from domain.errors import UsageError
from infrastructure.cli.exit_codes import complain
from infrastructure.cli.options import CommandContext, ResumeOptions, command_context, job_log_options
from infrastructure.cli.signals import graceful_stop

if TYPE_CHECKING:
    from application.run_jobs import RunResult
    from infrastructure.cli.session import Session


@click.command("parse", short_help="Read a folder of saved pages instead of the site.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pattern", default="*.html*", show_default=True, help="Names of the files, .gz among them.")
@click.option("-n", "--workers", type=click.IntRange(1, 200), default=4, show_default=True, help="Files at a time.")
@click.option(
    "--rerun-failed", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only the files of this list, as --log-failed wrote it.",
)  # fmt: skip
@job_log_options("parse")
@command_context
def parse(
    frame: CommandContext,
    folder: Path,
    pattern: str,
    workers: int,
    rerun_failed: Path | None,
    job_log: ResumeOptions,
) -> None:
    """Parse title pages that were saved from a browser, in FOLDER and below it, into both stores.

    Titles, charts and __NEXT_DATA__ files are told apart by their content;
    charts give the titles their ranks.
    """
    from infrastructure.cli.session import Session, exit_code

    cancel = threading.Event()
    session = Session(frame, frame.settings, cancel)
    with graceful_stop(cancel, complain) as interrupted:
        ended = _run(session, folder, pattern, workers, rerun_failed, job_log)
    sys.exit(exit_code(ended, interrupted=interrupted.is_set()))


def _run(
    session: Session, folder: Path, pattern: str, workers: int, rerun_failed: Path | None, wish: ResumeOptions
) -> RunResult:
    from application.scrape_movie import ScrapeMovie
    from application.status import RunIdentity
    from infrastructure import bootstrap
    from infrastructure.progress.files import FileLines
    from infrastructure.scraper.parse_file import ParseFile
    from infrastructure.scraper.saved_charts import chart_to_rank_by
    from infrastructure.scraper.saved_files import find_files
    from infrastructure.scraper.saved_pages import FileTitleSource

    settings = session.settings
    with ExitStack() as stack:
        paths = list(_of_list(rerun_failed)) if rerun_failed else find_files(folder, pattern)
        if not paths and rerun_failed is None:
            raise UsageError(f"no file in {folder} is called {pattern}: there is nothing to parse")
        stack.enter_context(session.directory("parse", None))
        job_log = stack.enter_context(session.job_log(RunIdentity("parse", str(folder.resolve())), wish))
        if not job_log.listed:
            job_log.list(Job(seq, str(path)) for seq, path in enumerate(paths))
        session.tell_resumed(job_log)
        chart = chart_to_rank_by(paths, session.cancel, chart=None)
        source = FileTitleSource(session.clock, ranks=chart.ranks if chart else None)
        place = stack.enter_context(bootstrap.database_place(settings, settings.data_dir, session.cancel))
        database = stack.enter_context(bootstrap.database(settings, place, session.clock, session.cancel))
        store = stack.enter_context(bootstrap.stores(settings, database, session.cancel))
        crew = session.crew(job_log, workers, face=FileLines(session.say))
        work = ScrapeMovie(
            source,
            store,
            max_requests=1,
            progress=crew.progress,
            cancel=session.cancel,
            keep_ranks=chart is None,  # a chart among the files tells who has none any more
        )
        ended = crew.carry_out(str(folder), ParseFile(work))
        store.finalize()
        job_log.close(ended.ending.value)
        session.tell(ended, place, noun="files")
    return ended


def _of_list(path: Path) -> Iterator[Path]:
    """The files that ``--log-failed`` listed."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if name := line.split("  # ")[0].strip():
            yield Path(name)


COMMANDS = (parse,)
