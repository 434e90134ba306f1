"""Which column of a record it was that the database refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from application.records import Table, to_rows
from domain.errors import FilmledgerError
from domain.movie import Movie
from infrastructure.stores.postgres.database import Database, Refused
from infrastructure.stores.postgres.queries import query

_OWN_CONSTRAINT: Final = re.compile(r"(?P<table>movies|people|credits)_(?P<column>.+)_(?:check|fkey)")
_PERSON: Final = re.compile(r"\bnm[0-9]{7,10}\b")
_INTEGER: Final = 2**31 - 1
_BIGINT: Final = 2**63 - 1
_LARGEST: Final[Mapping[str, int]] = {
    "year": _INTEGER,
    "votes": _BIGINT,
    "duration_minutes": _INTEGER,
    "metascore": _INTEGER,
    "rank": _INTEGER,
}


def culprit(movie: Movie, refused: Refused, database: Database) -> str:
    """Which column it was, of which person if of one, and what the database says.

    Args:
        movie: what was refused.
        refused: how.
        database: knows what columns a constraint of the user's own is about.
    """
    if found := flaws(movie):
        return found
    diagnostics = getattr(refused.__cause__, "diag", None)
    where = ", ".join(_columns(diagnostics, database))
    if person := _person(movie, diagnostics):
        where = f"{where} of {person}" if where else person
    return f"{where}: {refused.failure.message}" if where else refused.failure.message


def _columns(diagnostics: Any, database: Database) -> list[str]:
    constraint = getattr(diagnostics, "constraint_name", None) or ""
    if column := getattr(diagnostics, "column_name", None):
        return [column]
    named = _OWN_CONSTRAINT.fullmatch(constraint)
    if named and named["column"] in Table(named["table"]).columns:
        return [named["column"]]
    return _looked_up(diagnostics, database) if constraint else []


def _looked_up(diagnostics: Any, database: Database) -> list[str]:
    names = {
        "schema": diagnostics.schema_name,
        "table": diagnostics.table_name,
        "constraint": diagnostics.constraint_name,
    }

    def read(connection: Connection) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(query("constraint_columns"), names)
            return [column for (column,) in cursor.fetchall()]

    try:
        return database.run(read)
    except FilmledgerError:
        return []  # the refusal is told without


def _person(movie: Movie, diagnostics: Any) -> str:
    """Whose row it was: a row of people or credits has its person's id before anything that could look like one."""
    if getattr(diagnostics, "table_name", None) not in (Table.PEOPLE, Table.CREDITS):
        return ""
    found = _PERSON.search(diagnostics.message_detail or "")
    if found is None:
        return ""
    names = {credit.person.person_id: credit.person.name for credit in movie.credits}
    return f"{found[0]} ({names[found[0]]})" if found[0] in names else found[0]


def flaws(movie: Movie) -> str:
    """What in a movie no PostgreSQL column can hold, each with the column's name."""
    return "; ".join(_flaws(movie))


def _flaws(movie: Movie) -> Iterator[str]:
    rows = to_rows(movie)
    cells = list(zip(Table.MOVIES.columns, rows.movie, strict=True))
    cells += [("name", person.name) for person in (credit.person for credit in movie.credits)]
    cells += [("characters", role) for credit in movie.credits for role in credit.characters]
    for column, cell in cells:
        if cell is None:
            continue
        if "\0" in cell:
            yield f"{column} holds a NUL"
        if any("\ud800" <= letter <= "\udfff" for letter in cell):
            yield f"{column} holds half a surrogate pair"
    for column, largest in _LARGEST.items():
        value = getattr(movie, column)
        if value is not None and value > largest:
            yield f"{column} {value} is larger than the database's {largest}"
