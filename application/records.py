"""Movies as rows of text cells: one canonical text form in which all stores are compared.

The columns, their types and keys are declared in ``domain.fields``; the text
form of each type is here. A cell is ``None`` where the value is missing: an
empty cell in CSV, NULL in a database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from json.encoder import encode_basestring
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias

from domain.fields import Field, FieldType, Source, Table
from domain.movie import CAST, DIRECTOR, Aka, Credit, Movie, Person, PersonDetails

Cell: TypeAlias = str | None
Row: TypeAlias = tuple[Cell, ...]
SortKey: TypeAlias = tuple[tuple[int, str], ...]
_CLOCK_TOLERANCE: Final = timedelta(hours=1)  # clocks of two machines differ by less


@dataclass(frozen=True, slots=True)
class MovieRows:
    """The rows of one movie, each table's in the order of its key."""

    movie: Row
    people: tuple[Row, ...]
    credits: tuple[Row, ...]
    akas: tuple[Row, ...]


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_from_future(stored: str, read: str, now: datetime) -> bool:
    """Whether a stored time was given by a clock that was ahead, and the time of a new reading was not."""
    return stored > timestamp(now + _CLOCK_TOLERANCE) >= read


def parse_timestamp(text: str) -> datetime:
    """Parses what ``timestamp`` writes.

    Raises:
        ValueError: not an ISO 8601 date and time with a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def list_cell(texts: Sequence[str]) -> str:
    """A JSON array of texts in a readable form: ``["Neo", "Thomas Anderson"]``."""
    # As json.dumps, without its set-up for each call; most lists hold one text.
    inner = encode_basestring(texts[0]) if len(texts) == 1 else ", ".join(map(encode_basestring, texts))
    return f"[{inner}]"


def parse_list(cell: str) -> tuple[str, ...]:
    """Parses a JSON array of texts.

    Raises:
        ValueError: not a JSON array of texts.
    """
    texts = json.loads(cell)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{cell[:80]!r} is not a JSON array of texts")
    return tuple(texts)


def _parse_boolean(cell: str) -> bool:
    if cell in ("true", "false"):
        return cell == "true"
    raise ValueError(f"{cell[:80]!r} is not true or false")


def _parse_integer(cell: str) -> int:
    if len(cell) > 20:  # int() refuses thousands of digits with a message about the interpreter's settings
        raise ValueError(f"{cell[:20]}… has more than 20 digits")
    return int(cell)


def _identity(value: Any) -> Any:
    return value


# How a value is written and read; a value of any other type is its text.
_TEXT_FORMS: Final[Mapping[FieldType, tuple[Callable[[Any], str], Callable[[str], Any]]]] = {
    FieldType.INTEGER: (str, _parse_integer),
    FieldType.BIGINT: (str, _parse_integer),
    FieldType.DECIMAL: ("{:.1f}".format, float),
    FieldType.BOOLEAN: (lambda value: "true" if value else "false", _parse_boolean),
    FieldType.DATE: (date.isoformat, date.fromisoformat),
    FieldType.TIMESTAMP: (timestamp, parse_timestamp),
    FieldType.TEXT_LIST: (list_cell, parse_list),
}
_TO_TEXT: Final[Mapping[FieldType, Callable[[Any], str]]] = {
    kind: _TEXT_FORMS[kind][0] if kind in _TEXT_FORMS else _identity for kind in FieldType
}
_FROM_TEXT: Final[Mapping[FieldType, Callable[[str], Any]]] = {
    kind: _TEXT_FORMS[kind][1] if kind in _TEXT_FORMS else _identity for kind in FieldType
}

# Cells of most columns are values as they are; calling a reader for each would take a third of the time of a reading.
_READERS: Final = {
    table: tuple((field, _FROM_TEXT[field.type] is _identity) for field in table.fields) for table in Table
}


def to_cell(field: Field, value: Any) -> Cell:
    """The text of a value; an empty list is missing unless the field keeps it."""
    if value is None or (value == () and not field.keep_empty):
        return None
    return _TO_TEXT[field.type](value)


def from_cell(field: Field, cell: Cell) -> Any:
    """The value of a cell; a missing list is ``()`` unless the field tells empty from missing.

    Raises:
        ValueError: the cell does not hold what the field's type needs.
    """
    if cell is None:
        return () if field.type is FieldType.TEXT_LIST and not field.keep_empty else None
    try:
        return _FROM_TEXT[field.type](cell)
    except ValueError as error:
        raise ValueError(f"{field.name}: {error}") from None


def to_row(table: Table, values: Mapping[str, Any]) -> Row:
    """A row from values by column name; columns that are not named are missing."""
    return tuple(to_cell(field, values.get(field.name)) for field in table.fields)


def from_row(table: Table, row: Row) -> dict[str, Any]:
    """The values of a row by column name, each checked against its field.

    Raises:
        ValueError: the row does not hold what the table's rows hold; the message names the column.
    """
    values = _values(table, row)
    for field in table.fields:
        value = values[field.name]
        if value != () and (problem := field.problem(value)):
            raise ValueError(problem)
    return values


def _values(table: Table, row: Row) -> dict[str, Any]:
    """The values of a row by column name; the records made from them check themselves."""
    if len(row) != len(table.columns):
        raise ValueError(f"{len(row)} cells instead of {len(table.columns)}")
    return {
        field.name: cell if as_is else from_cell(field, cell)
        for (field, as_is), cell in zip(_READERS[table], row, strict=True)
    }


def canonical(table: Table, row: Row) -> Row:
    """The same row in canonical text: ``9`` as a rating becomes ``9.0``.

    Raises:
        ValueError: the row does not hold what the table's rows hold; the message names the column.
    """
    values = from_row(table, row)
    if table is Table.MOVIES:
        return movie_row(_movie(values, (), ()))
    return to_row(table, values)


def sort_key(table: Table, row: Row) -> SortKey:
    """The order of a table's rows: its key, text by code point, numbers by value.

    Total: a row with unreadable or missing cells has a place too.
    """
    return tuple(
        # Whole numbers without leading zeros are ordered by their length, then as text.
        (len(cell) if numeric else 0, cell)
        for position, numeric in _KEY_COLUMNS[table]
        for cell in ((row[position] or "") if position < len(row) else "",)
    )


def key_of(table: Table, row: Row) -> tuple[str, ...]:
    """The cells of a row's key, as text."""
    return tuple((row[position] or "") if position < len(row) else "" for position, _ in _KEY_COLUMNS[table])


