"""The SQL of the store: derived from the field table or read from ``queries.sql``; and rows as its parameters."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from application.records import MovieRows, Row
from domain.fields import DeclaredTable, Field, FieldType, Table

_SQL_TYPES: Final[Mapping[FieldType, str]] = {  # all others are text
    FieldType.INTEGER: "integer",
    FieldType.BIGINT: "bigint",
    FieldType.DECIMAL: "numeric(3,1)",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.TIMESTAMP: "timestamp with time zone",
    FieldType.TEXT_LIST: "text[]",
}
ROW_MARK: Final = "\x1d\x1e\x1f"
"""Marks the end of a row, because cells contain line ends; three ASCII separators that no text has in sequence."""

_IDS: Final = (FieldType.TITLE_ID, FieldType.NAME_ID)
FIRST_MOMENT: Final = "0001-01-01 00:00:00+00"
LAST_MOMENT: Final = "9999-12-31 23:59:59.999999+00"
_MAX_CHARACTERS: Final = 4_000_000  # in one statement, because plots may be long
_encode: Final = msgspec.json.Encoder().encode
_CONTROL: Final = re.compile("[\0-\x1f]")
_LISTS: Final = {table: tuple(field.type is FieldType.TEXT_LIST for field in table.fields) for table in Table}
_NAME_LINE: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@functools.cache
def _queries() -> dict[str, str]:
    _, *parts = _NAME_LINE.split((Path(__file__).parent / "queries.sql").read_text(encoding="utf-8"))
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def query(name: str) -> str:
    """The statement of this name in ``queries.sql``."""
    return _queries()[name]


def column_type(table: Table, field: Field) -> str:
    """The type of a column; ids and texts of keys are ordered by their bytes."""
    sql_type = _SQL_TYPES.get(field.type, "text")
    by_bytes = field.type in _IDS or (sql_type == "text" and field.name in table.key)
    return f'{sql_type} COLLATE "C"' if by_bytes else sql_type


def cell(field: Field, column: str) -> str:
    """An expression for the canonical text of a column."""
    match field.type:
        case FieldType.TIMESTAMP:
            return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
        case FieldType.TEXT_LIST:
            return f"to_jsonb({column})::text"
        case FieldType.DATE:
            return f"to_char({column}, 'YYYY-MM-DD')"
        case FieldType.INTEGER | FieldType.BIGINT | FieldType.DECIMAL | FieldType.BOOLEAN:
            return f"{column}::text"
    return column


def cells(table: DeclaredTable) -> str:
    """The columns of a table as canonical text, in their fixed order."""
    return ", ".join(cell(field, f"{table}.{field.name}") for field in table.fields)


def select_rows(table: DeclaredTable) -> str:
    """All rows as canonical text, in the order of the key."""
    return f"SELECT {cells(table)} FROM {table} ORDER BY {_listed(table.key, table)}"


def copy_rows(table: Table) -> str:
    """All rows as CSV of canonical text, in the order of the key; each ends with ``ROW_MARK`` and a line feed."""
    order = _listed(table.key, table)
    return f"COPY (SELECT {cells(table)}, '{ROW_MARK}' FROM {table} ORDER BY {order}) TO STDOUT (FORMAT csv)"


def sent(table: Table, columns: tuple[str, ...] | None = None) -> str:
    """The parameters (one array of texts for each column, all unless given) as a relation named ``new``."""
    fields = [field for field in table.fields if columns is None or field.name in columns]
    casts = ", ".join(f"{field.name}::{column_type(table, field)} AS {field.name}" for field in fields)
    arrays = ", ".join(["%s::text[]"] * len(fields))
    return f"(SELECT {casts} FROM unnest({arrays}) AS raw ({', '.join(field.name for field in fields)})) AS new"


def insert(table: Table, columns: tuple[str, ...] | None = None, *, conflict: str = "") -> str:
    """Inserts the rows of the parameters, ordered by key so that concurrent writers queue instead of deadlocking.

    Args:
        columns: those that are sent, in the table's order; all unless given.
        conflict: what happens to rows whose key is there.
    """
    names = ", ".join(columns or table.columns)
    order = ", ".join(table.key)
    handled = f" ON CONFLICT ({order}) {conflict}" if conflict else ""
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {sent(table, columns)} ORDER BY {order}{handled}"


def update(table: Table, columns: tuple[str, ...] | None = None, *, where: str = "") -> str:
    """The DO UPDATE part that takes over the columns of the new row (all but the key, unless given)."""
    taken = columns or tuple(name for name in table.columns if name not in table.key)
    assignments = ", ".join(f"{name} = excluded.{name}" for name in taken)
    return f"DO UPDATE SET {assignments}" + (f" WHERE {where}" if where else "")


def delete_replaced(table: Table) -> str:
    """Deletes rows of the movies of the first parameter that are not among the rows of the second."""
    others = [name for name in table.columns if name not in table.key]
    return (
        f"DELETE FROM {table} AS old WHERE old.imdb_id = ANY (%s) AND NOT EXISTS (SELECT FROM {sent(table)}"
        f" WHERE ({_listed(table.key, 'new')}) = ({_listed(table.key, 'old')})"
        f" AND ROW({_listed(others, 'new')}) IS NOT DISTINCT FROM ROW({_listed(others, 'old')}))"
    )


def prepared(name: str, statement: str) -> str:
    """PREPARE for a statement whose parameters are all arrays of texts."""
    parts = statement.split("%s")
    numbered = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]
    return f"PREPARE {name} ({', '.join(['text[]'] * (len(parts) - 1))}) AS {numbered}"


def execute(name: str, parameters: int) -> str:
    """EXECUTE for a prepared statement."""
    return f"EXECUTE {name} ({', '.join(['%s'] * parameters)})"


def find_movie() -> str:
    """One movie: its cells, then its credits with the person's name at the end, and its other titles, as JSON."""
    credits = f"{cells(Table.CREDITS)}, people.name"
    return (
        f"SELECT {cells(Table.MOVIES)},"
        f" (SELECT coalesce(json_agg(json_build_array({credits})), '[]')"
        " FROM credits JOIN people USING (person_id) WHERE credits.imdb_id = movies.imdb_id),"
        f" (SELECT coalesce(json_agg(json_build_array({cells(Table.AKAS)})), '[]')"
        " FROM akas WHERE akas.imdb_id = movies.imdb_id)"
        " FROM movies WHERE movies.imdb_id = %s"
    )


