"""The schema's version: made, brought up to date, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.postgres import statements
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.failures import classify_error
from infrastructure.stores.postgres.queries import query
from shared.clock import Clock, SystemClock

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_164_702_331  # an advisory lock of ours; the number means nothing


def prepare(database: Database, clock: Clock | None = None, *, until: str | None = None) -> None:
    """Brings the database to the schema of this program; does nothing if it is there.

    Args:
        clock: for the times the migration tool writes down.
        until: the last migration to apply; all of them unless given.

    Raises:
        UsageError: the schema is newer than this program, or may not be changed.
        StoreUnavailable: the server cannot be reached.
    """
    connection = database.connect()
    try:
        connection.autocommit = True
        if _behind(connection):
            _may_create(connection)
            with connection.cursor() as cursor:
                # Held by this session, so a process that dies lets go of it; the lock of the migration tool
                # is a row that would stay.
                cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if _behind(connection):
                _migrate(database.connect, clock or SystemClock(), until or versions()[-1])
        if until is None:
            _comment(connection)
    except psycopg2.Error as error:
        raise classify_error(error).error() from error
    finally:
        connection.close()


def versions() -> list[str]:
    """The migrations this program knows, oldest first."""
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql"))


def _behind(connection: Connection) -> bool:
    """Whether migrations are missing."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        ((encoding,),) = cursor.fetchall()
        if encoding != "UTF8":
            raise UsageError(f"PostgreSQL: the database's encoding is {encoding}; create one with ENCODING 'UTF8'")
        cursor.execute("SELECT to_regclass('_yoyo_migration')")
        if cursor.fetchall() == [(None,)]:
            return True
        cursor.execute("SELECT migration_id FROM _yoyo_migration ORDER BY migration_id")
        applied = [row[0] for row in cursor.fetchall()]
    known = versions()
    if unknown := [version for version in applied if version not in known]:
        raise UsageError(
            f"PostgreSQL: the database was made by a newer filmledger (schema {unknown[-1]}, this one knows "
            f"{known[-1]}); update the program, or use another database"
        )
    return applied != known


def _comment(connection: Connection) -> None:
    """Applies the comments of the field table where they differ and the tables are ours to comment."""
    with connection.cursor() as cursor:
        cursor.execute(query("comments"), ([str(table) for table in Table],))
        stored = {(table, column): comment for table, column, comment in cursor.fetchall()}
        for (table, column), wanted in statements.comments().items():
            if (table, column) in stored and stored[table, column] != wanted:
                target = f"COLUMN {table}.{column}" if column else f"TABLE {table}"
                cursor.execute(f"COMMENT ON {target} IS %s", (wanted,))


def _may_create(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')")
        ((user, name, allowed),) = cursor.fetchall()
    if not allowed:
        raise UsageError(
            f"PostgreSQL: permission denied for schema {name or 'public'}; its owner can allow it: "
            f'GRANT CREATE ON SCHEMA {name or "public"} TO "{user}"'
        )


def _migrate(connect: Callable[[], Connection], clock: Clock, until: str) -> None:
    """Apply what is missing. Imports the migration tool only here: it takes as long as everything else."""
    import yoyo  # type: ignore[import-untyped]
    from yoyo.backends.core.postgresql import PostgresqlBackend  # type: ignore[import-untyped]
    from yoyo.connections import DatabaseURI  # type: ignore[import-untyped]

    class Backend(PostgresqlBackend):  # type: ignore[misc]  # yoyo has no types
        """yoyo on our own connections, with the clock that was handed in."""

        def connect(self, dburi: object) -> Connection:  # noqa: ARG002 - the signature is yoyo's
            connection = connect()
            connection.autocommit = True
            return connection

        def execute(self, sql: str, params: dict[str, Any] | None = None) -> Any:
            if params and "when" in params:
                params = {**params, "when": clock.now().replace(tzinfo=None)}
            return super().execute(sql, params)

        def log_migration(self, migration: object, operation: str) -> None:
            """Its log would name the user and the machine, and ask the network for the latter."""

    backend = Backend(DatabaseURI("postgresql", None, None, None, None, "", {}), "_yoyo_migration")
    try:
        backend.init_database()
        backend.break_lock()  # ours is held, so whoever left this one is dead
        with backend.lock():
            known = yoyo.read_migrations(str(MIGRATIONS)).filter(lambda migration: migration.id <= until)
            backend.apply_migrations(backend.to_apply(known))
    finally:
        backend.connection.close()
