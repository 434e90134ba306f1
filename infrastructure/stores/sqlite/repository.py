"""Movies in one SQLite file, written by one thread in batches."""

from __future__ import annotations

import contextlib
import csv
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from application.blocks import text_of
from application.ports.stores import LoadPart, PreparedTables
from application.records import (
    MovieRows,
    Row,
    canonical,
    from_rows,
    is_from_future,
    newer_person,
    storage_problem,
    to_rows,
)
from domain.errors import RecordRejected, StoreError, StoreUnavailable, UsageError
from domain.fields import DeclaredTable, HistoryTable, Table
from domain.movie import Movie
from infrastructure.stores.sqlite import schema
from shared.batcher import BackgroundBatcher, batches
from shared.clock import Clock, SystemClock

_log = logging.getLogger(__name__)

STORE: Final = "sqlite"
_MAX_BATCH_SIZE: Final = 100
_AT_A_TIME: Final = 1000
_BUSY_SECONDS: Final = 0.2  # how long SQLite itself waits for another process's write
T = TypeVar("T")
_SCRAPED_AT: Final = Table.MOVIES.column_index("scraped_at")

_SAVE_MOVIE: Final = schema.upsert(Table.MOVIES, where="movies.scraped_at <= excluded.scraped_at")
_SAVE_NAME: Final = schema.upsert(
    Table.PEOPLE,
    ("name", "read_at", "source"),
    where="coalesce(people.read_at, '') < coalesce(excluded.read_at, '')"
    " OR people.read_at IS excluded.read_at AND excluded.name < people.name",
)
_UPSERT: Final[dict[DeclaredTable, str]] = {table: schema.upsert(table) for table in (*Table, *HistoryTable)}
_SAVE_MY_RATING: Final = schema.upsert(Table.MY_RATINGS, where="my_ratings.read_at <= excluded.read_at")
_SET_STATE: Final = "INSERT INTO store_state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_FIND_PERSON: Final = f"SELECT {schema.cells(Table.PEOPLE)} FROM people WHERE person_id = ?"
_FIND_MOVIE: Final = f"SELECT {schema.cells(Table.MOVIES)} FROM movies WHERE imdb_id = ?"
_FIND_CREDITS: Final = (
    f"SELECT {schema.cells(Table.CREDITS)}, people.name FROM credits JOIN people USING (person_id) WHERE imdb_id = ?"
)
_FIND_AKAS: Final = f"SELECT {schema.cells(Table.AKAS)} FROM akas WHERE imdb_id = ?"


class _Job(msgspec.Struct, eq=False):
    """One task of the writing thread, with a savepoint of its own."""

    work: Callable[[sqlite3.Connection], Any]
    result: Any = None
    error: Exception | None = msgspec.field(default=None)


