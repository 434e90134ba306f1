"""Composes export and import: the whole database as files, and back."""

from __future__ import annotations

from pathlib import Path

from domain.errors import UsageError
from infrastructure.bootstrap.stores import database, database_of, database_place
from shared.clock import Clock
from shared.settings import Settings


def export_database(settings: Settings, clock: Clock, folder: Path, form: str, *, overwrite: bool) -> tuple[Path, ...]:
    """Writes all tables of the database to files; returns their paths.

    Args:
        form: an ``export.exporting.ExportFormat``.
        overwrite: files of the same names may be replaced.

    Raises:
        UsageError: the folder is the data directory or cannot be used, or a file exists.
        StoreUnavailable: the database cannot be reached, or the disk is full.
    """
    from infrastructure.export.exporting import ExportFormat, export
    from infrastructure.stores.postgres.reading import snapshot

    if folder.resolve() == settings.data_dir.resolve():
        raise UsageError(f"{folder} is the data directory, whose files belong to runs: export to another folder")
    with database_of(settings, clock, migrate=False) as opened, snapshot(opened) as source:
        return export(
            source, ExportFormat(form), folder, overwrite=overwrite, escape_formulas=settings.csv_escape_formulas
        )


def import_files(settings: Settings, clock: Clock, folder: Path) -> dict[str, int]:
    """Copies the CSV files of a folder into an empty database; returns the rows of each table.

    Raises:
        UsageError: a file is missing or cannot be read, or the database holds movies.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.data_dir.directory import DataDir
    from infrastructure.export.importing import import_csv, require_files
    from infrastructure.stores.postgres.loading import PostgresLoader

    require_files(folder)  # before a database is created
    directory = DataDir(settings.data_dir)
    directory.prepare()
    with (
        directory.lock("import", clock),
        database_place(settings, settings.data_dir) as place,
        database(settings, place, clock) as opened,
    ):
        counts = import_csv(folder, PostgresLoader(opened), escape_formulas=settings.csv_escape_formulas)
    return {str(table): count for table, count in counts.items()}
