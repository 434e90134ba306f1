"""In which order rows stand, and whether their cells can be read.

Both stores give their rows in one order, so that comparing them is a merge that
holds two rows in memory, however many there are.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from application.records import Row, Table, characters_cell, from_rows, movie_row
from domain.movie import IMDB_ID, PERSON_ID, Category, Person

SortKey: TypeAlias = tuple[str, str, int, str]


def sort_key(table: Table, row: Row) -> SortKey:
    """What rows of a table are ordered by: text by code point, positions by number.

    Total: a row with unreadable or missing cells has a place too.
    """
    if table is not Table.CREDITS:
        return (row[0] or "" if row else "", "", 0, "")
    cells = [cell or "" for cell in row[:4]] + [""] * (4 - len(row))
    # Whole numbers without leading zeros are ordered by their length, then as text.
    return (cells[0], cells[2], len(cells[3]), cells[3])


def canonical(table: Table, row: Row) -> Row:
    """The same row in the text form of ``application.records``: ``9`` as a rating becomes ``9.0``.

    Raises:
        ValueError: the row does not hold what the table's rows hold; the message says where.
    """
    if len(row) != len(table.columns):
        raise ValueError(f"{len(row)} cells instead of {len(table.columns)}")
    if table is Table.MOVIES:
        return movie_row(from_rows(row, (), {}))
    if table is Table.PEOPLE:
        person = Person(row[0] or "", row[1] or "")
        return (person.person_id, person.name)
    imdb_id, person_id, category, position, characters = (cell or "" for cell in row)
    if not IMDB_ID.fullmatch(imdb_id):
        raise ValueError(f"imdb_id {imdb_id!r} is not tt and 7 to 10 digits")
    if not PERSON_ID.fullmatch(person_id):
        raise ValueError(f"person_id {person_id!r} is not nm and 7 to 10 digits")
    if int(position) < 1:
        raise ValueError(f"position {position} is below 1")
    roles = json.loads(characters)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise ValueError(f"characters {characters!r} is not a JSON array of texts")
    return (imdb_id, person_id, Category(category).value, str(int(position)), characters_cell(roles))
