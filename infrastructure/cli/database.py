"""``sql``, ``psql`` and ``report``: looking into the database, also while a run is going on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import click

from domain.errors import UsageError
from infrastructure.cli.options import CommandContext, command_context

FORMATS = ("table", "csv", "json", "markdown")


@click.command("sql", short_help="Ask the database a question.")
@click.argument("query")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: table on a terminal, csv otherwise]")
@command_context
def sql(frame: CommandContext, query: str, form: str | None) -> None:
    """Print what the database answers to QUERY. It can only read."""
    from infrastructure import bootstrap
    from infrastructure.stores.postgres.asking import answer
    from infrastructure.tables.rendering import Format, write

    chosen = Format(form) if form else Format.TABLE if sys.stdout.isatty() else Format.CSV
    with bootstrap.database_of(frame.settings, bootstrap.clock_of(os.environ)) as database:
        write([answer(database, query)], chosen, sys.stdout, headings=False)


@click.command("report", short_help="What the database tells about charts, ratings and people.")
@click.argument("names", nargs=-1, metavar="[REPORT]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How.")
@click.option("--list", "listing", is_flag=True, help="Only name the reports.")
@command_context
def report(frame: CommandContext, names: tuple[str, ...], form: str, listing: bool) -> None:
    """Print the reports named, or all: newcomers and leavers, climbers, lengths, ratings, people, genres."""
    from infrastructure import bootstrap
    from infrastructure.stores.postgres.reports import PostgresReports, report_names
    from infrastructure.tables.rendering import Format, write

    if listing:
        click.echo("\n".join(report_names()))
        return
    with bootstrap.database_of(frame.settings, bootstrap.clock_of(os.environ)) as database:
        write(PostgresReports(database).tables(names), Format(form), sys.stdout)


@click.command("psql", short_help="Open PostgreSQL's own shell.", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@command_context
def psql(frame: CommandContext, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS are handed on to it."""
    from infrastructure import bootstrap
    from infrastructure.stores.postgres.address import environment_of

    with bootstrap.database_place(frame.settings, frame.settings.data_dir, existing=True) as place:
        shell = place.shell or shutil.which("psql")
        if shell is None:
            raise UsageError("psql is not installed: install your system's PostgreSQL client")
        # The address travels in the environment: command lines can be read by everybody on the machine.
        process = subprocess.run(  # noqa: S603 - psql, with what the user typed
            [shell, *arguments], env={**os.environ, **environment_of(place.address())}, check=False
        )
    sys.exit(process.returncode)


COMMANDS = (sql, psql, report)