def documents() -> str:
    """Each movie as a JSON object with its people and other titles, by id."""
    fields = ", ".join(f"{_json_value(field, field.name)} AS {field.name}" for field in Table.MOVIES.fields)
    return (
        "SELECT row_to_json(document)::text FROM (SELECT "
        f'{fields}, {_json_people("director")} AS directors, {_json_people("cast")} AS "cast",'
        f" {_json_people(None)} AS crew, {_json_akas()} AS akas FROM movies ORDER BY movies.imdb_id) AS document"
    )


def _json_value(field: Field, name: str) -> str:
    if field.type in (FieldType.TIMESTAMP, FieldType.DATE):
        return cell(field, name)
    if field.type is FieldType.TEXT_LIST and not field.keep_empty:
        return f"coalesce({name}, '{{}}')"
    return name


def _json_object(table: Table, alias: str, *without: str) -> str:
    fields = [field for field in table.fields if field.name not in without]
    return ", ".join(f"'{field.name}', {_json_value(field, f'{alias}.{field.name}')}" for field in fields)


def _json_people(category: str | None) -> str:
    chosen = "NOT IN ('director', 'cast')" if category is None else f"= '{category}'"
    without = ("imdb_id", "person_id", "position") + (("category",) if category else ())
    return (
        "(SELECT coalesce(json_agg(json_build_object('person_id', credits.person_id, 'name', people.name, "
        f"{_json_object(Table.CREDITS, 'credits', *without)}) ORDER BY credits.category, credits.position), '[]')"
        f" FROM credits JOIN people USING (person_id)"
        f" WHERE credits.imdb_id = movies.imdb_id AND credits.category {chosen})"
    )


def _json_akas() -> str:
    return (
        f"(SELECT coalesce(json_agg(json_build_object({_json_object(Table.AKAS, 'akas', 'imdb_id', 'position')})"
        " ORDER BY akas.position), '[]') FROM akas WHERE akas.imdb_id = movies.imdb_id)"
    )


def before(columns: Mapping[str, frozenset[str]], charts: str) -> str:
    """A WITH clause that makes a database of version 0.1 readable in the present format.

    Args:
        columns: the columns that each table has there.
        charts: a query for the charts.
    """
    views = [f"charts AS ({charts})"]
    for table in Table:
        if table is not Table.CHARTS:
            there = columns.get(table, frozenset())
            picked = ", ".join(f"{_before(table, field, there)} AS {field.name}" for field in table.fields)
            views.append(f"{table} AS (SELECT {picked}" + (f" FROM {table})" if there else " WHERE false)"))
    return f"WITH {', '.join(views)} "


