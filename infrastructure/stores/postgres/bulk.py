"""Loads prepared data files with COPY, in one transaction for all tables and the load's id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.ports.stores import LoadPart, PreparedTables
from domain.errors import Cancelled, RecordRejected
from domain.fields import Table
from infrastructure.stores.postgres import maintenance, statements
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import STORE, Kind, classify_error, one_line
from infrastructure.stores.postgres.queries import query
from shared.threads import when_set

LOAD_KEY: Final = "load"
_PIECE: Final = 1 << 20
_COPY_FORM: Final = "FROM STDIN (FORMAT csv)"
_PARTS: Final = (Table.CREDITS, Table.AKAS)
_GROWTH: Final = 10  # ANALYZE runs on tables of which more than a tenth of the rows were written


@contextmanager
def loading(database: Database, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
    """See ``BulkRepository.loading``.

    Raises:
        Cancelled: ``database.cancel`` was set; nothing was committed.
    """
    cancel = database.cancel
    with database.connected() as connection:
        connection.autocommit = False
        try:
            with connection.cursor() as cursor, when_set(cancel, connection.cancel):
                _write(cursor, prepared, cancel)
                maintenance.put_state(cursor, LOAD_KEY, load_id)
            yield connection.commit
        except errors.QueryCanceled as error:
            if cancel.is_set():
                raise Cancelled("the load was stopped") from error
            raise
        except psycopg2.Error as error:
            if classify_error(error).kind in (Kind.REFUSED, Kind.CONFLICT):
                detail = error.diag.message_detail
                raise RecordRejected(STORE, one_line(error) + (f" ({detail})" if detail else "")) from error
            raise


def write_table(database: Database, table: Table, path: Path) -> None:
    with database.connected() as connection, path.open("wb") as out, connection.cursor() as cursor:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.copy_expert(f"COPY ({statements.select_rows(table)}) TO STDOUT (FORMAT csv, HEADER)", out)


def _write(cursor: Cursor, prepared: PreparedTables, cancel: threading.Event) -> None:
    cursor.execute("SET LOCAL statement_timeout = 0")
    changed = [table for table in prepared.tables if prepared.changes(table)]
    empty = {table for table in Table if _is_empty(cursor, table)}
    # For empty tables, keys and indexes are built after the rows, which is several times faster.
    fresh = empty.issuperset(prepared.tables)
    without_keys = fresh and _drop_keys(cursor)
    grown: list[Table] = []
    changed.sort(key=list(Table).index)  # movies and people before the tables that refer to them
    with _copy_files(prepared, [(table, part) for table in changed for part in _parts(table, empty)]) as files:
        for table in changed:
            if table in empty:
                _copy(cursor, table, LoadPart.COMPLETE, str(table), files, cancel)
            elif _merge(cursor, table, files, cancel) * _GROWTH > _expected_rows(cursor, table):
                grown.append(table)
    if without_keys:
        cursor.execute(query("load_end"))
    if fresh:
        cursor.execute(query("import_end"))
    elif grown:
        cursor.execute(f"ANALYZE {', '.join(grown)}")


def _drop_keys(cursor: Cursor) -> bool:
    """Drops indexes and foreign keys of empty tables, and those keys that no object of the user depends on.

    Returns:
        Whether the keys were dropped.
    """
    cursor.execute(query("import_begin"))
    cursor.execute("SAVEPOINT with_keys")
    try:
        cursor.execute(query("load_begin"))
    except (errors.DependentObjectsStillExist, errors.FeatureNotSupported, errors.InsufficientPrivilege):
        cursor.execute("ROLLBACK TO with_keys")
        return False
    return True


_CopyFile = tuple[Path, int]


def _parts(table: Table, empty: set[Table]) -> tuple[LoadPart, ...]:
    """The parts of a table that are copied, in order."""
    if table in empty:
        return (LoadPart.COMPLETE,)
    if table in _PARTS:
        return (LoadPart.REPLACED, LoadPart.CHANGED)
    return (LoadPart.GONE, LoadPart.CHANGED) if table is Table.MOVIES else (LoadPart.CHANGED,)


@contextmanager
def _copy_files(prepared: PreparedTables, parts: Sequence[tuple[Table, LoadPart]]) -> Iterator[Iterator[_CopyFile]]:
    """Yields each part as a file for COPY with its number of rows; prepares the next while the database reads one."""

    def write(table: Table, part: LoadPart) -> _CopyFile:
        path = prepared.folder / f"copy-{table}-{part}.csv"
        return path, prepared.write_copy(table, part, path)

    def files() -> Iterator[_CopyFile]:
        writing = (executor.submit(write, *each) for each in parts)
        coming = next(writing, None)
        while coming is not None:
            path, count = coming.result()
            coming = next(writing, None)
            yield path, count
            path.unlink()

    try:
        with ThreadPoolExecutor(1, thread_name_prefix="copy") as executor:
            yield files()
    finally:
        for path in prepared.folder.glob("copy-*.csv"):
            path.unlink()


def _merge(cursor: Cursor, table: Table, files: Iterator[_CopyFile], cancel: threading.Event) -> int:
    """Merges the rows that differ into a table that is not empty; returns their number."""
    columns = ", ".join(table.columns)
    staged = f"load_{table}"
    cursor.execute(f"CREATE TEMPORARY TABLE {staged} ON COMMIT DROP AS SELECT {columns} FROM {table} WHERE false")
    if table in _PARTS or table is Table.MOVIES:
        part, _ = _parts(table, set())
        cursor.execute(f"CREATE TEMPORARY TABLE {staged}_of ON COMMIT DROP AS SELECT imdb_id FROM {table} WHERE false")
        _copy(cursor, table, part, f"{staged}_of", files, cancel)
        cursor.execute(f"ANALYZE {staged}_of")
        cursor.execute(f"DELETE FROM {table} AS old USING {staged}_of AS new WHERE old.imdb_id = new.imdb_id")
    count = _copy(cursor, table, LoadPart.CHANGED, staged, files, cancel)
    conflict = "" if table in _PARTS else f" ON CONFLICT ({', '.join(table.key)}) {statements.update(table)}"
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}{conflict}")
    _require(table, count, cursor.rowcount)
    return count


def _copy(
    cursor: Cursor, table: Table, part: LoadPart, into: str, files: Iterator[_CopyFile], cancel: threading.Event
) -> int:
    """Copies a part of a prepared table into a table of the database; returns the number of rows."""
    path, count = next(files)
    columns = "imdb_id" if part in (LoadPart.REPLACED, LoadPart.GONE) else ", ".join(table.columns)
    with path.open("rb") as file:
        cursor.copy_expert(f"COPY {into} ({columns}) {_COPY_FORM}", _Pieces(file.read, cancel), _PIECE)  # type: ignore[arg-type]  # only read is used
    _require(table, count, cursor.rowcount)
    return count


class _Pieces:
    """A file that COPY reads from; it ends early once ``cancel`` is set, which aborts the statement."""

    def __init__(self, read: Callable[[int], bytes], cancel: threading.Event) -> None:
        self._read = read
        self._cancel = cancel

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        if self._cancel.is_set():
            raise Cancelled("the load was stopped")
        return self._read(size)


def _require(table: Table, sent: int, held: int) -> None:
    """Checks that the database kept every row.

    Raises:
        RecordRejected: it kept fewer.
    """
    if held != sent:
        raise RecordRejected(
            STORE,
            f"{table}: the database kept {held} of {sent} rows; a trigger, a rule or row security drops the others",
        )


def _expected_rows(cursor: Cursor, table: Table) -> int:
    """How many rows the planner expects in a table."""
    cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", (table,))
    ((count,),) = cursor.fetchall()
    return int(count)


def _is_empty(cursor: Cursor, table: Table) -> bool:
    cursor.execute(f"SELECT NOT EXISTS (SELECT FROM {table})")
    ((empty,),) = cursor.fetchall()
    return bool(empty)