class SqliteMovieRepository:
    """Satisfies ``BackgroundRepository``.

    One thread writes, a batch of saves in one transaction; each save is durable when it returns.
    Other processes can read meanwhile, because the file is in WAL mode.

    Args:
        path: created if it does not exist.
        wait_seconds: how long to wait for another process's write.
        read_only: nothing is created or changed.
        cancel: once set, another process's write is not waited for.
        clock: decides whether a stored record or chart was read in the future.
    """

    name = STORE
    may_reject = True

    def __init__(
        self,
        path: Path,
        *,
        wait_seconds: float = 60.0,
        read_only: bool = False,
        cancel: threading.Event | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._path = path
        self._wait_seconds = wait_seconds
        self._cancel = cancel or threading.Event()
        self._reading = threading.Lock()
        with translated_errors(path):
            self._reader = connect(path, wait_seconds, read_only=read_only)
            try:
                if read_only:
                    schema.require_readable(self._reader)
                else:
                    self._reader.execute("PRAGMA journal_mode = WAL")
                    schema.prepare(self._reader)
            except BaseException:
                self._reader.close()
                raise
        self._writer: sqlite3.Connection | None = None
        self._batcher: BackgroundBatcher[_Job] = BackgroundBatcher(
            self._flush, max_batch=_MAX_BATCH_SIZE, name="sqlite-writer"
        )

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        self.save_async(movie, rows)()

    def save_async(self, movie: Movie, rows: MovieRows | None = None) -> Callable[[], None]:
        rows = rows or to_rows(movie)
        if problem := storage_problem(rows):
            raise RecordRejected(STORE, f"{movie.imdb_id}: {problem}")
        return self._start(movie.imdb_id, lambda connection: _save_movie(connection, rows, self._clock.now()))

    def replace(self, imdb_id: str, movie: Movie | None) -> None:

        def put(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM movies WHERE imdb_id = ?", (imdb_id,))
            if movie is not None:
                _save_movie(connection, to_rows(movie), self._clock.now())

        self.write(put, imdb_id)

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:

        def put(connection: sqlite3.Connection) -> None:
            ((stored,),) = connection.execute("SELECT max(read_at) FROM charts WHERE chart = ?", (chart,)).fetchall()
            read_at = max((row[-1] or "" for row in rows), default="")
            if rows and stored is not None and stored > read_at:
                if not is_from_future(stored, read_at, self._clock.now()):
                    return
                _log.warning("SQLite: chart %s was stored as read at %s, in the future; replaced", chart, stored)
            connection.execute("DELETE FROM charts WHERE chart = ?", (chart,))
            connection.executemany(_UPSERT[Table.CHARTS], rows)

        self.write(put, f"chart {chart}")

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        for batch in batches(rows, _AT_A_TIME):
            self.write(partial(_save_rows, table=table, rows=batch), str(table))

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        condition = " AND ".join(f"{column} = ?" for column in table.key)
        if table is Table.PEOPLE:
            condition += " AND NOT EXISTS (SELECT 1 FROM credits WHERE credits.person_id = people.person_id)"
        statement = f"DELETE FROM {table} WHERE {condition}"

        def deleted(batch: list[tuple[str, ...]]) -> int:
            return self.write(lambda connection: connection.executemany(statement, batch).rowcount, str(table))

        return sum(map(deleted, batches(keys, _AT_A_TIME)))

    def find(self, imdb_id: str) -> Movie | None:
        with self._reading, translated_errors(self._path):
            self._reader.execute("BEGIN")
            try:
                movie = self._reader.execute(_FIND_MOVIE, (imdb_id,)).fetchone()
                credits = self._reader.execute(_FIND_CREDITS, (imdb_id,)).fetchall()
                akas = self._reader.execute(_FIND_AKAS, (imdb_id,)).fetchall()
            finally:
                self._reader.execute("COMMIT")
        if movie is None:
            return None
        try:
            return from_rows(movie, [row[:-1] for row in credits], {row[1]: row[-1] for row in credits}, akas)
        except ValueError as error:
            raise StoreError(STORE, f"{imdb_id} cannot be read: {error}") from error

    def ids(self) -> Iterator[str]:
        return (row[0] or "" for row in self._stream("SELECT imdb_id FROM movies ORDER BY imdb_id"))

    def rows(self, table: Table) -> Iterator[Row]:
        order = ", ".join(f"{table}.{column}" for column in table.key)
        return self._stream(f"SELECT {schema.cells(table)} FROM {table} ORDER BY {order}")

    def text(self, table: Table) -> Iterator[bytes]:
        return (text_of(batch).encode() for batch in batches(self.rows(table), _AT_A_TIME))

    @property
    def marker(self) -> str | None:
        return self._state("marker")

    def set_marker(self, marker: str) -> None:
        self.write(lambda connection: connection.execute(_SET_STATE, ("marker", marker)), "marker")

    @property
    def load_id(self) -> str | None:
        return self._state("load")

    def write_table(self, table: Table, path: Path) -> None:
        try:
            with path.open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(table.columns)
                writer.writerows(self.rows(table))
        except OSError as error:
            raise StoreUnavailable(STORE, f"{path} cannot be written: {error.strerror}") from error

    @contextlib.contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        with translated_errors(self._path), closing(connect_for_writing(self._path)) as writer:
            self._begin(writer)
            try:
                for table in prepared.tables:
                    if prepared.changes(table):
                        if table in (Table.CREDITS, Table.AKAS):
                            replaced = prepared.rows(table, LoadPart.REPLACED)
                            writer.executemany(f"DELETE FROM {table} WHERE imdb_id = ?", replaced)
                        if table is Table.MOVIES:
                            gone = prepared.rows(table, LoadPart.GONE)
                            writer.executemany("DELETE FROM movies WHERE imdb_id = ?", gone)
                        _insert(writer, table, prepared.rows(table, LoadPart.CHANGED))
                writer.execute(_SET_STATE, ("load", load_id))
                yield lambda: writer.execute("COMMIT")
            except (sqlite3.IntegrityError, sqlite3.DataError) as error:
                raise RecordRejected(STORE, str(error)) from error
            finally:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")

    def finalize(self) -> None:
        """Does nothing, because each save is already in the tables."""

    def close(self) -> None:
        self._batcher.close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._reader.close()

    # --- the writing thread ---------------------------------------------------------

    def write(self, work: Callable[[sqlite3.Connection], T], subject: str) -> T:
        """Runs ``work`` on the writing thread; all or none of its writes are kept.

        Args:
            work: called with a connection; it may run again.
            subject: named in the message of a rejection.

        Raises:
            StoreUnavailable: nothing was written.
            RecordRejected: the file refuses the rows.
        """
        return self._start(subject, work)()

    def _start(self, subject: str, work: Callable[[sqlite3.Connection], T]) -> Callable[[], T]:
        job = _Job(work)
        pending = self._batcher.put(job)

        def wait() -> T:
            pending.wait()
            if job.error is not None:
                raise RecordRejected(STORE, f"{subject}: {job.error}") from job.error
            return job.result  # type: ignore[no-any-return]  # what ``work`` returned

        return wait

    def _flush(self, jobs: Sequence[_Job]) -> None:
        with translated_errors(self._path):
            if self._writer is None:
                self._writer = connect_for_writing(self._path)
            writer = self._writer
            self._begin(writer)
            try:
                for job in jobs:
                    _run(writer, job)
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise

    def _begin(self, writer: sqlite3.Connection) -> None:
        """Begins a transaction that writes, once no other process writes; SQLite's own wait cannot be cancelled."""
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                writer.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or self._cancel.is_set() or time.monotonic() >= deadline:
                    raise

    def _state(self, key: str) -> str | None:
        with self._reading, translated_errors(self._path):
            found = self._reader.execute("SELECT value FROM store_state WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def _stream(self, statement: str) -> Iterator[Row]:
        with translated_errors(self._path), closing(connect(self._path, self._wait_seconds, read_only=True)) as reader:
            cursor = reader.execute(statement)
            while rows := cursor.fetchmany(_AT_A_TIME):
                yield from rows


class SqliteLoader:
    """Satisfies ``Loader``.

    Args:
        store: without movies.
    """

    def __init__(self, store: SqliteMovieRepository) -> None:
        self._store = store

    def load(
        self,
        rows: Callable[[Table], Iterator[Row]],
        history: Callable[[HistoryTable], Iterator[Row]] = lambda _table: iter(()),
    ) -> dict[DeclaredTable, int]:

        def load_table(connection: sqlite3.Connection, table: DeclaredTable) -> int:
            sent = _insert(
                connection, table, history(table) if isinstance(table, HistoryTable) else _checked(Table(table), rows)
            )
            if sent != (held := _count(connection, table)):
                raise UsageError(f"nothing was imported: {sent} rows of {table} have only {held} keys")
            return sent

        def load(connection: sqlite3.Connection) -> dict[DeclaredTable, int]:
            if there := _count(connection, Table.MOVIES):
                raise UsageError(f"an import needs an empty database; this one holds {there} movies")
            for table in reversed(_UPSERT):
                connection.execute(f"DELETE FROM {table}")
            return {table: load_table(connection, table) for table in _UPSERT}

        try:
            return self._store.write(load, "import")
        except RecordRejected as error:
            raise UsageError(f"nothing was imported: {error}") from error


def _checked(table: Table, rows: Callable[[Table], Iterator[Row]]) -> Iterator[Row]:
    for row in rows(table):
        try:
            yield canonical(table, row)
        except ValueError as error:
            raise UsageError(f"nothing was imported: {table}: {error}") from error


def _count(connection: sqlite3.Connection, table: DeclaredTable) -> int:
    ((found,),) = connection.execute(f"SELECT count(*) FROM {table}")
    return int(found)


def connect(path: Path, wait_seconds: float, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode.

    Raises:
        UsageError: it is to be read, and does not exist.
        sqlite3.Error: the file cannot be opened.
    """
    if read_only and not path.exists():
        raise UsageError(f"there is no SQLite file {path} yet: run `python main.py` with sqlite in STORES first")
    uri = path.absolute().as_uri() + ("?mode=ro" if read_only else "")
    return sqlite3.connect(uri, uri=True, timeout=wait_seconds, isolation_level=None, check_same_thread=False)


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """A connection whose commits are durable when they return.

    Raises:
        sqlite3.Error: the file cannot be opened.
    """
    connection = connect(path, _BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _run(connection: sqlite3.Connection, job: _Job) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except (sqlite3.IntegrityError, sqlite3.DataError, UnicodeEncodeError) as error:
        connection.execute("ROLLBACK TO job")
        job.error = error
    connection.execute("RELEASE job")


def _save_movie(connection: sqlite3.Connection, rows: MovieRows, now: datetime) -> None:
    imdb_id, read_at = rows.movie[0], rows.movie[_SCRAPED_AT] or ""
    if not connection.execute(_SAVE_MOVIE, rows.movie).rowcount:
        held = connection.execute("SELECT scraped_at FROM movies WHERE imdb_id = ?", (imdb_id,)).fetchone()
        ahead = held is not None and is_from_future(held[0], read_at, now)
        if held is not None and held[0] > read_at and not ahead:
            return  # the stored record is newer
        if not ahead or not connection.execute(_UPSERT[Table.MOVIES], rows.movie).rowcount:
            raise sqlite3.IntegrityError("the file did not keep the record; a trigger drops it")
        _log.warning(
            "SQLite: %s was stored as read at %s, which is in the future; replaced by the record read at %s",
            imdb_id, held[0], read_at,
        )  # fmt: skip
    connection.executemany(_SAVE_NAME, rows.people)
    connection.execute("DELETE FROM credits WHERE imdb_id = ?", (imdb_id,))
    connection.executemany(_UPSERT[Table.CREDITS], rows.credits)
    connection.execute("DELETE FROM akas WHERE imdb_id = ?", (imdb_id,))
    connection.executemany(_UPSERT[Table.AKAS], rows.akas)


def _insert(connection: sqlite3.Connection, table: DeclaredTable, rows: Iterable[Row]) -> int:
    """Writes rows, and checks that the file kept every one; returns their number.

    Raises:
        RecordRejected: it kept fewer.
    """
    sent = count()
    held = connection.executemany(_UPSERT[table], (row for row, _ in zip(rows, sent, strict=False))).rowcount
    if (expected := next(sent)) != max(held, 0):
        raise RecordRejected(STORE, f"{table}: the file kept {held} of {expected} rows; a trigger drops the others")
    return expected


def _save_rows(connection: sqlite3.Connection, table: Table, rows: Sequence[Row]) -> None:
    if table is not Table.PEOPLE:
        connection.executemany(_SAVE_MY_RATING if table is Table.MY_RATINGS else _UPSERT[table], rows)
        return
    for row in rows:
        old = connection.execute(_FIND_PERSON, (row[0],)).fetchone()
        if old is not None:
            row = newer_person(old, row)
        elif row[1] is None:
            continue
        connection.execute(_UPSERT[Table.PEOPLE], row)


@contextlib.contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Converts SQLite's errors.

    Raises:
        UsageError: the file is not an SQLite file, or may not be used.
        StoreUnavailable: it cannot be used at the moment.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
            raise UsageError(f"{path} cannot be used as SQLite file: {error}") from error
        raise StoreUnavailable(STORE, f"{path}: {error}") from error
