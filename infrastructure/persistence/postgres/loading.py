"""Tables filled by COPY, from canonical rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name

from application.records import Cell, Row, Table
from domain.errors import UsageError
from infrastructure.persistence.postgres.database import Database
from infrastructure.persistence.postgres.failures import Kind, one_line, understand
from infrastructure.persistence.postgres.queries import query

# Source: https://www.postgresql.org/docs/current/sql-copy.html, text format
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_GENRES: Final = Table.MOVIES.columns.index("genres")
_LOADED_INTO: Final = {Table.MOVIES: "movies", Table.PEOPLE: "loaded_people", Table.CREDITS: "credits"}


class PostgresLoader:
    """Satisfies ``Loader``.

    Args:
        database: with the schema and no movies.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, rows: Callable[[Table], Iterator[Row]]) -> dict[Table, int]:
        """See ``Loader.load``."""
        with closing(self._database.connect()) as connection:
            try:
                with connection, connection.cursor() as cursor:
                    return self._load(cursor, rows)
            except psycopg2.Error as error:
                failure = understand(error)
                if failure.kind in (Kind.REFUSED, Kind.CONFLICT):  # a credit of nobody counts among the conflicts
                    raise UsageError(f"nothing was imported: {_place(error)}") from error
                raise failure.error() from error

    @staticmethod
    def _load(cursor: Cursor, rows: Callable[[Table], Iterator[Row]]) -> dict[Table, int]:
        cursor.execute(query("import_begin"))
        cursor.execute("SELECT count(*) FROM movies")
        ((there,),) = cursor.fetchall()
        if there:
            raise UsageError(f"an import needs an empty database; this one holds {there} movies")
        cursor.execute("DELETE FROM people; DELETE FROM people_to_check")
        counts = {}
        for table in (Table.MOVIES, Table.CREDITS, Table.PEOPLE):
            columns = ", ".join(table.columns)
            source = _Lines(_lines(table, rows(table)))
            command = f"COPY {_LOADED_INTO[table]} ({columns}) FROM STDIN"
            cursor.copy_expert(command, source)  # type: ignore[arg-type]  # it calls nothing but read
            counts[table] = source.count
        cursor.execute(query("import_people"))
        cursor.execute(query("import_end"))
        return counts


class _Lines:
    """Lines as the file that COPY reads from, a few at a time."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0

    def read(self, size: int = -1) -> str:
        """Whole lines, somewhat more than ``size`` characters; empty at the end."""
        taken: list[str] = []
        room = size
        for line in self._lines:
            taken.append(line)
            room -= len(line)
            if room <= 0 <= size:
                break
        self.count += len(taken)
        return "".join(taken)


def _lines(table: Table, rows: Iterator[Row]) -> Iterator[str]:
    for row in rows:
        cells: list[Cell] = list(row)
        if table is Table.MOVIES and row[_GENRES] is not None:
            cells[_GENRES] = _array((row[_GENRES] or "").split("|"))
        elif table is Table.CREDITS and row[-1] is not None:
            cells[-1] = _roles(row[-1])
        yield "\t".join(["\\N" if cell is None else cell.translate(_ESCAPES) for cell in cells]) + "\n"


def _roles(cell: str) -> str:
    """A JSON array of texts as an array; anything else as it is, for the database to refuse."""
    if cell == "[]":
        return "{}"
    try:
        roles = json.loads(cell)
    except ValueError:
        return cell
    return _array(roles) if isinstance(roles, list) and all(isinstance(role, str) for role in roles) else cell


def _array(texts: list[str]) -> str:
    """An array as PostgreSQL reads it from text."""
    return "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"


def _place(error: psycopg2.Error) -> str:
    """What is wrong, and in which row: COPY tells it in the context."""
    context = error.diag.context or ""
    where = re.search(r"COPY (?:loaded_)?(\w+), line (\d+)(?:, column (\w+))?", context)
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    if where is None:
        return one_line(error) + detail
    column = f", {where[3]}" if where[3] else ""
    return f"row {where[2]} of {where[1]} by id{column}: {one_line(error)}{detail}"
