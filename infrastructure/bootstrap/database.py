"""Composes queries of the database, reports, psql, export and import."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from application.ports.runs import TableOfValues, Value
from application.ports.stores import Loader, MovieRepository
from application.records import Row
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.bootstrap.stores import (
    SQLITE_FILE,
    database,
    database_place,
    open_stores,
    reading_database,
)
from shared.clock import Clock
from shared.settings import Settings

DEFAULT_SINCE: Final = timedelta(days=30)  # of rating movers
_MAX_SNAPSHOTS: Final = 10_000
_HISTORY_COLUMNS: Final = ("started", "subject", "took", "saved", "outcome")
_HISTORY: Final = """
    SELECT {start} AS started_at, coalesce(chart, 'list of ids') AS subject, site, asked, saved, failed,
           asked - saved - failed AS pending, round(cast({seconds} AS numeric), 1) AS seconds,
           CASE WHEN finished_at IS NULL THEN 'unfinished' WHEN failed > 0 THEN 'with failures'
                WHEN saved < asked THEN 'stopped' ELSE 'finished' END AS outcome
    FROM runs ORDER BY runs.started_at DESC, run_id DESC LIMIT {limit}"""


def write_answer(
    settings: Settings, clock: Clock, query: str, form: str, out: TextIO, *, store: str | None = None
) -> None:
    """Runs one read-only query and writes its result.

    Args:
        query: one SQL statement that returns rows.
        form: a ``Format``.
        store: to query; by default the first of STORES that takes queries.

    Raises:
        UsageError: the query is wrong, would write or takes too long, or STORES has no such store.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.tables import Format, write

    with _answer(settings, clock, query, store) as answer:
        write([answer], Format(form), out, headings=False)


@contextmanager
def _answer(settings: Settings, clock: Clock, query: str, store: str | None = None) -> Iterator[TableOfValues]:
    limit = settings.sql_timeout_seconds
    if _queried(settings, store) == "sqlite":
        from infrastructure.stores.sqlite.queries import run_query as run_on_sqlite

        yield run_on_sqlite(settings.data_dir / SQLITE_FILE, query, seconds=limit)
        return
    from infrastructure.stores.postgres.queries import run_query

    with reading_database(settings, clock) as database:
        yield run_query(database, query, seconds=limit)


def report_names() -> tuple[str, ...]:
    """The names of all reports."""
    from application.reports import MOVERS
    from infrastructure.stores.postgres.queries import report_names as names

    return (*names(), MOVERS)


def write_reports(
    settings: Settings, clock: Clock, names: Iterable[str], form: str, out: TextIO, *, store: str | None = None
) -> None:
    """Writes the given reports, or all that the store supports, and rating movers of the last thirty days.

    Raises:
        UsageError: there is no such report, or STORES has no store for it.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.tables import Format, write

    names = tuple(names)
    if unknown := sorted(set(names).difference(known := report_names())):
        raise UsageError(f"unknown report {unknown[0]!r}; choose from {', '.join(known)}")
    movers = () if names else _movers(settings, clock)
    if _queried(settings, store) == "sqlite":
        from infrastructure.stores.sqlite.queries import SqliteReports

        reports = SqliteReports(settings.data_dir / SQLITE_FILE, seconds=settings.sql_timeout_seconds)
        write(chain(reports.tables(names), movers), Format(form), out)
        return
    from infrastructure.stores.postgres.queries import PostgresReports, interruptible

    with reading_database(settings, clock) as database, interruptible():
        write(chain(PostgresReports(database).tables(names), movers), Format(form), out)


def _history_of(store: MovieRepository) -> Callable[[], Iterator[Row]]:
    return lambda: store.rows(Table.RATINGS_HISTORY)


def _movers(settings: Settings, clock: Clock) -> Iterator[TableOfValues]:
    """The report of rating movers; without a history its explanation says so."""
    from application.reports import rating_movers, table_of_movers

    with open_stores(settings, clock, existing=True, read_only=True) as opened:
        try:
            yield rating_movers(_history_of(opened.together), DEFAULT_SINCE, opened.together.find)
        except UsageError as error:
            yield table_of_movers(str(error))


def write_changes(
    settings: Settings, clock: Clock, names: Iterable[str], since: timedelta, form: str, out: TextIO
) -> None:
    """Writes newcomers, leavers and climbers against the complete run nearest to ``since`` ago, and rating movers.

    Args:
        names: of the reports; newcomers, leavers and climbers if there are none.
        since: time before now.
        form: a ``Format``.

    Raises:
        UsageError: there is no such report, there are no two complete runs of a chart, or no history of ratings.
        StoreUnavailable: a store cannot be reached.
    """
    from application.reports import MOVERS, compare_since, rating_movers
    from infrastructure.tables import Format, write

    moment = clock.now() - since
    wanted = list(names)
    compared = [name for name in wanted if name != MOVERS]
    tables: list[TableOfValues] = []
    with open_stores(settings, clock, existing=True, read_only=True) as opened:
        if compared or not wanted:
            snapshots = opened.history.snapshots(_MAX_SNAPSHOTS)
            tables += compare_since(snapshots, moment, compared, opened.together.find)
        if MOVERS in wanted:
            tables.append(rating_movers(_history_of(opened.together), since, opened.together.find))
        write(tables, Format(form), out)


def write_history(settings: Settings, clock: Clock, limit: int, form: str, out: TextIO) -> None:
    """Writes the last runs, newest first: start, duration, counts, outcome. A table has fewer columns, and local times.

    Raises:
        UsageError: STORES has no database.
        StoreUnavailable: the database cannot be reached.
    """
    start = """to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    seconds = "extract(epoch FROM finished_at - started_at)"
    if _queried(settings, None) == "sqlite":
        start, seconds = "started_at", "(julianday(finished_at) - julianday(started_at)) * 86400"
    from infrastructure.tables import Format, write

    with _answer(settings, clock, _HISTORY.format(start=start, seconds=seconds, limit=limit)) as runs:
        if form == Format.TABLE:
            runs = replace(runs, columns=_HISTORY_COLUMNS, rows=map(_run_for_people, runs.rows))
        write([runs], Format(form), out, headings=False)


