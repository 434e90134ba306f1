"""Creates, migrates and checks the schema, once no privilege is missing and no object of the user is in the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.postgres import statements
from infrastructure.stores.postgres.address import session_note
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.state import get_state, set_state
from infrastructure.stores.postgres.statements import query
from shared.clock import Clock, SystemClock

MIGRATIONS = Path(__file__).parent / "migrations"
_RANKS_BEFORE = "ranks_before"
_LOCK = 7_164_702_331  # an advisory lock of this program; an arbitrary number
# The objects that each migration makes, with columns that identify them. A migration may be applied again.
_MADE: Final = {
    "0001.movies": {
        "movies": {"imdb_id", "title", "scraped_at"},
        "people": {"person_id", "name"},
        "credits": {"imdb_id", "person_id", "category", "position", "characters"},
        "people_to_check": {"person_id"},
    },
    "0002.history": {
        "runs": {"run_id", "site", "chart", "started_at"},
        "chart_entries": {"run_id", "rank", "imdb_id"},
    },
    "0003.views": {
        "complete_runs": {"run_id", "recency"},
        "chart_changes": {"rank", "rank_before"},
        "actor_movies": {"person_id", "imdb_id", "characters"},
        "ranks_within_year": {"rank_in_year", "chart_rank"},
    },
    "0004.format_2": {
        "akas": set(Table.AKAS.columns),
        "charts": set(Table.CHARTS.columns),
        "my_ratings": set(Table.MY_RATINGS.columns),
        "ratings_history": set(Table.RATINGS_HISTORY.columns),
        "store_state": {"key", "value"},
        "current_charts": {"chart", "rank", "directors"},
        "top250": {"rank", "directors"},
        "estimated_top250": {"rank", "directors"},
        "estimated_toptv": {"rank", "directors"},
        "toptv": {"rank", "directors"},
        "moviemeter": {"rank", "directors"},
        "bottom100": {"rank", "directors"},
        "chart_history": {"taken_at", "rank"},
        "episodes": {"series", "series_id", "season", "episode"},
    },
}
_COLUMNS_OF_0_1: Final = {
    "movies": {
        "imdb_id", "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore",
        "genres", "plot", "poster_url", "certificate", "release_date", "rank", "source_url", "scraped_at",
    },
    "people": {"person_id", "name", "named_at", "named_by"},
    "credits": {"imdb_id", "person_id", "category", "position", "characters"},
}  # fmt: skip
_FORMAT_2: Final = "0004.format_2"


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
            _require_changeable(connection, applied, missing)
            with connection.cursor() as cursor:
                # A session's lock ends with the process; the migration tool's own lock is a row that a crash leaves.
                cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            if _applied(connection) == applied:
                _migrate(database, clock or SystemClock(), missing[-1], chart or "")
        if until is None:
            _comment(connection)
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


def _require_changeable(connection: Connection, applied: list[str], missing: list[str]) -> None:
    """Checks a database that is about to be migrated. Changes nothing.

    Args:
        connection: to the database.
        applied: the migrations it has.
        missing: those it lacks.

    Raises:
        UsageError: privileges are missing, or users' objects are in the way; the message has the statements to run.
        psycopg2.Error: the server cannot be reached.
    """
    with connection.cursor() as cursor:
        cursor.execute(query("preflight"))
        ((user, schema, in_recovery, read_only, allowed, owns),) = cursor.fetchall()
        if in_recovery:
            raise UsageError("PostgreSQL: the server is a standby and read-only; use the address of the primary")
        if read_only:
            raise UsageError(
                "PostgreSQL: the database is read-only (default_transaction_read_only is on for it, for the role or "
                f"for the server); make it writable, or use another database{session_note()}"
            )
        if schema is None:
            raise UsageError(
                "PostgreSQL: no schema of search_path exists; create one, or set search_path for the role: "
                f'ALTER ROLE "{user}" SET search_path = public{session_note()}'
            )
        if not allowed:
            raise UsageError(
                f"PostgreSQL: permission denied for schema {schema}; its owner can allow it: "
                f'GRANT CREATE ON SCHEMA {schema} TO "{user}"'
            )
        if applied and not owns:
            raise UsageError(
                f"PostgreSQL: the tables belong to another role than {user}, who therefore cannot migrate them; "
                "run once as their owner"
            )
        expected = {name: columns for version in missing for name, columns in _MADE.get(version, {}).items()}
        cursor.execute(query("relations"), (schema, list(expected)))
        obstacles = [
            (f"{kind} {name}", _rename(kind, f"{schema}.{name}", f"{name}_before"))
            for name, kind, columns in cursor.fetchall()
            if not expected[name] <= set(columns)
        ]
        if _FORMAT_2 in missing and "0001.movies" in applied:
            cursor.execute(query("relations"), (schema, list(_COLUMNS_OF_0_1)))
            obstacles += [
                (f"column {column} of {name}", f"ALTER TABLE {name} RENAME COLUMN {column} TO {column}_before")
                for name, _, columns in cursor.fetchall()
                if not set(Table(name).columns) <= set(columns)  # not migrated yet
                for column in sorted(set(columns) & set(Table(name).columns) - _COLUMNS_OF_0_1[name])
            ]
            cursor.execute(query("dependents"))
            obstacles += [(f"{kind} {identity}", _drop(kind, identity)) for kind, identity in cursor.fetchall()]
    if obstacles:
        names = ", ".join(name for name, _ in obstacles)
        statements = "; ".join(statement for _, statement in obstacles)
        raise UsageError(
            f"PostgreSQL: objects of your own are in the way of this version's tables: {names}. Nothing was changed. "
            f"Keep their definitions (pg_dump --schema-only), run: {statements}; and start again"
        )


def _rename(kind: str, identity: str, name: str) -> str:
    return f"ALTER {kind.upper()} {identity} RENAME TO {name}"


def _drop(kind: str, identity: str) -> str:
    """The statement that removes an object, given as ``pg_identify_object`` does."""
    name, _, table = identity.partition(" on ")
    match kind:
        case "table constraint":
            return f"ALTER TABLE {table} DROP CONSTRAINT {name}"
        case "default value":  # of a generated column
            owner, _, column = identity.removeprefix("for ").rpartition(".")
            return f"ALTER TABLE {owner} DROP COLUMN {column}"
        case "statistics object":
            return f"DROP STATISTICS {identity}"
    return f"DROP {kind.upper()} {identity}"
