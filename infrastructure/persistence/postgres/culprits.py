"""Which column of a record it was that the database refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from application.records import Table, to_rows
from domain.movie import Movie
from infrastructure.persistence.postgres.database import Refused

_INTEGER: Final = 2**31 - 1
_BIGINT: Final = 2**63 - 1
_LARGEST: Final[Mapping[str, int]] = {
    "year": _INTEGER,
    "votes": _BIGINT,
    "duration_minutes": _INTEGER,
    "metascore": _INTEGER,
    "rank": _INTEGER,
}


def culprit(movie: Movie, refused: Refused) -> str:
    """Which column it was, and what the database says."""
    if found := flaws(movie):
        return found
    diagnostics = getattr(refused.__cause__, "diag", None)
    column = getattr(diagnostics, "column_name", None)
    if not column:
        constraint = getattr(diagnostics, "constraint_name", None) or ""
        named = re.fullmatch(r"(?:movies|people|credits)_(.+)_(?:check|fkey)", constraint)
        column = named[1] if named else ""
    return f"{column}: {refused.failure.message}" if column else refused.failure.message


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