_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
_NAME_END: Final = Table.PEOPLE.column_index("born")
_SCRAPED_AT: Final = Table.MOVIES.column_index("scraped_at")
_DETAILS_READ_AT: Final = Table.PEOPLE.column_index("details_read_at")
_KEY_COLUMNS: Final = {
    table: tuple(
        (table.column_index(column), table.fields[table.column_index(column)].is_number) for column in table.key
    )
    for table in Table
}
NO_DETAILS: Final = (None,) * (len(Table.PEOPLE.columns) - _NAME_END)
"""The cells of a people row after ``source``, where only the name is known."""
# The attributes of a credit besides its person, and of another title, in their order.
_CREDIT_ATTRIBUTES: Final = tuple(name for name in Table.CREDITS.columns if name not in ("imdb_id", "person_id"))
_AKA_ATTRIBUTES: Final = tuple(name for name in Table.AKAS.columns if name not in ("imdb_id", "position"))
_category_and_position: Final = attrgetter("category", "position")
_movie_values: Final = attrgetter(*Table.MOVIES.columns)


def to_rows(movie: Movie) -> MovieRows:
    """Flattens a movie. A person credited twice gives one people row."""
    row = movie_row(movie)
    imdb_id, source, read_at = movie.imdb_id, movie.source, row[_SCRAPED_AT]
    credits = movie.credits
    people = {credit.person.person_id: credit.person for credit in credits}
    return MovieRows(
        row,
        tuple(
            [
                (
                    person_id,
                    person.name,
                    timestamp(person.named_at) if person.named_at else read_at,
                    source,
                    *NO_DETAILS,
                )
                for person_id, person in sorted(people.items(), key=itemgetter(0))
            ]
        ),
        tuple([credit_row(movie, credit) for credit in sorted(credits, key=_category_and_position)]),
        tuple(
            (imdb_id, str(position), aka.title, aka.region, aka.language, _list(aka.types), _list(aka.attributes))
            for position, aka in enumerate(movie.akas, start=1)
        ),
    )


def storage_problem(rows: MovieRows) -> str:
    """Texts in a movie that no store can hold (NUL, half a surrogate pair), with the column's name; empty if none."""
    parts = (
        (Table.MOVIES, (rows.movie,)), (Table.PEOPLE, rows.people), (Table.CREDITS, rows.credits),
        (Table.AKAS, rows.akas),
    )  # fmt: skip
    problems: dict[str, None] = {}  # ordered, each once
    for table, flat in parts:
        for row in flat:
            for name, cell in zip(table.columns, row, strict=True):
                if not cell or (cell.isascii() and cell.isprintable() and "\\u0000" not in cell):
                    continue
                text = cell.replace("\\\\", "")  # in a list NUL is a JSON escape, and a backslash is doubled
                if "\0" in cell or ("\\u0000" in text and _is_list(table, name)):
                    problems[f"{name} holds a NUL"] = None
                if _HALF_PAIR.search(cell):
                    problems[f"{name} holds half a surrogate pair"] = None
    return "; ".join(problems)


