"""``export`` and ``import``: the whole database as files, and back."""

from __future__ import annotations

import os
from pathlib import Path

import click

from domain.errors import UsageError
from infrastructure.cli.options import CommandContext, command_context


@click.command("export", short_help="Write the database as CSV, JSON lines or Parquet.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", show_default=True, help="How."
)
@click.option("--overwrite", is_flag=True, help="Replace files of the same names.")
@command_context
def export(frame: CommandContext, folder: Path, form: str, overwrite: bool) -> None:
    """Write all movies, people and credits into FOLDER; may be used while a run is going on."""
    from infrastructure import bootstrap
    from infrastructure.export.exporting import ExportFormat
    from infrastructure.export.exporting import export as write
    from infrastructure.stores.postgres.snapshot import snapshot

    if folder.resolve() == frame.settings.data_dir.resolve():
        raise UsageError(f"{folder} is the data directory, whose files belong to runs: export into another folder")
    escape = frame.settings.csv_escape_formulas
    with (
        bootstrap.database_of(frame.settings, bootstrap.clock_of(os.environ)) as database,
        snapshot(database) as source,
    ):
        for path in write(source, ExportFormat(form), folder, overwrite=overwrite, escape_formulas=escape):
            if not frame.quiet:
                click.echo(path)


@click.command("import", short_help="Fill an empty database from our CSV files.")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@command_context
def import_files(frame: CommandContext, folder: Path | None) -> None:
    """Copy the CSV files in FOLDER, or in the data directory, into a database that holds no movies yet."""
    from infrastructure import bootstrap
    from infrastructure.data_dir.directory import DataDir
    from infrastructure.export.importing import import_csv, require_files
    from infrastructure.stores.postgres.loading import PostgresLoader

    settings = frame.settings
    clock = bootstrap.clock_of(os.environ)
    source = folder or settings.data_dir
    require_files(source)  # before a database is made
    directory = DataDir(settings.data_dir)
    directory.prepare()
    with (
        directory.lock("import", clock),
        bootstrap.database_place(settings, settings.data_dir) as place,
        bootstrap.database(settings, place, clock) as database,
    ):
        counts = import_csv(source, PostgresLoader(database), escape_formulas=settings.csv_escape_formulas)
    if frame.quiet:
        return
    click.echo("imported " + ", ".join(f"{count} {table}" for table, count in counts.items()) + " into the database")
    if source.resolve() != settings.data_dir.resolve():
        click.echo(f"the CSV files in {settings.data_dir} are as they were; `verify --repair` makes them the same")


COMMANDS = (export, import_files)