def _run_for_people(row: tuple[Value, ...]) -> tuple[Value, ...]:
    """One run in few columns, with its start in local time."""
    from infrastructure.progress.run_text import elapsed, local_time

    start, subject, _site, asked, saved, failed, pending, seconds, outcome = row
    counts = ((failed, "failed"), (pending, "pending"))
    open_ones = ", ".join(f"{count} {word}" for count, word in counts if count)
    took = "" if seconds is None else elapsed(float(str(seconds)))
    return local_time(datetime.fromisoformat(str(start))), subject, took, f"{saved} of {asked}", open_ones or outcome


def _queried(settings: Settings, store: str | None) -> str:
    """The store to query; refuses one that STORES does not have."""
    able = [name for name in settings.store_names if name in ("postgres", "sqlite")]
    if not able:
        raise UsageError(f"queries need a database, and STORES is {settings.stores}: add postgres or sqlite to it")
    if store is not None and store not in able:
        raise UsageError(f"STORES is {settings.stores}: there is no {store} to query; choose {' or '.join(able)}")
    return store or able[0]


def run_psql(settings: Settings, arguments: Iterable[str]) -> int:
    """Runs psql on the database with these arguments; returns its exit code.

    Raises:
        UsageError: psql is not installed.
        StoreUnavailable: the embedded server does not start.
    """
    from infrastructure.stores.postgres.address import environment_of

    with database_place(settings, existing=True) as place:
        shell = place.shell or shutil.which("psql")
        if shell is None:
            raise UsageError("psql is not installed: install your system's PostgreSQL client")
        # The address is passed in the environment, because every user of the machine can read command lines.
        # Only psql handles Ctrl-C: it cancels its query. Unlike SIG_IGN, a handler is not inherited by psql.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        try:
            process = subprocess.run(  # noqa: S603 - psql, with what the user typed
                [shell, *arguments], env={**os.environ, **environment_of(place.address())}, check=False
            )
        finally:
            signal.signal(signal.SIGINT, before)
    return process.returncode


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
    if "postgres" not in settings.store_names:
        raise UsageError(f"this command queries PostgreSQL, and STORES is {settings.stores}: add postgres to it")
    with database(settings, clock, existing=True, migrate=False) as (opened, _place), snapshot(opened) as source:
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

        with database(settings, clock) as (opened, _place):
            yield PostgresLoader(opened)
        return
    from infrastructure.stores.sqlite.repository import SqliteLoader, SqliteMovieRepository

    path = settings.data_dir / SQLITE_FILE
    with closing(SqliteMovieRepository(path, wait_seconds=settings.store_wait_seconds)) as store:
        yield SqliteLoader(store)
