"""``parse``: a folder of saved pages, without any network."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import click

from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.cli.options import CommandContext, command_context, job_log_options, json_option
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain


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
    from infrastructure.bootstrap.parsing import ParseOptions, run_parse
    from infrastructure.cli.summary import exit_code, print_results, run_session

    cancel = threading.Event()
    session = run_session(context, context.settings, cancel, as_json=as_json)
    with graceful_stop(cancel, complain) as interrupted:
        result = run_parse(session, ParseOptions(folder, pattern, workers, rerun_failed), resume)
        if as_json:
            print_results({"parse": result}, context.settings.data_dir)
    sys.exit(exit_code(result, interrupted=interrupted.is_set()))


COMMANDS = (parse,)
