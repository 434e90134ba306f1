"""Fills tables with COPY: an import of canonical rows, and loads of prepared data files."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import psycopg2
from psycopg2 import errorcodes, errors
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.ports.stores import LoadPart, PreparedTables
from application.records import Cell, Row
from domain.errors import Cancelled, RecordRejected, UsageError
from domain.fields import DeclaredTable, FieldType, HistoryTable, Table
from infrastructure.stores.postgres import state, statements
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import STORE, Kind, classify_error, one_line
from infrastructure.stores.postgres.statements import array_literal, query
from shared.threads import when_set

LOAD_KEY: Final = "load"
_PIECE: Final = 1 << 20
_COPY_FORM: Final = "FROM STDIN (FORMAT csv)"
_PARTS: Final = (Table.CREDITS, Table.AKAS)
_LOADED: Final = (Table.MOVIES, Table.PEOPLE, *_PARTS, Table.RATINGS_HISTORY)
# Empty tables whose keys are built after the rows, and which are not logged row by row where wal_level is minimal.
_DROP_KEYS: Final = f"TRUNCATE {', '.join(_LOADED)};" + "".join(
    f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey;" for table in _LOADED
)
_ADD_KEYS: Final = "".join(
    f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({', '.join(table.key)});" for table in _LOADED
)
_GROWTH: Final = 10  # ANALYZE runs on tables of which more than a tenth of the rows were written
# Source: https://www.postgresql.org/docs/current/sql-copy.html, text format
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMES: Final = {
    FieldType.DATE: re.compile(_DATE),
    FieldType.TIMESTAMP: re.compile(_DATE + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
}
_ABSENT: Final = re.compile("(?:credits|akas)_(imdb_id|person_id)_fkey")
_KEY: Final = re.compile(r"=\(([^)]*)\)")
_REFERRED_TO: Final = {"imdb_id": Table.MOVIES, "person_id": Table.PEOPLE}


# --- an import ------------------------------------------------------------------------


class PostgresLoader:
    """Satisfies ``Loader``.

    Args:
        database: with the schema and no movies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(
        self,
        rows: Callable[[Table], Iterator[Row]],
        history: Callable[[HistoryTable], Iterator[Row]] = lambda _table: iter(()),
    ) -> dict[DeclaredTable, int]:

        def all_rows(table: DeclaredTable) -> Iterator[Row]:
            return history(table) if isinstance(table, HistoryTable) else rows(Table(table))

        with self._database.connected() as connection:
            try:
                with connection, connection.cursor() as cursor:
                    return _load(cursor, all_rows)
            except psycopg2.Error as error:
                failure = classify_error(error)
                if failure.kind in (Kind.REFUSED, Kind.CONFLICT):  # a credit without a person counts as a conflict
                    raise UsageError(f"nothing was imported: {_place(error, all_rows)}") from error
                raise


def _load(cursor: Cursor, rows: Callable[[DeclaredTable], Iterator[Row]]) -> dict[DeclaredTable, int]:
    cursor.execute(query("import_begin"))
    cursor.execute("SELECT count(*) FROM movies")
    ((there,),) = cursor.fetchall()
    if there:
        raise UsageError(f"an import needs an empty database; this one holds {there} movies")
    tables: tuple[DeclaredTable, ...] = (*Table, *HistoryTable)
    for table in reversed(tables):
        cursor.execute(f"DELETE FROM {table}")
    counts = {table: _copy(cursor, table, rows(table)) for table in tables}
    cursor.execute(query("import_end"))
    return counts


def _copy(cursor: Cursor, table: DeclaredTable, rows: Iterator[Row]) -> int:
    """Copies the rows and returns their number."""
    columns = ", ".join(table.columns)
    source = _Lines(_lines(table, rows))
    try:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", source)  # type: ignore[arg-type]  # only read is used
    except psycopg2.Error:
        if source.error is not None:  # the driver only passes on its text
            raise source.error from None
        raise
    return source.count


