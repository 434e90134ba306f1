"""``export`` and ``import``: the whole database as files, and back."""

from __future__ import annotations

from pathlib import Path

import click

from infrastructure.cli.options import CommandContext, command_context
from infrastructure.cli.streams import echo


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
    from infrastructure.bootstrap.exchange import export_database

    for path in export_database(context.settings, context.clock, folder, form, overwrite=overwrite):
        if not context.quiet:
            echo(str(path))


@click.command("import", short_help="Import CSV files into an empty database.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@command_context
def import_files(context: CommandContext, folder: Path | None) -> None:
    """Copy the CSV files in FOLDER, or in the data directory, into a database that holds no movies yet."""
    from infrastructure.bootstrap.exchange import import_files as copy_files

    data_dir = context.settings.data_dir
    source = folder or data_dir
    counts = copy_files(context.settings, context.clock, source)
    if context.quiet:
        return
    echo("imported " + ", ".join(f"{count} {table}" for table, count in counts.items()) + " into the database")
    if source.resolve() != data_dir.resolve() and len(context.settings.store_names) > 1:
        echo("the other stores are unchanged; `verify --repair` makes them the same")


COMMANDS = (export, import_files)
