"""Movies in PostgreSQL, saved in batches that grow with the load."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from application.ports.stores import PreparedTables
from application.records import (
    MovieRows,
    Row,
    from_rows,
    is_from_future,
    key_of,
    newer_person,
    storage_problem,
    to_rows,
)
from domain.errors import RecordRejected, StoreError
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.postgres import loading, reading, state, statements
from infrastructure.stores.postgres.database import BatchingCursor, Database, RejectedByDatabase, require_kept
from infrastructure.stores.postgres.failures import STORE, one_line
from infrastructure.stores.postgres.statements import encode_columns, groups, query
from shared.batcher import Batcher, batches
from shared.clock import Clock, SystemClock

_log = logging.getLogger(__name__)
_MAX_BATCH_SIZE: Final = 50
_MAX_CONCURRENCY: Final = 2  # more concurrent transactions would make smaller batches, which cost the server more
_ROWS_AT_A_TIME: Final = 1000
# In the order of their keys, so that the same records leave the same dump in whatever order they were saved.
_SORT: Final = "SET LOCAL lock_timeout = '1s';" + "".join(
    f"CLUSTER {table} USING {table}_pkey;"
    for table in (Table.MOVIES, Table.PEOPLE, Table.CREDITS, Table.AKAS, Table.CHARTS)
)
_MAX_TO_SORT: Final = 2000  # movies; takes hundredths of a second for a chart, but minutes for a million

_NEVER_OLDER: Final = "movies.scraped_at <= excluded.scraped_at"
_NAME: Final = ("person_id", "name", "read_at", "source")
_BY_NAME_AGE: Final = (
    "coalesce(people.read_at, '-infinity') < coalesce(excluded.read_at, '-infinity')"
    " OR people.read_at IS NOT DISTINCT FROM excluded.read_at"
    ' AND excluded.name COLLATE "C" < people.name COLLATE "C"'
)
_SAVE_MOVIES: Final = (
    statements.insert(Table.MOVIES, conflict=statements.update(Table.MOVIES, where=_NEVER_OLDER))
    + " RETURNING imdb_id, xmax = 0"
)
_FORCE_MOVIES: Final = (
    statements.insert(Table.MOVIES, conflict=statements.update(Table.MOVIES)) + " RETURNING imdb_id, xmax = 0"
)
_SAVE_NAMES: Final = statements.insert(
    Table.PEOPLE, _NAME, conflict=statements.update(Table.PEOPLE, _NAME[1:], where=_BY_NAME_AGE)
)
_PARTS: Final = (Table.CREDITS, Table.AKAS)
_DELETE_PARTS: Final = {table: statements.delete_replaced(table) for table in _PARTS}
_SAVE_PARTS: Final = {table: statements.insert(table, conflict="DO NOTHING") for table in _PARTS}
_NEW_PARTS: Final = {table: statements.insert(table) for table in _PARTS}
_PUT_PEOPLE: Final = statements.insert(Table.PEOPLE, conflict="DO NOTHING")
_LOCK_PEOPLE: Final = (
    f"SELECT {statements.cells(Table.PEOPLE)} FROM people WHERE person_id = ANY (%s) ORDER BY person_id FOR UPDATE"
)
_UPSERTS: Final = {
    table: statements.insert(table, conflict=statements.update(table, where=where))
    for table, where in (
        (Table.PEOPLE, ""),
        (Table.MY_RATINGS, "my_ratings.read_at <= excluded.read_at"),
        (Table.RATINGS_HISTORY, ""),
        (Table.CHARTS, ""),
    )
}
_NEWER_RATINGS: Final = (
    f"SELECT count(*) FROM my_ratings AS old JOIN {statements.sent(Table.MY_RATINGS)} USING (imdb_id)"
    " WHERE old.read_at > new.read_at"
)
_OWN_CONSTRAINT: Final = re.compile(rf"(?P<table>{'|'.join(Table)})_(?P<column>.+)_(?:check|fkey)")
_PERSON: Final = re.compile(r"\bnm[0-9]{7,10}\b")


class PreparedStatements:
    """Executes statements that each connection prepares once, which saves parsing and planning them.

    A connection pooler can give another session to each transaction. After the first error
    that shows this, statements are sent in full.
    """

    def __init__(self) -> None:
        self._prepared: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()
        self._in_full = False

    def execute(
        self, cursor: BatchingCursor, statement: str, parameters: Sequence[str | None], *, defer: bool = False
    ) -> None:
        """Executes a statement whose parameters are array literals, or defers it."""
        send = cursor.defer if defer else cursor.execute
        if self._in_full:
            send(statement, parameters)
            return
        name = f"filmledger_{zlib.crc32(statement.encode()):08x}"
        prepared = self._prepared.setdefault(cursor.connection, set())
        try:
            if name not in prepared:
                cursor.execute(statements.prepared(name, statement))
                prepared.add(name)  # stays prepared when the transaction is rolled back
            send(statements.execute(name, len(parameters)), parameters)
        except (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement):
            self._in_full = True
            raise


class PostgresMovieRepository:
    """Satisfies ``MovieRepository``.

    A single save is a transaction of its own. While transactions are in progress,
    saves of other threads are collected, and the next transaction writes them
    together. If it fails because of one record, each is saved by itself, so that
    only that record fails. Saving is idempotent, so a commit whose answer was lost
    is repeated.

    Args:
        database: closed with the repository.
        clock: decides whether a stored record was read in the future.
    """

    name = STORE
    may_reject = True

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._saved = False
        self._statements = PreparedStatements()
        self._batcher: Batcher[MovieRows, None] = Batcher(
            self._flush, max_batch=_MAX_BATCH_SIZE, max_concurrency=min(database.pool_size, _MAX_CONCURRENCY)
        )

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        self._batcher.submit(rows or to_rows(movie))

    def replace(self, imdb_id: str, movie: Movie | None) -> None:

        def put(cursor: BatchingCursor) -> None:
            cursor.execute("DELETE FROM movies WHERE imdb_id = %s", (imdb_id,))
            if movie is not None:
                self._write_batch(cursor, [to_rows(movie)])

        self._transact(imdb_id, put)

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:
        read_at = max((row[-1] or "" for row in rows), default=None)

        def put(cursor: Cursor) -> None:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"filmledger chart {chart}",))
            cursor.execute(query("chart_read_at"), (chart,))
            ((stored,),) = cursor.fetchall()
            if read_at is not None and stored is not None and stored > read_at:
                if not self._is_future(stored, read_at):
                    return
                _log.warning("PostgreSQL: chart %s was stored as read at %s, in the future; replaced", chart, stored)
            cursor.execute("DELETE FROM charts WHERE chart = %s", (chart,))
            _put(cursor, Table.CHARTS, rows)

        self._transact(Table.CHARTS, put)

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        for batch in batches(rows, _ROWS_AT_A_TIME):
            self._transact(table, partial(_save_rows, table=table, rows=_last_of_each(table, batch)))

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        key = ", ".join(table.key)
        statement = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {statements.sent(table, table.key)})"
        if table is Table.PEOPLE:
            statement += " AND NOT EXISTS (SELECT FROM credits WHERE credits.person_id = people.person_id)"

        def delete(cursor: Cursor, batch: list[tuple[str, ...]]) -> int:
            cursor.execute(statement, [list(cells) for cells in zip(*batch, strict=True)])
            return cursor.rowcount

        return sum(self._database.transact(partial(delete, batch=batch)) for batch in batches(keys, _ROWS_AT_A_TIME))

    def find(self, imdb_id: str) -> Movie | None:

        def read(connection: Connection) -> tuple[Any, ...] | None:
            with connection.cursor() as cursor:
                cursor.execute(statements.find_movie(), (imdb_id,))
                return cursor.fetchone()

        found = self._database.run(read)
        if found is None:
            return None
        *movie, credits, akas = found
        try:
            return from_rows(
                tuple(movie),
                [tuple(row[:-1]) for row in credits],
                {row[1]: row[-1] for row in credits},
                [tuple(row) for row in akas],
            )
        except ValueError as error:
            raise StoreError(STORE, f"{imdb_id} cannot be read: {error}") from error

    def ids(self) -> Iterator[str]:
        return (row[0] or "" for row in reading.stream(self._database, "SELECT imdb_id FROM movies ORDER BY imdb_id"))

    def rows(self, table: Table) -> Iterator[Row]:
        return reading.stream(self._database, statements.select_rows(table))

    def text(self, table: Table) -> Iterator[bytes]:
        return reading.stream_text(self._database, table)

    @property
    def marker(self) -> str | None:
        return state.get_state(self._database, "marker")

    def set_marker(self, marker: str) -> None:
        state.set_state(self._database, "marker", marker)

    @property
    def load_id(self) -> str | None:
        return state.get_state(self._database, loading.LOAD_KEY)

    def write_table(self, table: Table, path: Path) -> None:
        loading.write_table(self._database, table, path)

    @contextmanager
    def loading(self, prepared: PreparedTables, load_id: str) -> Iterator[Callable[[], object]]:
        self._saved = True
        with loading.loading(self._database, prepared, load_id) as commit:
            yield commit

    def finalize(self) -> None:
        if self._saved:
            self._saved = False
            _sort_small_tables(self._database)

    def close(self) -> None:
        self._database.close()

    # --- batches of movies ----------------------------------------------------------

    def _flush(self, movies: Sequence[MovieRows]) -> list[Exception | None]:
        results: dict[int, Exception | None] = {}
        for group in groups(movies):
            try:
                self._write([movies[index] for index in group])
            except (RejectedByDatabase, ValueError):  # UnicodeEncodeError: NUL and half surrogate pairs
                results.update({index: self._alone(movies[index]) for index in group})
            except StoreError as error:
                results.update(dict.fromkeys(group, error))
        return [results.get(index) for index in range(len(movies))]

    def _alone(self, movie: MovieRows) -> Exception | None:
        """Saves one record of a refused batch by itself; returns its error if it was the reason."""
        try:
            self._write([movie])
        except RejectedByDatabase as refused:
            return RecordRejected(STORE, f"{movie.movie[0]}: {rejection_details(movie, refused, self._database)}")
        except ValueError as error:
            return RecordRejected(STORE, f"{movie.movie[0]}: {storage_problem(movie) or error}")
        except StoreError as error:
            return error
        return None

    def _write(self, movies: Sequence[MovieRows]) -> None:
        self._saved = True
        self._database.transact(lambda cursor: self._write_batch(cursor, movies))

    def _write_batch(self, cursor: BatchingCursor, movies: Sequence[MovieRows]) -> None:
        # Prepared statements keep their plans, which are made while the tables are still small.
        cursor.defer("SET LOCAL enable_seqscan = off")
        self._statements.execute(cursor, _SAVE_MOVIES, encode_columns(Table.MOVIES, [rows.movie for rows in movies]))
        written = dict(cursor.fetchall())
        if len(written) < len(movies):
            missing = {str(rows.movie[0]): rows for rows in movies if rows.movie[0] not in written}
            if future := self._future_records(cursor, missing):
                self._statements.execute(
                    cursor, _FORCE_MOVIES, encode_columns(Table.MOVIES, [rows.movie for rows in future])
                )
                written |= dict(cursor.fetchall())
                _require(len(future), cursor.rowcount, "movies", future)
        saved = [rows for rows in movies if rows.movie[0] in written]
        if saved:
            self._write_parts(cursor, saved, [imdb_id for imdb_id, fresh in written.items() if not fresh])

    def _write_parts(self, cursor: BatchingCursor, movies: Sequence[MovieRows], replaced: list[str]) -> None:
        """Writes names, credits and other titles of movies whose rows are written and locked."""
        run = self._statements.execute
        if names := _newest_names(movies):
            run(cursor, _SAVE_NAMES, encode_columns(Table.PEOPLE, names, len(_NAME)), defer=True)
        for table in _PARTS:
            rows = [row for movie in movies for row in (movie.credits if table is Table.CREDITS else movie.akas)]
            arrays = encode_columns(table, rows)
            if replaced:
                run(cursor, _DELETE_PARTS[table], ["{" + ",".join(replaced) + "}", *arrays], defer=bool(rows))
            if rows:
                run(cursor, _SAVE_PARTS[table] if replaced else _NEW_PARTS[table], arrays)
                if cursor.rowcount < len(rows):  # unchanged rows are not counted
                    _require_parts(cursor, movies)

    def _future_records(self, cursor: BatchingCursor, missing: dict[str, MovieRows]) -> list[MovieRows]:
        """The records whose stored version was read in the future; the others must be older than the stored one.

        Raises:
            RejectedByDatabase: a record was not written although nothing newer is stored.
        """
        cursor.execute(query("stored_times"), (list(missing),))
        stored: dict[str, str] = dict(cursor.fetchall())
        lost = [rows for imdb_id, rows in missing.items() if stored.get(imdb_id, "") <= (rows.movie[-1] or "")]
        _require(len(missing), len(missing) - len(lost), "movies", lost)
        future = [rows for imdb_id, rows in missing.items() if self._is_future(stored[imdb_id], rows.movie[-1] or "")]
        for rows in future:
            _log.warning(
                "PostgreSQL: %s was stored as read at %s, which is in the future; replaced by the record read at %s",
                rows.movie[0], stored[str(rows.movie[0])], rows.movie[-1],
            )  # fmt: skip
        return future

    def _is_future(self, stored: str, new: str) -> bool:
        return is_from_future(stored, new, self._clock.now())

    def _transact(self, subject: str, work: Callable[[BatchingCursor], None]) -> None:
        """Runs a transaction; ``subject`` is named in the message of a rejection."""
        try:
            self._database.transact(work)
        except RejectedByDatabase as refused:
            raise RecordRejected(STORE, f"{subject}: {refused.failure.message}") from refused
        except ValueError as error:
            raise RecordRejected(STORE, f"{subject}: {error}") from error


def _newest_names(movies: Iterable[MovieRows]) -> list[Row]:
    """One people row for each person, by id."""
    names: dict[str | None, Row] = {}
    for rows in movies:
        for row in rows.people:
            old = names.get(row[0])
            names[row[0]] = row if old is None else newer_person(old, row)
    return list(names.values())


def _require_parts(cursor: Cursor, movies: Sequence[MovieRows]) -> None:
    cursor.execute(query("count_parts"), ([rows.movie[0] for rows in movies],))
    held = {imdb_id: counts for imdb_id, *counts in cursor.fetchall()}
    for position, name in enumerate(("credits", "akas")):
        lost = [
            rows
            for rows in movies
            if held.get(rows.movie[0], [0, 0])[position] < len(rows.credits if position == 0 else rows.akas)
        ]
        _require(len(movies), len(movies) - len(lost), name, lost)


def _require(expected: int, found: int, table: str, lost: Sequence[MovieRows]) -> None:
    require_kept(expected, found, table, ", ".join(str(rows.movie[0]) for rows in lost))


def _save_rows(cursor: Cursor, table: Table, rows: Sequence[Row]) -> None:
    if table is Table.PEOPLE:
        _merge_people(cursor, rows)
    else:
        _put(cursor, table, rows)


def _merge_people(cursor: Cursor, rows: Sequence[Row]) -> None:
    cursor.execute(_PUT_PEOPLE, encode_columns(Table.PEOPLE, [row for row in rows if row[1] is not None]))
    cursor.execute(_LOCK_PEOPLE, ([row[0] for row in rows],))
    stored = {row[0]: row for row in cursor.fetchall()}
    merged = [newer_person(stored[row[0]], row) for row in rows if row[0] in stored]
    changed = [row for row in merged if row != stored[row[0]]]
    if changed:
        _put(cursor, Table.PEOPLE, changed)


def _put(cursor: Cursor, table: Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    arrays = encode_columns(table, rows)
    cursor.execute(_UPSERTS[table], arrays)
    kept = cursor.rowcount
    if kept < len(rows) and table is Table.MY_RATINGS:
        cursor.execute(_NEWER_RATINGS, arrays)
        ((newer,),) = cursor.fetchall()
        kept += newer
    require_kept(len(rows), kept, table)


def _last_of_each(table: Table, rows: Iterable[Row]) -> list[Row]:
    """One row for each key, merged or chosen as if they were saved in turn."""
    kept: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = key_of(table, row)
        old = kept.get(key)
        if old is None:
            kept[key] = row
        elif table is Table.PEOPLE:
            kept[key] = newer_person(old, row)
        elif table is not Table.MY_RATINGS or (old[-1] or "") <= (row[-1] or ""):
            kept[key] = row
    return list(kept.values())


def _sort_small_tables(database: Database) -> None:
    """Sorts small tables by their keys, unless another session holds a lock or the privileges are missing."""

    def sort_or_leave(cursor: Cursor) -> None:
        cursor.execute("SAVEPOINT unsorted")
        try:
            if _is_small(cursor):
                cursor.execute(_SORT)
        except (errors.LockNotAvailable, errors.InsufficientPrivilege) as error:
            cursor.execute("ROLLBACK TO unsorted")
            _log.info("PostgreSQL: the tables were left unsorted: %s", one_line(error))

    database.transact(sort_or_leave)


def _is_small(cursor: Cursor) -> bool:
    cursor.execute("SELECT count(*) FROM (SELECT FROM movies LIMIT %s) AS first_ones", (_MAX_TO_SORT + 1,))
    ((count,),) = cursor.fetchall()
    return bool(count <= _MAX_TO_SORT)


# --- why a record was refused -------------------------------------------------------


def rejection_details(movie: MovieRows, refused: RejectedByDatabase, database: Database) -> str:
    """Names the refused column, the person if it was a person's, and the database's reason.

    Args:
        database: queried for the columns of a constraint that the user added.
    """
    if found := storage_problem(movie):
        return found
    diagnostics = getattr(refused.__cause__, "diag", None)
    where = ", ".join(_columns(diagnostics, database))
    if person := _person(movie, diagnostics):
        where = f"{where} of {person}" if where else person
    return f"{where}: {refused.failure.message}" if where else refused.failure.message


def _columns(diagnostics: Any, database: Database) -> list[str]:
    constraint = getattr(diagnostics, "constraint_name", None) or ""
    if column := getattr(diagnostics, "column_name", None):
        return [column]
    named = _OWN_CONSTRAINT.fullmatch(constraint)
    if named and named["column"] in Table(named["table"]).columns:
        return [named["column"]]
    return _constraint_columns(diagnostics, database) if constraint else []


def _constraint_columns(diagnostics: Any, database: Database) -> list[str]:
    names = {
        "schema": diagnostics.schema_name,
        "table": diagnostics.table_name,
        "constraint": diagnostics.constraint_name,
    }

    def read(connection: Connection) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(query("constraint_columns"), names)
            return [column for (column,) in cursor.fetchall()]

    try:
        return database.run(read)
    except StoreError:
        return []  # the rejection is reported without the columns


def _person(movie: MovieRows, diagnostics: Any) -> str:
    """The person of the refused row: in rows of people and credits the id comes before any text that looks like one."""
    if getattr(diagnostics, "table_name", None) not in (Table.PEOPLE, Table.CREDITS):
        return ""
    found = _PERSON.search(diagnostics.message_detail or "")
    if found is None:
        return ""
    names = {row[0]: row[1] for row in movie.people}
    return f"{found[0]} ({names[found[0]]})" if found[0] in names else found[0]
