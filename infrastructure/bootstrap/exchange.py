"""Composes export and import: the whole database as files, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from application.ports.stores import Loader
from domain.errors import UsageError
from infrastructure.bootstrap.stores import SQLITE_FILE, database, database_of, database_place
from shared.clock import Clock
from shared.settings import Settings


def export_database(settings: Settings, clock: Clock, folder: Path, form: str, *, overwrite: bool) -> tuple[Path, ...]:
    """Writes all tables of the database to files; returns their paths.

    Args:
        form: an ``ExportFormat``.
        overwrite: files of the same names may be replaced.

    Raises:
        UsageError: the folder is the data directory or cannot be used, or a file exists.
        StoreUnavailable: the database cannot be reached, or the disk is full.
    """
    from infrastructure.export import ExportFormat, export
    from infrastructure.stores.postgres.reading import snapshot

    if folder.resolve() == settings.data_dir.resolve():
        raise UsageError(f"{folder} is the data directory, whose files belong to runs: export to another folder")
    with database_of(settings, clock, migrate=False) as opened, snapshot(opened) as source:
        return export(
            source, ExportFormat(form), folder, overwrite=overwrite, escape_formulas=settings.csv_escape_formulas
        )


def import_files(settings: Settings, clock: Clock, folder: Path) -> dict[str, int]:
    """Copies the CSV files of a folder into the empty database of STORES; returns the rows of each table.

    Raises:
        UsageError: a file is missing or cannot be read, the database holds movies, or STORES names no database.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.data_dir import DataDir
    from infrastructure.export import import_csv, require_files

    require_files(folder)  # before a database is created
    if not {"postgres", "sqlite"} & set(settings.store_names):
        raise UsageError(
            f"this command fills a database, and STORES is {settings.stores}: add postgres or sqlite to it, "
            "or copy the CSV files into an empty DATA_DIR"
        )
    directory = DataDir(settings.data_dir)
    directory.prepare()
    with directory.lock("import", clock), _loader(settings, clock) as loader:
        counts = import_csv(folder, loader, escape_formulas=settings.csv_escape_formulas)
    return {str(table): count for table, count in counts.items()}


@contextmanager
def _loader(settings: Settings, clock: Clock) -> Iterator[Loader]:
    """Of PostgreSQL if STORES names it, else of SQLite; `verify --repair` brings the others forward."""
    if "postgres" in settings.store_names:
        from infrastructure.stores.postgres.loading import PostgresLoader

        with database_place(settings, settings.data_dir) as place, database(settings, place, clock) as opened:
            yield PostgresLoader(opened)
        return
    from infrastructure.stores.sqlite.repository import SqliteLoader, SqliteMovieRepository

    path = settings.data_dir / SQLITE_FILE
    with closing(SqliteMovieRepository(path, wait_seconds=settings.store_wait_seconds)) as store:
        yield SqliteLoader(store)
