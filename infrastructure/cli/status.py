"""``status``: how the last run stands."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from domain.errors import UsageError
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.options import JOB_LOGS, CommandContext, command_context


@click.command("status", short_help="How the last run stands; also while it is going on.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--joblog", "job_log", type=click.Path(dir_okay=False, path_type=Path), help="Which job log to read.")
@click.option("--check", is_flag=True, help="End with 1 if the last run failed somewhere, was refused or was killed.")
@command_context
def status(frame: CommandContext, as_json: bool, job_log: Path | None, check: bool) -> None:
    """Tell how far the last run came, what failed and why, and whether it is still going on."""
    from application.status import status as status_of
    from infrastructure import bootstrap
    from infrastructure.joblog.status_file import JobLogStatus
    from infrastructure.progress.status_lines import status_lines

    path = job_log or frame.settings.data_dir / JOB_LOGS["scrape"]
    found = status_of(JobLogStatus(path), bootstrap.clock_of(os.environ))
    if found is None:
        if job_log is not None:
            raise UsageError(f"there is no job log {job_log}")
        click.echo("null" if as_json else f"no run is recorded in {path}: run `python main.py` first, or set DATA_DIR")
        return
    for line in [json.dumps(found.as_dict())] if as_json else status_lines(found):
        click.echo(line)
    if check and not found.well:
        sys.exit(Exit.FAILED)


COMMANDS = (status,)
