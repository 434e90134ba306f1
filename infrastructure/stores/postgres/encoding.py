"""Rows as the JSON documents that the generated statements take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from application.records import MovieRows, Row
from domain.fields import FieldType, Table

_MAX_CHARACTERS: Final = 4_000_000  # in one statement: plots may be long
_encode: Final = msgspec.json.Encoder().encode
_COLUMNS: Final = {
    table: tuple((field.name, field.type is FieldType.TEXT_LIST) for field in table.fields) for table in Table
}


def encode(table: Table, rows: Iterable[Row]) -> str:
    """One JSON array of objects by column name; missing cells are left out.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    columns = _COLUMNS[table]
    return _encode([_object(columns, row) for row in rows]).decode()


def _object(columns: tuple[tuple[str, bool], ...], row: Row) -> dict[str, Any]:
    return {
        name: msgspec.Raw(cell.encode()) if is_list else cell
        for (name, is_list), cell in zip(columns, row, strict=True)
        if cell is not None
    }


def groups(movies: Sequence[MovieRows]) -> Iterator[list[int]]:
    """Indexes to be written together: no movie twice, and not too much text at a time."""
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
            taken.add(movie.movie[0])  # also when it is put off: the next of its id must not overtake it
        yield group
        waiting = later


def _size(rows: MovieRows) -> int:
    """Roughly how many characters a movie makes, to keep batches small in memory."""
    return 1000 + sum(len(cell) for cell in rows.movie if cell) + 200 * (len(rows.credits) + len(rows.akas))


def flaws(rows: MovieRows) -> str:
    """What in a movie no PostgreSQL column can hold, each with the column's name."""
    parts: dict[Table, Sequence[Row]] = {
        Table.MOVIES: (rows.movie,),
        Table.PEOPLE: rows.people,
        Table.CREDITS: rows.credits,
        Table.AKAS: rows.akas,
    }
    found: dict[str, None] = {}
    for table, flat in parts.items():
        for row in flat:
            for (name, is_list), cell in zip(_COLUMNS[table], row, strict=True):
                if cell is None:
                    continue
                text = "".join(msgspec.json.decode(cell.encode(errors="surrogatepass").decode(errors="replace"))) if is_list else cell
                if "\0" in text:
                    found[f"{name} holds a NUL"] = None
                if any("\ud800" <= letter <= "\udfff" for letter in cell):
                    found[f"{name} holds half a surrogate pair"] = None
    return "; ".join(found)
