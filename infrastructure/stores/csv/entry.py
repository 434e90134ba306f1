"""What one save brings to the files, ready to be written."""

from __future__ import annotations

from dataclasses import dataclass

from application.records import MovieRows, Table, to_rows
from domain.errors import RecordRejected
from domain.movie import Movie, Person
from infrastructure.stores.csv.dialect import encode
from infrastructure.stores.csv.failures import STORE


@dataclass(frozen=True, slots=True)
class Entry:
    """The lines of one movie, or a name alone (then ``imdb_id`` is empty)."""

    imdb_id: str
    scraped_at: str
    rank: int | None
    movie: bytes
    people: tuple[tuple[str, bytes], ...]
    credits: bytes


def entry_of(movie: Movie, *, escape: bool) -> Entry:
    """Flatten and encode a movie.

    Raises:
        RecordRejected: a cell holds what no store can.
    """
    rows = to_rows(movie)
    try:
        (line,) = encode([rows.movie], escape=escape)
        people = encode(rows.people, escape=escape)
        listed = b"".join(encode(rows.credits, escape=escape))
    except UnicodeEncodeError as error:
        raise _rejected(movie, rows) from error
    if b"\0" in line or any(b"\0" in name for name in people) or (b"\\u0000" in listed and _has_nul(movie)):
        raise _rejected(movie, rows)
    names = tuple([(str(row[0]), name) for row, name in zip(rows.people, people, strict=True)])
    return Entry(movie.imdb_id, str(rows.movie[-1]), movie.rank, line, names, listed)


def name_alone(person: Person, *, escape: bool) -> Entry:
    """A name that no save brings.

    Raises:
        RecordRejected: it holds what no store can.
    """
    if not _storable(person.name):
        raise RecordRejected(STORE, f"{person.person_id}: name holds a NUL or half a surrogate pair")
    (line,) = encode([(person.person_id, person.name)], escape=escape)
    return Entry("", "", None, b"", ((person.person_id, line),), b"")


def _rejected(movie: Movie, rows: MovieRows) -> RecordRejected:
    tables = [(Table.MOVIES, rows.movie), *((Table.PEOPLE, row) for row in rows.people)]
    columns = [
        column
        for table, row in tables
        for column, cell in zip(table.columns, row, strict=True)
        if cell and not _storable(cell)
    ]
    columns += ["characters" for credit in movie.credits if not all(map(_storable, credit.characters))]
    named = ", ".join(dict.fromkeys(columns))
    return RecordRejected(STORE, f"{movie.imdb_id}: {named} holds a NUL or half a surrogate pair")


def _has_nul(movie: Movie) -> bool:
    return any("\0" in role for credit in movie.credits for role in credit.characters)


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
