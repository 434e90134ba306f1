"""``sql``, ``psql`` and ``report``: queries on the database, also during a run."""

from __future__ import annotations

import sys

import click

from infrastructure.cli.options import CommandContext, command_context
from infrastructure.cli.streams import echo

FORMATS = ("table", "csv", "json", "markdown")


@click.command("sql", short_help="Run one read-only query.")
@click.argument("query")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Output format [default: table on a terminal, else csv]."
)
@command_context
def sql(context: CommandContext, query: str, form: str | None) -> None:
    """Print the result of QUERY, one read-only SQL statement."""
    from infrastructure.bootstrap.queries import write_answer

    chosen = form or ("table" if sys.stdout.isatty() else "csv")
    write_answer(context.settings, context.clock, query, chosen, sys.stdout)


@click.command("report", short_help="Print reports about charts, ratings and people.")
@click.argument("names", nargs=-1, metavar="[REPORT]...")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="Output format.")
@click.option("--list", "listing", is_flag=True, help="List the reports' names only.")
@command_context
def report(context: CommandContext, names: tuple[str, ...], form: str, listing: bool) -> None:
    """Print the reports named, or all: newcomers and leavers, climbers, lengths, ratings, people, genres."""
    from infrastructure.bootstrap.queries import report_names, write_reports

    if listing:
        echo("\n".join(report_names()))
        return
    write_reports(context.settings, context.clock, names, form, sys.stdout)


@click.command("psql", short_help="Open PostgreSQL's own shell.", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@command_context
def psql(context: CommandContext, arguments: tuple[str, ...]) -> None:
    """Open psql on the database, with ARGUMENTS."""
    from infrastructure.bootstrap.queries import run_psql

    sys.exit(run_psql(context.settings, arguments))


COMMANDS = (sql, psql, report)
