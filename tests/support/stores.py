"""The real stores, each on fresh, empty data that is taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from application.ports.stores import BulkRepository
from infrastructure.stores.csv.repository import CsvMovieRepository
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.repository import PostgresMovieRepository
from infrastructure.stores.sqlite.repository import SqliteMovieRepository
from tests.support.postgres import empty_database

BulkOpener: TypeAlias = Callable[[], BulkRepository]
"""Opens a store on the same data, every time it is called."""


@contextmanager
def csv_files() -> Iterator[BulkOpener]:
    with TemporaryDirectory() as directory:
        yield lambda: CsvMovieRepository(Path(directory))


@contextmanager
def csv_files_with_escaped_formulas() -> Iterator[BulkOpener]:
    with TemporaryDirectory() as directory:
        yield lambda: CsvMovieRepository(Path(directory), escape_formulas=True)


@contextmanager
def postgres() -> Iterator[BulkOpener]:
    with empty_database() as dsn:
        yield lambda: PostgresMovieRepository(Database(dsn))


@contextmanager
def sqlite_file() -> Iterator[BulkOpener]:
    with TemporaryDirectory() as directory:
        yield lambda: SqliteMovieRepository(Path(directory) / "movies.sqlite")
