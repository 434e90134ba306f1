"""``sql``, ``psql``, ``report``, ``history``, ``export`` and ``import``: the database, also during a run."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import click

from domain.errors import UsageError
from infrastructure.cli.options import CommandContext, Duration, command_context, json_option
from infrastructure.cli.streams import echo
from shared.text import given_text

FORMATS = ("table", "csv", "json", "markdown")
_store_option = click.option(
    "--store", type=click.Choice(["postgres", "sqlite"]), help="Store to query [default: the first of STORES that can]."
)


@click.command("sql", short_help="Run one read-only query.")
@click.argument("query")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Output format [default: table on a terminal, else csv]."
)
@_store_option
@json_option
@command_context
def sql(context: CommandContext, query: str, form: str | None, store: str | None, as_json: bool) -> None:
    """Print the result of QUERY, one read-only SQL statement."""
    from infrastructure.bootstrap.database import write_answer

    try:
        query = given_text(query)
    except UnicodeError as error:
        raise UsageError("the query is not UTF-8") from error
    write_answer(context.settings, context.clock, query, _format(form, as_json=as_json), sys.stdout, store=store)


@click.command("report", short_help="Print reports about charts, ratings and people.")
@click.argument("names", nargs=-1, metavar="[REPORT]...")
@click.option(
    "--format", "form", type=click.Choice(FORMATS),
    help="Output format [default: csv for one report that is not printed on a terminal, else table].",
)  # fmt: skip
@click.option(
    "--since", type=Duration(), metavar="DURATION",
    help="Compare with that time ago, as in 7d: newcomers, leavers, climbers [default], movers [default there: 30d].",
)  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="List the reports' names only.")
@_store_option
@json_option
@command_context
def report(
    context: CommandContext,
    names: tuple[str, ...],
    form: str | None,
    since: timedelta | None,
    listing: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Print the reports named, or all: newcomers and leavers, climbers, lengths, ratings, people, genres.

    movers are the ratings that changed most, by the history of loaded data files.
    """
    from infrastructure.bootstrap.database import DEFAULT_SINCE, report_names, write_changes, write_reports

    if listing:
        echo("\n".join(report_names()))
        return
    chosen = _format(form, as_json=as_json, one=len(names) == 1)
    if since is not None or "movers" in names:
        since = since or DEFAULT_SINCE
        write_changes(context.settings, context.clock, names, since, chosen, sys.stdout)
        return
    write_reports(context.settings, context.clock, names, chosen, sys.stdout, store=store)


@click.command("history", short_help="List past runs.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Number of runs.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Output format [default: table on a terminal, else csv]."
)
@json_option
@command_context
def history(context: CommandContext, limit: int, form: str | None, as_json: bool) -> None:
    """List past runs, newest first: start, duration, counts, outcome. Times are local in a table, else UTC."""
    from infrastructure.bootstrap.database import write_history

    write_history(context.settings, context.clock, limit, _format(form, as_json=as_json), sys.stdout)


def _format(form: str | None, *, as_json: bool, one: bool = True) -> str:
    """The requested format; else a table on a terminal and for several tables, and CSV for one elsewhere."""
    if as_json:
        return "json"
    return form or ("csv" if one and not sys.stdout.isatty() else "table")


@click.command("psql", short_help="Open psql on the database.", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@command_context
def psql(context: CommandContext, arguments: tuple[str, ...]) -> None:
    """Open psql on the database, with ARGUMENTS."""
    from infrastructure.bootstrap.database import run_psql

    sys.exit(run_psql(context.settings, arguments))


@click.command("export", short_help="Export the database as CSV, JSON lines or Parquet.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", show_default=True,
    help="File format.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace files of the same names.")
@command_context
def export(context: CommandContext, folder: Path, form: str, overwrite: bool) -> None:
    """Write all movies, people and credits to FOLDER; works during a run, too."""
    from infrastructure.bootstrap.database import export_database

    for path in export_database(context.settings, context.clock, folder, form, overwrite=overwrite):
        if not context.quiet:
            echo(str(path))


@click.command("import", short_help="Import CSV files into an empty database.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@command_context
def import_files(context: CommandContext, folder: Path | None) -> None:
    """Copy the CSV files in FOLDER, or in the data directory, into a database that holds no movies yet."""
    from infrastructure.bootstrap.database import import_files as copy_files

    data_dir = context.settings.data_dir
    source = folder or data_dir
    counts = copy_files(context.settings, context.clock, source)
    if context.quiet:
        return
    echo("imported " + ", ".join(f"{count} {table}" for table, count in counts.items()) + " into the database")
    if source.resolve() != data_dir.resolve() and len(context.settings.store_names) > 1:
        echo("the other stores are unchanged; `verify --repair` makes them the same")


COMMANDS = (sql, psql, report, history, export, import_files)
