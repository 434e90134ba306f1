"""``posters``: fetches, checks and resizes the poster of each movie."""

from __future__ import annotations

import sys
import threading

import click

from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.cli.options import CommandContext, command_context, job_log_options, json_option
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain


@click.command("posters", short_help="Fetch the poster of each movie.")
@click.option("--no-disk-check", is_flag=True, help="Keep posters in the first of DATA_DIRS, however full.")
@json_option
@job_log_options("posters")
@command_context
def posters(context: CommandContext, no_disk_check: bool, as_json: bool, resume: ResumeOptions) -> None:
    """Fetch the posters of all movies in the database that are missing or have changed."""
    context.startup.begin("fetching posters")
    from infrastructure.bootstrap.demo import settings_of_data
    from infrastructure.bootstrap.posters import run_posters
    from infrastructure.cli.summary import exit_code, print_results, run_session

    cancel = threading.Event()
    with graceful_stop(cancel, complain) as interrupted, settings_of_data(context.settings) as settings:
        session = run_session(context, settings, cancel, as_json=as_json)
        result = run_posters(session, resume, disk_check=not no_disk_check)
        if as_json:
            print_results({"posters": result}, settings.data_dir)
    sys.exit(exit_code(result, interrupted=interrupted.is_set()))


COMMANDS = (posters,)
