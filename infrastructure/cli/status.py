"""``status``: the state of the last run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from domain.errors import UsageError
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import CommandContext, command_context, json_option
from infrastructure.cli.streams import echo


@click.command("status", short_help="Show the state of the last run, also while it is running.")
@json_option
@click.option("--joblog", "job_log", type=click.Path(dir_okay=False, path_type=Path), help="Job log to read.")
@click.option("--check", is_flag=True, help="Exit with 1 if the last run had failures, was refused or was killed.")
@command_context
def status(context: CommandContext, as_json: bool, job_log: Path | None, check: bool) -> None:
    """Show how far the last run got, what failed and why, and whether it is still running."""
    from infrastructure.bootstrap.display import status_lines
    from infrastructure.bootstrap.status import run_status

    path = job_log or context.job_log("scrape")
    found = run_status(path, context.clock)
    if found is None:
        if job_log is not None:
            raise UsageError(f"there is no job log {job_log}")
        echo("null" if as_json else f"no run is recorded in {path}: run `python main.py` first, or set DATA_DIR")
        return
    for line in [json.dumps(found.as_dict())] if as_json else status_lines(found):
        echo(line)
    if check and not found.well:
        sys.exit(Exit.FAILED)


COMMANDS = (status,)