def _is_list(table: Table, name: str) -> bool:
    return table.fields[table.column_index(name)].type is FieldType.TEXT_LIST


def movie_row(movie: Movie) -> Row:
    """The movies row."""
    row = list(_movie_values(movie))
    for column, write in _MOVIE_WRITERS:
        if (value := row[column]) is not None:
            row[column] = write(value)
    return tuple(row)


def credit_row(movie: Movie, credit: Credit) -> Row:
    """The credits row."""
    return (
        movie.imdb_id,
        credit.person.person_id,
        credit.category,
        str(credit.position),
        list_cell(credit.characters) if credit.characters else None,
        list_cell(credit.job) if credit.job else None,
        list_cell(credit.attributes) if credit.attributes else None,
    )


def details_row(details: PersonDetails) -> Row:
    """The people row of details; name, read_at and source are missing, because details do not have them."""
    return tuple(to_cell(field, getattr(details, field.name, None)) for field in Table.PEOPLE.fields)


def _list(texts: tuple[str, ...]) -> Cell:
    return list_cell(texts) if texts else None


# Most values are cells as they are; calling a writer for 48 columns of every movie would cost a third of a save.
_MOVIE_WRITERS: Final = tuple(
    (column, _list if field.type is FieldType.TEXT_LIST and not field.keep_empty else _TO_TEXT[field.type])
    for column, field in enumerate(Table.MOVIES.fields)
    if _TO_TEXT[field.type] is not _identity
)


def from_rows(
    movie: Row,
    credits: Iterable[Row],
    names: Mapping[str, str],
    akas: Iterable[Row] = (),
    person: Callable[[str, str], Person] = Person,
) -> Movie:
    """Builds a movie from its rows; without a rank, which is not stored with the movie.

    Args:
        movie: a movies row.
        credits: its credits rows, in any order.
        names: a name for each person_id in them.
        akas: its akas rows, in any order.
        person: makes a person of id and name; may give the same object again.

    Raises:
        InvalidMovie: impossible values.
        ValueError: a cell is not of its column's type (InvalidMovie is one).
        KeyError: a person has no name.
    """
    people = [_values(Table.CREDITS, row) for row in credits]
    people.sort(key=itemgetter("category", "position"))
    titles = sorted((_values(Table.AKAS, row) for row in akas), key=itemgetter("position"))
    return _movie(
        _values(Table.MOVIES, movie),
        [
            Credit(
                person(values["person_id"], names[values["person_id"]]),
                *map(values.__getitem__, _CREDIT_ATTRIBUTES),
            )
            for values in people
        ],
        [Aka(*map(values.__getitem__, _AKA_ATTRIBUTES)) for values in titles],
    )


def _movie(values: Mapping[str, Any], credits: Iterable[Credit], akas: Iterable[Aka]) -> Movie:
    parts = {category: tuple(group) for category, group in groupby(credits, key=lambda credit: credit.category)}
    return Movie(
        **{field.name: values[field.name] for field in Table.MOVIES.fields if not field.derived},
        directors=parts.pop(DIRECTOR, ()),
        cast=parts.pop(CAST, ()),
        crew=tuple(credit for group in parts.values() for credit in group),
        akas=tuple(akas),
    )


def newer_person(old: Row, new: Row) -> Row:
    """Merges two rows of one person: the name and the details each come from the later reading.

    With equal times the smaller name counts, and the details of ``new``. A row that
    lacks ``details_read_at`` has no details to give. Details from the data files, which
    have less, never replace those of another source.
    """
    (old_name, old_read_at), (new_name, new_read_at) = old[1:3], new[1:3]
    rename = new_name is not None and (
        old_name is None
        or (new_read_at or "") > (old_read_at or "")
        or (new_read_at == old_read_at and new_name < old_name)
    )
    detail = new[_DETAILS_READ_AT] is not None and _details_rank(new) >= _details_rank(old)
    return (new[0], *(new if rename else old)[1:_NAME_END], *(new if detail else old)[_NAME_END:])


def _details_rank(person: Row) -> tuple[bool, bool, str]:
    read_at = person[_DETAILS_READ_AT] or ""
    return bool(read_at), person[-1] != Source.DATASETS, read_at


def chart_rows(chart: str, imdb_ids: Iterable[str], read_at: datetime) -> Iterator[Row]:
    """The charts rows of a whole chart, given its ids in rank order."""
    moment = timestamp(read_at)
    return ((chart, str(rank), imdb_id, moment) for rank, imdb_id in enumerate(imdb_ids, start=1))
