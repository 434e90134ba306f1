"""Checks before a database is changed: the privileges, and whether objects of the user would be lost."""

from __future__ import annotations

from typing import Final

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.postgres.address import session_note
from infrastructure.stores.postgres.queries import query

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


def require_changeable(connection: Connection, applied: list[str], missing: list[str]) -> None:
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