def _before(table: Table, field: Field, columns: frozenset[str]) -> str:
    name = "named_at" if table is Table.PEOPLE and field.name == "read_at" else field.name
    if name not in columns:
        return f"NULL::{column_type(table, field)}"
    if field.type is FieldType.TEXT_LIST:
        return f"nullif(array_remove({name}, ''), '{{}}')"
    if field.type is FieldType.TIMESTAMP:  # times that neither Python nor the files can hold, as infinity
        possible = f"{name} BETWEEN TIMESTAMPTZ '{FIRST_MOMENT}' AND TIMESTAMPTZ '{LAST_MOMENT}'"
        return f"CASE WHEN {possible} THEN {name}" + (" ELSE TIMESTAMPTZ 'epoch' END" if field.required else " END")
    return name


def comments() -> dict[tuple[str, str], str]:
    """The comment of each table and column, by table and column name; the table's own has no column name."""
    return {(str(table), ""): table.meaning for table in Table} | {
        (str(table), field.name): field.meaning for table in Table for field in table.fields
    }


def _listed(names: tuple[str, ...] | list[str], alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


# --- rows as parameters ---------------------------------------------------------------


def encode_columns(table: Table, rows: Sequence[Row], count: int | None = None) -> list[str | None]:
    """The cells of each column as one array literal, in the order of the columns; ``None`` for an empty column.

    PostgreSQL reads arrays of texts several times as fast as JSON objects.

    Args:
        table: what the rows belong to.
        rows: all of one length.
        count: of the first columns; all unless given.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    if not rows:
        return [None] * len(table.columns)
    empty = (None,) * len(rows)
    return [
        None if cells == empty else _lists(cells) if is_list else _array(cells)  # unnest fills up with NULL
        for is_list, cells in zip(_LISTS[table][:count], zip(*rows, strict=True), strict=False)
    ]


def _array(cells: Sequence[str | None]) -> str:
    text = _encode(cells).decode()
    if not _only_quotes_escaped(text) and _CONTROL.search("".join(filter(None, cells))):
        return _quoted(cells)
    return "{" + text[1:-1] + "}"


def _lists(cells: Sequence[str | None]) -> str:
    """An array of array literals, for cells that hold JSON arrays."""
    text = _encode(cells).decode()
    filled = len(cells) - cells.count(None)
    # Most lists are brackets around texts that need no escapes; then only the brackets differ, and all at once.
    if (
        _only_quotes_escaped(text)
        and text.count('"[\\"') == text.count('\\"]"') == filled
        and text.count("[") == text.count("]") == filled + 1
    ):
        return text.replace("[", "{").replace("]", "}")
    return _array([cell and array_literal(cell) for cell in cells])


def _only_quotes_escaped(text: str) -> bool:
    """Whether JSON text is an array literal but for the brackets: JSON has escapes that array literals do not have."""
    return "\\" not in text or text.count("\\") == text.count('\\"')


def _quoted(cells: Iterable[str | None]) -> str:
    quoted = ("NULL" if cell is None else '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"' for cell in cells)
    return "{" + ",".join(quoted) + "}"


def array_literal(cell: str) -> str:
    """Converts a JSON array of texts to a PostgreSQL array; returns anything else unchanged."""
    if "\\" not in cell and cell[:2] == '["' and cell[-2:] == '"]':  # without escapes both quote alike
        return "{" + cell[1:-1] + "}"
    try:
        texts = json.loads(cell)
    except ValueError:
        return cell
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return cell
    return _quoted(texts)


def groups(movies: Sequence[MovieRows]) -> Iterator[list[int]]:
    """Indexes to be written together: each movie at most once per group, and a limited size of text."""
    waiting = list(range(len(movies)))
    while waiting:
        group: list[int] = []
        later: list[int] = []
        taken: set[str | None] = set()
        room = _MAX_CHARACTERS
        for index in waiting:
            movie = movies[index]
            if movie.movie[0] in taken or (group and _size(movie) > room):
                later.append(index)
            else:
                group.append(index)
                room -= _size(movie)
            taken.add(movie.movie[0])  # also when it is deferred: a later record of its id must not be written first
        yield group
        waiting = later


def _size(rows: MovieRows) -> int:
    """Roughly the number of characters of a movie, to keep batches small in memory."""
    return 1000 + sum(map(len, filter(None, rows.movie))) + 200 * (len(rows.credits) + len(rows.akas))
