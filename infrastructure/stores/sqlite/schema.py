"""The tables of the SQLite file, derived from the field table."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from domain.chart import ChartName, EstimatedChart
from domain.errors import UsageError
from domain.fields import DeclaredTable, Field, FieldType, Table

FORMAT: Final = 2
"""The storage format, kept as ``user_version`` of the file."""

_SQL_TYPES: Final[Mapping[FieldType, str]] = {
    FieldType.INTEGER: "INTEGER",
    FieldType.BIGINT: "INTEGER",
    FieldType.DECIMAL: "REAL",
    FieldType.BOOLEAN: "INTEGER",
}
_OWN_TABLES: Final = (Path(__file__).parent / "own_tables.sql").read_text(encoding="utf-8").split(";\n")
_CHART_VIEWS: Final = [
    f"CREATE VIEW IF NOT EXISTS {chart.replace('-', '_')} AS "
    'SELECT rank, imdb_id, title, year, rating, votes, duration_minutes, metascore, genres, directors, "cast" '
    f"FROM current_charts WHERE chart = '{chart}' ORDER BY rank"
    for chart in (*ChartName, *EstimatedChart)
]


def prepare(connection: sqlite3.Connection) -> None:
    """Creates the tables, or adds columns that are new since the file was made. In autocommit mode.

    Raises:
        UsageError: a newer version made the file, or another program's tables have the same names.
        sqlite3.Error: the file cannot be read or written.
    """
    version = require_readable(connection)
    if version == 0 and (others := sorted(_tables(connection) & {str(table) for table in Table})):
        raise UsageError(
            f"the SQLite file holds tables that filmledger did not make: {', '.join(others)}; move the file away"
        )
    if version == FORMAT and not _missing(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in (*_missing(connection), *_OWN_TABLES, *_CHART_VIEWS):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def require_readable(connection: sqlite3.Connection) -> int:
    """The format of a file, 0 if it has no tables.

    Raises:
        UsageError: a newer version made it.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > FORMAT:
        raise UsageError(
            f"the SQLite file was made by a newer filmledger (format {found}, this one knows {FORMAT}); "
            "update the program, or move the file away"
        )
    return found


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}


def _missing(connection: sqlite3.Connection) -> list[str]:
    """The statements that create missing tables and columns."""
    statements = []
    for table in Table:
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if not there:
            columns = ", ".join(_definition(field) for field in table.fields)
            parent = _PARENTS.get(table, "")
            statements.append(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(table.key)}){parent})")
        else:
            statements += [
                f"ALTER TABLE {table} ADD COLUMN {_definition(field)}"
                for field in table.fields
                if field.name not in there
            ]
    return statements


# Datasette fails on a reference that does not name the column.
_PARENTS: Final = {
    Table.CREDITS: ", FOREIGN KEY (imdb_id) REFERENCES movies (imdb_id) ON DELETE CASCADE"
    ", FOREIGN KEY (person_id) REFERENCES people (person_id)",
    Table.AKAS: ", FOREIGN KEY (imdb_id) REFERENCES movies (imdb_id) ON DELETE CASCADE",
}


def _definition(field: Field) -> str:
    condition = _check(field)
    parts = [field.name, _SQL_TYPES.get(field.type, "TEXT")]
    if field.required:
        parts.append("NOT NULL")
    if condition:
        parts.append(f"CHECK ({condition})")
    return " ".join(parts)


def _check(field: Field) -> str:
    name = field.name
    match field.type:
        case FieldType.INTEGER | FieldType.BIGINT:
            return f"typeof({name}) IN ('integer', 'null') AND {name} BETWEEN {field.minimum} AND {field.maximum}"
        case FieldType.DECIMAL:
            return f"{name} BETWEEN {field.minimum} AND {field.maximum}"
        case FieldType.BOOLEAN:
            return f"{name} IN (0, 1)"
        case FieldType.TEXT_LIST:
            return f"{name} IS NULL OR json_valid({name})"
        case FieldType.TEXT:
            return f"trim({name}, char(32, 9, 10, 13)) <> ''" if field.required else f"{name} <> ''"
    return f"{name} <> ''"


def cell(field: Field, column: str) -> str:
    """An expression for the canonical text of a column."""
    match field.type:
        case FieldType.INTEGER | FieldType.BIGINT:
            return f"CAST({column} AS TEXT)"
        case FieldType.DECIMAL:
            return f"CASE WHEN {column} IS NOT NULL THEN printf('%.1f', {column}) END"
        case FieldType.BOOLEAN:
            return f"CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    return column


def cells(table: Table) -> str:
    """The columns of a table as canonical text, in their fixed order."""
    return ", ".join(cell(field, f"{table}.{field.name}") for field in table.fields)


def upsert(table: DeclaredTable, columns: tuple[str, ...] = (), *, where: str = "") -> str:
    """Inserts one row of canonical cells, or updates columns (all but the key, unless given) of the stored one."""
    values = ", ".join(
        "CASE ? WHEN 'true' THEN 1 WHEN 'false' THEN 0 END" if field.type is FieldType.BOOLEAN else "?"
        for field in table.fields
    )
    taken = columns or tuple(name for name in table.columns if name not in table.key)
    assignments = ", ".join(f"{name} = excluded.{name}" for name in taken)
    return (
        f"INSERT INTO {table} ({', '.join(table.columns)}) VALUES ({values})"
        f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {assignments}" + (f" WHERE {where}" if where else "")
    )
