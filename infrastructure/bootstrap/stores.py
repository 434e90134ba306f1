"""Composes the database, the CSV files and the history of runs from the settings."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from application.composite_repository import CompositeMovieRepository
from application.ports.runs import ChartHistory, ChartSnapshot, Run, RunHistory
from application.ports.stores import BulkRepository, MovieRepository
from domain.chart import ChartEntry, ChartName
from domain.errors import StoreUnavailable, UsageError
from infrastructure.bootstrap import JOB_LOGS
from shared.atomic import write_atomically
from shared.clock import Clock
from shared.logs import activity
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.data_dir import DiskWait
    from infrastructure.stores.postgres.database import Database

_log = logging.getLogger(__name__)
SQLITE_FILE: Final = "filmledger.sqlite"
PENDING_LOAD: Final = "load.json"  # in the state folder: a load whose commits have begun
PREPARED: Final = "load"  # in the state folder: the rows of a load, joined and sorted
_NO_LIMIT: Final = 7 * 86400.0  # seconds


class Place(msgspec.Struct, frozen=True):
    """The database's address.

    Attributes:
        address: returns the current connection string.
        shell: psql of the server's version, if this program has one.
        embedded: whether it is the embedded server under the data directory.
    """

    address: Callable[[], str]
    shell: Path | None
    embedded: bool


@contextmanager
def database_place(
    settings: Settings, cancel: threading.Event | None = None, *, existing: bool = False
) -> Iterator[Place]:
    """The database of the settings, or the running embedded server of the data directory.

    Args:
        cancel: once set, nothing is waited for.
        existing: do not create a database that does not exist.

    Raises:
        UsageError: no embedded server on this platform, its folder cannot be used, or no run has filled it.
        StoreUnavailable: the embedded server does not start.
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
    from infrastructure.stores.postgres.address import ignore_environment

    ignore_environment()  # the embedded server's address is complete
    embedded = EmbeddedServer(settings.data_dir / "postgres", timeout=settings.store_wait_seconds, cancel=cancel)
    if existing and not embedded.exists:
        raise UsageError(
            f"there is no database in {settings.data_dir} yet: run `python main.py` first, or set DATA_DIR"
        )
    with ExitStack() as stack:
        with activity("starting PostgreSQL"):
            server = stack.enter_context(embedded)
            info = server.start()
        yield Place(server.dsn, info.psql, embedded=True)


@contextmanager
def database(
    settings: Settings,
    clock: Clock,
    cancel: threading.Event | None = None,
    *,
    existing: bool = False,
    migrate: bool = True,
) -> Iterator[tuple[Database, Place]]:
    """Pooled connections to the ``database_place``, whose schema is the one of this program.

    Args:
        migrate: make or update the schema; otherwise it stays as it is.

    Raises:
        UsageError: wrong address, password or schema.
        StoreUnavailable: it cannot be reached.
    """
    from infrastructure.stores.postgres.database import Database, cancel_event
    from infrastructure.stores.postgres.schema import prepare, take_ranks_before

    with ExitStack() as stack:
        place = stack.enter_context(database_place(settings, cancel, existing=existing))
        opened = Database(
            place.address,
            pool_size=settings.postgres_pool_size,
            timeout=settings.store_wait_seconds,
            cancel=stack.enter_context(cancel_event(cancel)),
        )
        stack.callback(opened.close)
        if migrate:
            with activity("preparing the database"):
                migrated = prepare(opened, clock, chart=chart_of_last_run(settings.data_dir))
            if migrated:
                _log.warning("PostgreSQL: migrated from an older version of the tables")
            take_ranks_before(opened, partial(_save_ranks, settings.data_dir))
        yield opened, place


def _save_ranks(directory: Path, ranks: list[tuple[int, str, str]]) -> None:
    """Writes ranks of version 0.1 that belong to no known chart, beside those of the CSV files."""
    path = directory / "ranks-before.csv"
    if path.exists():
        path = directory / "ranks-before-postgres.csv"
    lines = [("rank", "imdb_id", "scraped_at"), *ranks]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(path, "".join(",".join(map(str, line)) + "\r\n" for line in lines).encode())
    except OSError as error:
        raise StoreUnavailable("postgres", f"{path} cannot be written: {error.strerror}") from error
    _log.warning("PostgreSQL: ranks of an unknown chart are in %s", path)


