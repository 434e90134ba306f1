"""The database, the CSV files and the history of runs, put together from the settings.

Imports stand inside the functions, because a command should load only what it
uses: the start is part of every run's time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from application.composite_repository import CompositeMovieRepository
from application.ports import ChartHistory, RunHistory
from domain.errors import UsageError
from shared.activity import activity
from shared.clock import Clock
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.data_dir.disk_wait import DiskWait
    from infrastructure.stores.csv.repository import CsvMovieRepository
    from infrastructure.stores.postgres.database import Database
    from infrastructure.stores.postgres.repository import PostgresMovieRepository


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is.

    Attributes:
        address: answers the connection string to use now.
        shell: PostgreSQL's own shell of the same version, where we have one.
        embedded: whether it is ours, under the data directory.
    """

    address: Callable[[], str]
    shell: Path | None
    embedded: bool


@contextmanager
def database_place(
    settings: Settings, directory: Path, cancel: threading.Event | None = None, *, existing: bool = False
) -> Iterator[Place]:
    """The database that the settings name, or the embedded server of a data directory, running.

    Args:
        settings: whether a server is configured.
        directory: the data directory.
        cancel: once set, nothing is waited for.
        existing: do not make a database that is not there.

    Raises:
        UsageError: no embedded server on this platform, its folder cannot be used, or no run has filled it.
        StoreUnavailable: the embedded server does not come up.
    """
    if settings.postgres_dsn or settings.postgres_host:
        from infrastructure.stores.postgres.address import from_parts

        dsn = settings.postgres_dsn.reveal() or from_parts(
            settings.postgres_host,
            settings.postgres_port,
            settings.postgres_db,
            settings.postgres_user,
            settings.postgres_password.reveal(),
            sslmode=settings.postgres_sslmode,
            sslrootcert=settings.postgres_sslrootcert,
        )
        yield Place(lambda: dsn, None, embedded=False)
        return
    from infrastructure.stores.embedded.server import EmbeddedServer

    embedded = EmbeddedServer(directory / "postgres", cancel=cancel)
    if existing and not embedded.exists:
        raise UsageError(f"there is no database in {directory} yet: run `python main.py` first, or set DATA_DIR")
    with ExitStack() as stack:
        with activity("starting PostgreSQL"):
            server = stack.enter_context(embedded)
            info = server.start()
        yield Place(server.dsn, info.psql, embedded=True)


@contextmanager
def database(
    settings: Settings, place: Place, clock: Clock, cancel: threading.Event | None = None
) -> Iterator[Database]:
    """Pooled connections to a database whose schema is the one of this program.

    Raises:
        UsageError: wrong address, password or schema.
        StoreUnavailable: it cannot be reached.
    """
    from infrastructure.stores.postgres.database import Database
    from infrastructure.stores.postgres.schema import prepare

    opened = Database(
        place.address,
        pool_size=settings.postgres_pool_size,
        patience=settings.store_wait_seconds,
        cancel=cancel,
    )
    try:
        with activity("preparing the database"):
            prepare(opened, clock)
        yield opened
    finally:
        opened.close()


@contextmanager
def database_of(settings: Settings, clock: Clock, cancel: threading.Event | None = None) -> Iterator[Database]:
    """``database`` at its ``database_place``, for commands that look into one that a run has filled."""
    with (
        database_place(settings, settings.data_dir, cancel, existing=True) as place,
        database(settings, place, clock, cancel) as opened,
    ):
        yield opened


def disk_wait(settings: Settings, cancel: threading.Event | None = None) -> DiskWait:
    """How long a full disk is waited for."""
    from infrastructure.data_dir.disk_wait import DiskWait

    return DiskWait(settings.store_wait_seconds, cancel)


@contextmanager
def each_store(
    settings: Settings,
    opened: Database,
    *,
    read_only: bool = False,
    mending: bool = False,
    cancel: threading.Event | None = None,
) -> Iterator[tuple[CsvMovieRepository, PostgresMovieRepository]]:
    """CSV and PostgreSQL, each by itself.

    Args:
        settings: where they are.
        opened: the database.
        read_only: change nothing in the CSV files.
        mending: set CSV rows aside that cannot be read, instead of refusing the files.
        cancel: ends every wait.

    Raises:
        UsageError: a CSV file of another shape stands in the data directory.
    """
    from infrastructure.stores.csv.repository import CsvMovieRepository
    from infrastructure.stores.postgres.repository import PostgresMovieRepository

    csv = CsvMovieRepository(
        settings.data_dir,
        escape_formulas=settings.csv_escape_formulas,
        read_only=read_only,
        set_aside_unreadable=mending,
        disk_wait=disk_wait(settings, cancel),
    )
    with closing(csv):
        yield csv, PostgresMovieRepository(opened)


@contextmanager
def stores(
    settings: Settings, opened: Database, cancel: threading.Event | None = None
) -> Iterator[CompositeMovieRepository]:
    """Both stores, open for saving, as one repository.

    Raises:
        UsageError: a CSV file of another shape stands in the data directory.
    """
    with (
        each_store(settings, opened, cancel=cancel) as (csv, postgres),
        closing(CompositeMovieRepository(postgres, csv)) as both,
    ):
        yield both


def postgres_store(opened: Database) -> PostgresMovieRepository:
    """The movies in PostgreSQL, for reading."""
    from infrastructure.stores.postgres.repository import PostgresMovieRepository

    return PostgresMovieRepository(opened)


def history(opened: Database) -> RunHistory:
    """Where runs are remembered."""
    from infrastructure.stores.postgres.history import PostgresHistory

    return PostgresHistory(opened)


def chart_history(opened: Database) -> ChartHistory:
    """The charts of earlier runs."""
    from infrastructure.stores.postgres.history import PostgresHistory

    return PostgresHistory(opened)
