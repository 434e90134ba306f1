"""One movie as rows of three tables, in the one text form both stores can be compared in.

The columns, their order and their canonical text have their home here. A cell
is ``None`` where the value is missing; CSV writes that as an empty cell and
PostgreSQL as NULL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring
from typing import Final, TypeAlias

from domain.movie import Category, Credit, Movie, Person

Cell: TypeAlias = str | None
Row: TypeAlias = tuple[Cell, ...]


class Table(StrEnum):
    """The three tables that both stores keep."""

    MOVIES = "movies"
    PEOPLE = "people"
    CREDITS = "credits"

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in their fixed order."""
        return _COLUMNS[self]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row; rows are ordered by them."""
        return _KEYS[self]


_COLUMNS: Final = {
    Table.MOVIES: (
        "imdb_id", "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes",
        "metascore", "genres", "plot", "poster_url", "certificate", "release_date", "rank",
        "source_url", "scraped_at",
    ),
    Table.PEOPLE: ("person_id", "name"),
    Table.CREDITS: ("imdb_id", "person_id", "category", "position", "characters"),
}  # fmt: skip
_KEYS: Final = {
    Table.MOVIES: ("imdb_id",),
    Table.PEOPLE: ("person_id",),
    Table.CREDITS: ("imdb_id", "category", "position"),
}


@dataclass(frozen=True, slots=True)
class MovieRows:
    """The rows of one movie; credits stand directors first, then cast."""

    movie: Row
    people: tuple[Row, ...]
    credits: tuple[Row, ...]


def to_rows(movie: Movie) -> MovieRows:
    """Flatten a movie. A person credited twice gives one people row."""
    people = {credit.person.person_id: (credit.person.person_id, credit.person.name) for credit in movie.credits}
    return MovieRows(movie_row(movie), tuple(people.values()), tuple(credit_row(movie, c) for c in movie.credits))


def movie_row(movie: Movie) -> Row:
    """The movies row, in the order of ``Table.MOVIES.columns``."""
    return (
        movie.imdb_id,
        movie.title,
        movie.original_title,
        movie.kind,
        _number(movie.year),
        None if movie.rating is None else f"{movie.rating:.1f}",
        _number(movie.votes),
        _number(movie.duration_minutes),
        _number(movie.metascore),
        "|".join(movie.genres) or None,
        movie.plot,
        movie.poster_url,
        movie.certificate,
        movie.release_date,
        _number(movie.rank),
        movie.source_url,
        timestamp(movie.scraped_at),
    )


def credit_row(movie: Movie, credit: Credit) -> Row:
    """The credits row, in the order of ``Table.CREDITS.columns``."""
    return (
        movie.imdb_id,
        credit.person.person_id,
        credit.category._value_,  # a plain attribute; .value costs as much as the rest of the row
        str(credit.position),
        characters_cell(credit.characters),
    )


def characters_cell(characters: Sequence[str]) -> str:
    """Roles as a JSON array, kept readable: ``["Neo", "Thomas Anderson"]``; ``[]`` for none."""
    return "[" + ", ".join(map(encode_basestring, characters)) + "]"  # as json.dumps does, without its set-up each time


def from_rows(movie: Row, credits: Iterable[Row], names: Mapping[str, str]) -> Movie:
    """Build a movie back from its rows.

    Args:
        movie: a movies row.
        credits: its credits rows, in any order.
        names: a name for each person_id in them.

    Raises:
        InvalidMovie: the values cannot be true.
        ValueError: a cell does not hold what its column should (InvalidMovie is one).
        KeyError: a person has no name.
    """
    cells = dict(zip(Table.MOVIES.columns, movie, strict=True))
    parts: dict[Category, list[Credit]] = {Category.DIRECTOR: [], Category.CAST: []}
    for row in credits:
        _, person_id, category, position, characters = row
        credit = Credit(
            Person(_required(person_id), names[_required(person_id)]),
            Category(_required(category)),
            int(_required(position)),
            tuple(json.loads(_required(characters))),
        )
        parts[credit.category].append(credit)
    for listed in parts.values():
        listed.sort(key=lambda credit: credit.position)
    rating = cells["rating"]
    genres = cells["genres"]
    return Movie(
        imdb_id=_required(cells["imdb_id"]),
        title=_required(cells["title"]),
        original_title=cells["original_title"],
        kind=cells["kind"],
        year=_integer(cells["year"]),
        rating=None if rating is None else float(rating),
        votes=_integer(cells["votes"]),
        duration_minutes=_integer(cells["duration_minutes"]),
        metascore=_integer(cells["metascore"]),
        genres=tuple(genres.split("|")) if genres else (),
        plot=cells["plot"],
        poster_url=cells["poster_url"],
        certificate=cells["certificate"],
        release_date=cells["release_date"],
        rank=_integer(cells["rank"]),
        source_url=_required(cells["source_url"]),
        scraped_at=parse_timestamp(_required(cells["scraped_at"])),
        directors=tuple(parts[Category.DIRECTOR]),
        cast=tuple(parts[Category.CAST]),
    )


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """The reverse of ``timestamp``.

    Raises:
        ValueError: not an ISO 8601 date and time with a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def _number(value: int | None) -> Cell:
    return None if value is None else str(value)


def _integer(cell: Cell) -> int | None:
    return None if cell is None else int(cell)


def _required(cell: Cell) -> str:
    if cell is None:
        raise ValueError("a required cell is empty")
    return cell
