"""Encodes rows as the arrays that the generated statements take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from application.records import MovieRows, Row
from domain.fields import FieldType, Table

_MAX_CHARACTERS: Final = 4_000_000  # in one statement, because plots may be long
_encode: Final = msgspec.json.Encoder().encode
_CONTROL: Final = re.compile("[\0-\x1f]")
_LISTS: Final = {table: tuple(field.type is FieldType.TEXT_LIST for field in table.fields) for table in Table}


def columns(table: Table, rows: Sequence[Row], count: int | None = None) -> list[str | None]:
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