@contextmanager
def reading_database(settings: Settings, clock: Clock) -> Iterator[Database]:
    """The database for users' queries: with a read-only role, if there is one.

    Raises:
        UsageError: no run has filled it, or its address, password or schema is wrong.
        StoreUnavailable: it cannot be reached.
    """
    from infrastructure.stores.postgres.database import Database
    from infrastructure.stores.postgres.queries import prepare_reader

    with database(settings, clock, existing=True) as (opened, place):
        address = place.address
        if place.embedded:
            address = prepare_reader(opened, place.address)
        elif reader := settings.postgres_reader_dsn.reveal():
            address = lambda: reader  # noqa: E731 - an address is a function
        reading = Database(
            address,
            pool_size=1,
            timeout=settings.store_wait_seconds,
            statement_timeout=settings.sql_timeout_seconds or _NO_LIMIT,
            cancel=opened.cancel,
        )
        with closing(reading):
            yield reading


def disk_wait(settings: Settings, cancel: threading.Event | None = None) -> DiskWait:
    """How long a full disk is waited for."""
    from infrastructure.data_dir import DiskWait

    return DiskWait(settings.store_wait_seconds, cancel)


class OpenStores(msgspec.Struct, frozen=True):
    """The open stores of STORES.

    Attributes:
        each: in the order of preference.
        together: all of them as one repository.
        history: of the runs and the charts they read.
        place: of PostgreSQL; ``None`` without it.
        database: its connections; ``None`` without it.
    """

    each: tuple[MovieRepository, ...]
    together: CompositeMovieRepository
    history: History
    place: Place | None = None
    database: Database | None = None

    @property
    def bulk(self) -> tuple[BulkRepository, ...]:
        """The stores, typed for a load of data files."""
        return tuple(store for store in self.each if isinstance(store, BulkRepository))


class History(RunHistory, ChartHistory, Protocol):
    """A store's history of runs and the charts they read."""


