"""Creates, migrates and checks the schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.postgres import statements
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.maintenance import get_state, set_state
from infrastructure.stores.postgres.preflight import require_changeable
from infrastructure.stores.postgres.queries import query
from shared.clock import Clock, SystemClock

MIGRATIONS = Path(__file__).parent / "migrations"
_RANKS_BEFORE = "ranks_before"
_LOCK = 7_164_702_331  # an advisory lock of this program; an arbitrary number


def prepare(
    database: Database, clock: Clock | None = None, *, chart: str | None = None, until: str | None = None
) -> bool:
    """Migrates the database to the schema of this program; does nothing if it is current.

    Args:
        clock: for the times in the migration tool's table.
        chart: of the ranks in a database of version 0.1, if the job log has it.
        until: the last migration to apply; all of them unless given.

    Returns:
        Whether a database of an older version was migrated.

    Raises:
        UsageError: the schema is newer than this program, or must not be changed; nothing was changed.
        StoreUnavailable: the server cannot be reached.
    """
    with database.connected() as connection:
        connection.autocommit = True
        applied = _applied(connection)
        missing = [version for version in versions() if version not in applied and version <= (until or version)]
        if missing:
            require_changeable(connection, applied, missing)
            with connection.cursor() as cursor:
                # A session's lock ends with the process; the migration tool's own lock is a row that a crash leaves.
                cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if _applied(connection) == applied:
                _migrate(database, clock or SystemClock(), missing[-1], chart or "")
        if until is None:
            _comment(connection)
        return bool(missing and applied)


def check(database: Database) -> bool:
    """Checks whether ``prepare`` can succeed. Changes nothing.

    Returns:
        Whether ``prepare`` will migrate a database of an older version.

    Raises:
        UsageError: as ``prepare``.
        StoreUnavailable: the server cannot be reached.
    """
    with database.connected() as connection:
        connection.autocommit = True
        applied = _applied(connection)
        missing = [version for version in versions() if version not in applied]
        if missing:
            require_changeable(connection, applied, missing)
        return bool(missing and applied)


def take_ranks_before(database: Database, save: Callable[[list[tuple[int, str, str]]], None]) -> None:
    """Passes on the ranks that the migration could assign to no chart, and deletes them once they are saved.

    Args:
        database: a migrated database.
        save: called with rank, title id and the time of the reading; not called if there are none.
    """
    if ranks := json.loads(get_state(database, _RANKS_BEFORE) or "[]"):
        save([(int(rank), str(imdb_id), str(scraped_at)) for rank, imdb_id, scraped_at in ranks])
        set_state(database, _RANKS_BEFORE, None)


def versions() -> list[str]:
    """The migrations of this program, oldest first."""
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def _applied(connection: Connection) -> list[str]:
    """The migrations that the database has."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        ((encoding,),) = cursor.fetchall()
        if encoding != "UTF8":
            raise UsageError(f"PostgreSQL: the database's encoding is {encoding}; create one with ENCODING 'UTF8'")
        cursor.execute("SELECT to_regclass('_yoyo_migration')")
        if cursor.fetchall() == [(None,)]:
            return []
        cursor.execute("SELECT migration_id FROM _yoyo_migration ORDER BY migration_id")
        applied = [row[0] for row in cursor.fetchall()]
    known = versions()
    if unknown := [version for version in applied if version not in known]:
        raise UsageError(
            f"PostgreSQL: the database was made by a newer filmledger (schema {unknown[-1]}, this one knows "
            f"{known[-1]}); update the program, or use another database"
        )
    return applied


def _comment(connection: Connection) -> None:
    """Applies the comments of the field table where they differ and this role owns the tables."""
    with connection.cursor() as cursor:
        cursor.execute(query("comments"), ([str(table) for table in Table],))
        stored = {(table, column): comment for table, column, comment in cursor.fetchall()}
        for (table, column), wanted in statements.comments().items():
            if (table, column) in stored and stored[table, column] != wanted:
                target = f"COLUMN {table}.{column}" if column else f"TABLE {table}"
                cursor.execute(f"COMMENT ON {target} IS %s", (wanted,))


def _migrate(database: Database, clock: Clock, until: str, chart: str) -> None:
    """Applies the missing migrations. Imports the migration tool here, because that takes long."""
    import yoyo  # type: ignore[import-untyped]
    from yoyo.backends.core.postgresql import PostgresqlBackend  # type: ignore[import-untyped]
    from yoyo.connections import DatabaseURI  # type: ignore[import-untyped]

    class Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo has no types
        """yoyo with this program's connection and clock."""

        def connect(self, dburi: object) -> Connection:  # noqa: ARG002 - the signature is yoyo's
            connection = stack.enter_context(database.connected())
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('filmledger.chart', %s, false)", (chart,))
            return connection

        def execute(self, sql: str, params: dict[str, Any] | None = None) -> Any:
            if params and "when" in params:
                params = {**params, "when": clock.now().replace(tzinfo=None)}
            return super().execute(sql, params)

        def log_migration(self, migration: object, operation: str) -> None:
            """Does nothing: yoyo's log would store user and machine names, and query the network for the latter."""

    with ExitStack() as stack:
        backend = Backend(DatabaseURI("postgresql", None, None, None, None, "", {}), "_yoyo_migration")
        backend.init_database()
        backend.break_lock()  # the advisory lock is held, so the process that left this row has ended
        with backend.lock():
            known = yoyo.read_migrations(str(MIGRATIONS)).filter(lambda migration: migration.id <= until)
            backend.apply_migrations(backend.to_apply(known))