class _Lines:
    """Rows as the file that COPY reads from, a few at a time.

    Attributes:
        count: how many were read.
        error: the reason for an early end, or None.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0
        self.error: Exception | None = None

    def read(self, size: int = -1) -> str:
        """Whole lines, somewhat more than ``size`` characters; empty at the end."""
        taken: list[str] = []
        room = size
        try:
            for line in self._lines:
                taken.append(line)
                room -= len(line)
                if room <= 0 <= size:
                    break
        except Exception as error:
            self.error = error
            raise
        self.count += len(taken)
        return "".join(taken)


def _lines(table: DeclaredTable, rows: Iterator[Row]) -> Iterator[str]:
    times = [place for place, field in enumerate(table.fields) if field.type in _TIMES]
    lists = [place for place, field in enumerate(table.fields) if field.type is FieldType.TEXT_LIST]
    for row in rows:
        if len(row) != len(table.columns):
            raise _refused(table, row, f"{len(row)} cells instead of {len(table.columns)}")
        for place in times:  # PostgreSQL would accept other texts too, such as 'now' and 'infinity'
            field = table.fields[place]
            if row[place] is not None and not _TIMES[field.type].fullmatch(row[place] or ""):
                raise _refused(table, row, f"{field.name} {row[place]!r} is not a time")
        cells: list[Cell] = list(row)
        for place in lists:
            if (cell := cells[place]) is not None:
                cells[place] = array_literal(cell)
        line = "\t".join(["\\N" if cell is None else cell.translate(_ESCAPES) for cell in cells]) + "\n"
        if not line.isascii() and _SURROGATE.search(line):
            raise _refused(table, row, "it is not UTF-8")
        yield line


def _refused(table: DeclaredTable, row: Row, reason: str) -> UsageError:
    return UsageError(f"nothing was imported: {_named(table, row)}: {reason}")


def _named(table: DeclaredTable, row: Row) -> str:
    """Names a row for a message, by its key."""
    cells = dict(zip(table.columns, row, strict=False))
    key = " ".join(cells.get(column) or "-" for column in table.key)
    return f"{table} {key}".encode(errors="backslashreplace").decode()


def _place(error: psycopg2.Error, rows: Callable[[DeclaredTable], Iterator[Row]]) -> str:
    """Names the row that COPY refused (its context has the number) and the reason."""
    detail = error.diag.message_detail or ""
    absent = _ABSENT.fullmatch(error.diag.constraint_name or "")
    if absent and (key := _KEY.search(detail)):
        return f"credits name {key[1]}, but {_REFERRED_TO[absent[1]]} do not"
    reason = one_line(error) + (f" ({detail})" if detail else "")
    where = re.search(r"COPY (\w+), line (\d+)(?:, column (\w+))?", error.diag.context or "")
    if where is None:
        return reason
    table = next(table for table in (*Table, *HistoryTable) if table == where[1])
    row = next(islice(rows(table), int(where[2]) - 1, None), ())
    if error.pgcode == errorcodes.UNIQUE_VIOLATION:
        reason = "it occurs twice"
    column = f", {where[3]}" if where[3] else ""
    return f"{_named(table, row)}{column}: {reason}"


# --- loads of data files --------------------------------------------------------------


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
                state.put_state(cursor, LOAD_KEY, load_id)
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
    with _copy_files(prepared, [(table, part) for table in changed for part in _parts_of(table, empty)]) as files:
        for table in changed:
            if table in empty:
                _copy_file(cursor, table, LoadPart.COMPLETE, str(table), files, cancel)
            elif _merge(cursor, table, files, cancel) * _GROWTH > _expected_rows(cursor, table):
                grown.append(table)
    if without_keys:
        cursor.execute(_ADD_KEYS)
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
        cursor.execute(_DROP_KEYS)
    except (errors.DependentObjectsStillExist, errors.FeatureNotSupported, errors.InsufficientPrivilege):
        cursor.execute("ROLLBACK TO with_keys")
        return False
    return True


_CopyFile = tuple[Path, int]


def _parts_of(table: Table, empty: set[Table]) -> tuple[LoadPart, ...]:
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
        part, _ = _parts_of(table, set())
        cursor.execute(f"CREATE TEMPORARY TABLE {staged}_of ON COMMIT DROP AS SELECT imdb_id FROM {table} WHERE false")
        _copy_file(cursor, table, part, f"{staged}_of", files, cancel)
        cursor.execute(f"ANALYZE {staged}_of")
        cursor.execute(f"DELETE FROM {table} AS old USING {staged}_of AS new WHERE old.imdb_id = new.imdb_id")
    count = _copy_file(cursor, table, LoadPart.CHANGED, staged, files, cancel)
    conflict = "" if table in _PARTS else f" ON CONFLICT ({', '.join(table.key)}) {statements.update(table)}"
    cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}{conflict}")
    _require(table, count, cursor.rowcount)
    return count


def _copy_file(
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