class NoHistory:
    """The history of stores that keep none."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        """Nothing is kept."""

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        """Nothing is kept."""

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:  # noqa: ARG002 - the port's signature
        """Nothing is there."""
        return ()


@contextmanager
def open_stores(
    settings: Settings,
    clock: Clock,
    cancel: threading.Event | None = None,
    *,
    existing: bool = False,
    read_only: bool = False,
    mending: bool = False,
) -> Iterator[OpenStores]:
    """Opens every store of STORES.

    Args:
        existing: no store is created.
        read_only: nothing is changed in the files.
        mending: rows of CSV files that cannot be read are set aside, instead of refusing the files.

    Raises:
        UsageError: a store cannot be used: wrong address, password or schema, a CSV file with other columns.
        StoreUnavailable: a store cannot be reached.
    """
    each: list[MovieRepository] = []
    history: History = NoHistory()
    place, opened = None, None
    names = settings.store_names
    with ExitStack() as stack:
        if existing and "postgres" not in names:
            from infrastructure.data_dir import DataDir

            DataDir(settings.data_dir).require()
        if "csv" in names and "postgres" in names and not (read_only or mending):
            from infrastructure.stores.csv import require_readable

            require_readable(settings.data_dir)
        if "postgres" in names:  # first, so that no other store is changed if the database refuses
            opened, place = stack.enter_context(database(settings, clock, cancel, existing=existing))
            if not (place.embedded or read_only):
                from infrastructure.stores.postgres.state import claim

                claim(opened, settings.data_dir, take_over=settings.postgres_take_over)
        for name in names:
            if name == "csv":
                from infrastructure.stores.csv.repository import CsvMovieRepository

                each.append(
                    CsvMovieRepository(
                        settings.data_dir,
                        escape_formulas=settings.csv_escape_formulas,
                        read_only=read_only,
                        set_aside_unreadable=mending,
                        disk_wait=disk_wait(settings, cancel),
                        rank_chart=lambda: chart_of_last_run(settings.data_dir),
                        clock=clock,
                    )
                )
            elif name == "sqlite":
                from infrastructure.stores.sqlite.history import SqliteHistory
                from infrastructure.stores.sqlite.repository import SqliteMovieRepository

                path = settings.data_dir / SQLITE_FILE
                sqlite = SqliteMovieRepository(
                    path, wait_seconds=settings.store_wait_seconds, read_only=read_only, cancel=cancel, clock=clock
                )
                each.append(sqlite)
                if opened is None:
                    history = SqliteHistory(sqlite, path)
            elif opened is not None:
                from infrastructure.stores.postgres.history import PostgresHistory
                from infrastructure.stores.postgres.repository import PostgresMovieRepository

                each.append(PostgresMovieRepository(opened, clock))
                history = PostgresHistory(opened)
            stack.callback(each[-1].close)
        stores = OpenStores(tuple(each), CompositeMovieRepository(each), history, place, opened)
        if not read_only:
            _settle_load(settings, stores, cancel)
        yield stores


def _settle_load(settings: Settings, opened: OpenStores, cancel: threading.Event | None) -> None:
    """Completes or discards a load of data files that was interrupted between the commits of two stores."""
    from infrastructure.data_dir import DataDir

    state = DataDir(settings.data_dir).state
    if not (state / PENDING_LOAD).exists():
        return
    from application.load_datasets import Settlement, settle_load
    from infrastructure.datasets.prepared import LoadFile, PreparedFiles

    settlement = settle_load(
        LoadFile(state / PENDING_LOAD),
        opened.bulk,
        lambda: PreparedFiles.opened(state / PREPARED, memory=settings.datasets_memory, cancel=cancel),
    )
    if settlement is Settlement.COMPLETED:
        shutil.rmtree(state / PREPARED, ignore_errors=True)
    if settlement is not Settlement.NONE:
        _log.warning("%s", settlement.value)


def chart_of_last_run(directory: Path) -> str | None:
    """The chart of the newest run in a data directory that completed a title; ranks of version 0.1 belong to it."""
    newest = JOB_LOGS["scrape"]
    stem = newest.removesuffix(".jsonl")
    for path in [directory / newest, *sorted(directory.glob(f"{stem}-*.jsonl"), reverse=True)]:
        try:
            lines = path.read_bytes().splitlines()
        except FileNotFoundError:
            continue
        with suppress(ValueError, KeyError, TypeError, IndexError):
            subject = json.loads(lines[0])["subject"]
            if subject in set(ChartName) and any(b'"kind":"completed"' in line for line in lines):
                return str(subject)
    return None


def make_equal(opened: OpenStores, report: Callable[[str], None]) -> None:
    """Fills stores that were empty or temporarily left out from the others, before a run writes to all of them.

    Stores with the same marker were last written together and are skipped.

    Args:
        report: called with one line about the changes.

    Raises:
        StoreError: a store cannot be read or written.
    """
    together = opened.together
    if len(opened.each) > 1 and together.marker is None:
        from application.repair import RepairStep, repair

        actions = Counter(action.step for action in repair(opened.each))
        copied = actions[RepairStep.COPIED] + actions[RepairStep.MERGED]
        if copied:
            report(f"{copied} records copied between {together.name}: they were not written together before")
        if failed := actions[RepairStep.FAILED]:
            report(f"{failed} records cannot be copied between the stores; `verify` lists them")
    together.mark_as_equal()


def restore_edited_files(opened: OpenStores, warn: Callable[[str], None]) -> bool:
    """Restores the titles that CSV files lack because another program wrote them during the run.

    Titles that no other store holds are named; the next run fetches them.

    Returns:
        Whether a file was changed.

    Raises:
        StoreError: a store cannot be read or written.
    """
    from application.repair import RepairStep, restore
    from infrastructure.stores.csv import CsvMovieRepository

    edited = [store for store in opened.each if isinstance(store, CsvMovieRepository) and store.edited_during_run]
    for store in edited:
        others = [other for other in opened.each if other is not store]
        actions = list(restore(store, others, store.missing_titles))
        store.finalize()
        lost = [action.key for action in actions if action.step is RepairStep.FAILED]
        if restored := len(actions) - len(lost):
            warn(f"{restored} titles that were missing from the edited movies.csv were restored from another store")
        if lost:
            warn(f"missing from the edited movies.csv: {', '.join(lost)}; the next run fetches them again")
    return bool(edited)
