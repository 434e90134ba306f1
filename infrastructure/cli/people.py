"""``people``: birth, death, professions and known titles of all credited people."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta

import click

from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.cli.durations import Duration
from infrastructure.cli.options import CommandContext, command_context, job_log_options, json_option
from infrastructure.cli.signals import graceful_stop
from infrastructure.cli.streams import complain


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
    from infrastructure.bootstrap.people import PeopleOptions, run_people
    from infrastructure.cli.summary import exit_code, print_results, run_session

    cancel = threading.Event()
    with graceful_stop(cancel, complain) as interrupted, settings_of_data(context.settings) as settings:
        session = run_session(context, settings, cancel, as_json=as_json)
        result = run_people(session, PeopleOptions(limit, max_age), resume)
        if as_json:
            print_results({"people": result}, settings.data_dir)
    sys.exit(exit_code(result, interrupted=interrupted.is_set()))


COMMANDS = (people,)
