"""The field table: every column of every table, declared once.

Columns and cells of the CSV files, SQL, Parquet types, the comparison of
``verify`` and the data dictionary are derived from it. A new scalar field is
an entry here, an attribute of its record, a migration, and the readers that
have it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final, TypeAlias

IMDB_ID: Final = re.compile(r"tt[0-9]{7,10}")
PERSON_ID: Final = re.compile(r"nm[0-9]{7,10}")
INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**63 - 1
OLDEST_YEAR: Final = 1870  # IMDb's oldest title is of 1874


class Source(StrEnum):
    """Where a record or a value was read."""

    PAGE = "page"
    GRAPHQL = "graphql"
    FILE = "file"
    DATASETS = "datasets"


class FieldType(Enum):
    """What a cell holds, and how it is written as text.

    ============ ==========================================================
    TEXT         the text itself
    INTEGER      decimal digits, at most 2^31 - 1
    BIGINT       decimal digits, at most 2^63 - 1
    DECIMAL      one decimal: ``9.0``
    BOOLEAN      ``true`` or ``false``
    DATE         ``1994-10-14``
    PARTIAL_DATE ``1994``, ``1994-10`` or ``1994-10-14``
    TIMESTAMP    ISO 8601 in UTC with microseconds: ``2026-11-28T08:00:00.000000Z``
    TEXT_LIST    a JSON array of texts: ``["Drama", "Crime"]``
    TITLE_ID     ``tt0111161``
    NAME_ID      ``nm0000209``
    ============ ==========================================================
    """

    TEXT = "text"
    INTEGER = "integer"
    BIGINT = "bigint"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    PARTIAL_DATE = "partial date"
    TIMESTAMP = "timestamp"
    TEXT_LIST = "text list"
    TITLE_ID = "title id"
    NAME_ID = "name id"


_PARTIAL_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_Problem: TypeAlias = Callable[[object], str | None]
_NUMBERS: Final = (FieldType.INTEGER, FieldType.BIGINT, FieldType.DECIMAL)
_PAGES: Final = (Source.PAGE, Source.GRAPHQL, Source.FILE)
_ALL: Final = (*_PAGES, Source.DATASETS)
_SAVED: Final = (Source.PAGE, Source.FILE)


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        name: of the column, and of the record's attribute.
        type: of its values.
        meaning: one sentence; the data dictionary and the database's comments show it.
        required: it is never missing.
        minimum, maximum: bounds of a number, both allowed.
        sources: that have it, the most trusted first; empty for what the program itself writes.
        in_part: those of them that have only a part: the first few of a list, some rows of a table, or no details.
        newest_wins: of two values the newer counts, from any source (rating, votes).
        keep_empty: an empty list differs from a missing one.
        warn_if_rare: ``verify`` warns if the field is seldom filled.
        derived: computed from other fields of the record, never read from a cell.
        value_problem: says why a value that is not missing cannot be stored; ``None`` if it can.
    """

    name: str
    type: FieldType
    meaning: str
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    sources: tuple[Source, ...] = ()
    in_part: tuple[Source, ...] = ()
    newest_wins: bool = False
    keep_empty: bool = False
    warn_if_rare: bool = False
    derived: bool = False
    value_problem: _Problem = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value_problem", _PROBLEMS[self.type](self))

    def problem(self, value: object) -> str | None:
        """Why the value cannot be stored in this field, or ``None``."""
        if value is None:
            return f"{self.name} is missing" if self.required else None
        return self.value_problem(value)

    @property
    def is_number(self) -> bool:
        """Whether the field is ordered by number; everything else is ordered by the bytes of its text."""
        return self.type in _NUMBERS


def _number_problem(field: Field) -> _Problem:
    name, decimal = field.name, field.type is FieldType.DECIMAL
    minimum = -math.inf if field.minimum is None else field.minimum
    maximum = math.inf if field.maximum is None else field.maximum

    def problem(value: object) -> str | None:
        if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
            return f"{name} {value!r} is not a number"
        if not minimum <= value <= maximum:
            return f"{name} {value} is outside {field.minimum} to {field.maximum}"
        if decimal:
            return f"{name} {value} has more than one decimal" if round(value, 1) != value else None
        return None if type(value) is int else f"{name} {value!r} is not a whole number"

    return problem


def _text_problem(field: Field) -> _Problem:
    name, required = field.name, field.required

    def problem(value: object) -> str | None:
        if isinstance(value, str):
            return None if (value.strip() if required else value) else f"{name} is empty"
        return f"{name} {value!r} is not text"

    return problem


def _list_problem(field: Field) -> _Problem:
    name = field.name

    def problem(value: object) -> str | None:
        if isinstance(value, tuple) and "" not in value and set(map(type, value)) <= {str}:
            return None
        return f"{name} {value!r} is not a list of texts that are not empty"

    return problem


def _id_problem(pattern: re.Pattern[str], shape: str) -> Callable[[Field], _Problem]:
    def of_field(field: Field) -> _Problem:
        name, fullmatch = field.name, pattern.fullmatch

        def problem(value: object) -> str | None:
            if isinstance(value, str) and fullmatch(value):
                return None
            return f"{name} {value!r} is not {shape} and 7 to 10 digits"

        return problem

    return of_field


def _partial_date_problem(field: Field) -> _Problem:
    def problem(value: object) -> str | None:
        match = _PARTIAL_DATE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            year, month, day = (int(part) if part else 1 for part in match.groups())
            with suppress(ValueError):
                date(year, month, day)
                return None
        return f"{field.name} {value!r} is not YYYY, YYYY-MM or YYYY-MM-DD"

    return problem


def _timestamp_problem(field: Field) -> _Problem:
    def problem(value: object) -> str | None:
        if isinstance(value, datetime) and value.utcoffset() == timedelta(0):
            return None
        return f"{field.name} {value} is not a time in UTC"

    return problem


def _instance_problem(kind: type, name: str) -> Callable[[Field], _Problem]:
    return lambda field: lambda value: None if type(value) is kind else f"{field.name} {value!r} is not {name}"


_PROBLEMS: Final[Mapping[FieldType, Callable[[Field], _Problem]]] = {
    FieldType.TEXT: _text_problem,
    FieldType.INTEGER: _number_problem,
    FieldType.BIGINT: _number_problem,
    FieldType.DECIMAL: _number_problem,
    FieldType.BOOLEAN: _instance_problem(bool, "true or false"),
    FieldType.DATE: _instance_problem(date, "a date"),
    FieldType.PARTIAL_DATE: _partial_date_problem,
    FieldType.TIMESTAMP: _timestamp_problem,
    FieldType.TEXT_LIST: _list_problem,
    FieldType.TITLE_ID: _id_problem(IMDB_ID, "tt"),
    FieldType.NAME_ID: _id_problem(PERSON_ID, "nm"),
}


class DeclaredTable(StrEnum):
    """A table whose columns are declared here."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its columns in their fixed order."""
        return TABLES[self].fields

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in their fixed order."""
        return TABLES[self].columns

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row; rows are ordered by them."""
        return TABLES[self].key

    @property
    def meaning(self) -> str:
        """What a row is, in one sentence."""
        return TABLES[self].meaning

    def column_index(self, column: str) -> int:
        """The position of a column in a row, from 0."""
        return TABLES[self].columns.index(column)


class Table(DeclaredTable):
    """The tables that every store keeps."""

    MOVIES = "movies"
    PEOPLE = "people"
    CREDITS = "credits"
    AKAS = "akas"
    CHARTS = "charts"
    MY_RATINGS = "my_ratings"
    RATINGS_HISTORY = "ratings_history"


class HistoryTable(DeclaredTable):
    """The tables of runs, which only databases keep; they are exported and imported too."""

    RUNS = "runs"
    CHART_ENTRIES = "chart_entries"


class TableSpec:
    """The declaration of one table; ``columns`` is derived once, because inner loops use it."""

    __slots__ = ("columns", "fields", "key", "meaning")

    def __init__(self, meaning: str, key: tuple[str, ...], fields: tuple[Field, ...]) -> None:
        self.meaning = meaning
        self.key = key
        self.fields = fields
        self.columns = tuple(field.name for field in fields)


def _text(name: str, meaning: str, sources: tuple[Source, ...] = _PAGES, **more: Any) -> Field:
    return Field(name, FieldType.TEXT, meaning, sources=sources, **more)


def _list(name: str, meaning: str, sources: tuple[Source, ...] = _PAGES, **more: Any) -> Field:
    return Field(name, FieldType.TEXT_LIST, meaning, sources=sources, **more)


def _count(name: str, meaning: str, minimum: int = 0, sources: tuple[Source, ...] = _PAGES, **more: Any) -> Field:
    return Field(name, FieldType.INTEGER, meaning, minimum=minimum, maximum=INT32_MAX, sources=sources, **more)


def _money(name: str, meaning: str) -> Field:
    return Field(name, FieldType.BIGINT, meaning, minimum=0, maximum=INT64_MAX, sources=_PAGES)


def _year(name: str, meaning: str, **more: Any) -> Field:
    return Field(name, FieldType.INTEGER, meaning, minimum=OLDEST_YEAR, maximum=9999, sources=_ALL, **more)


_IMDB_ID: Final = Field("imdb_id", FieldType.TITLE_ID, "IMDb's id of the title.", required=True)
_POSITION: Final = Field(
    "position", FieldType.INTEGER, "Place in the list, from 1.", required=True, minimum=1, maximum=INT32_MAX
)

TABLES: Final[Mapping[DeclaredTable, TableSpec]] = {
    Table.MOVIES: TableSpec(
        "One title; missing is NULL.",
        ("imdb_id",),
        (
            _IMDB_ID,
            _text("title", "Title as shown to an English-speaking visitor.", _ALL, required=True, warn_if_rare=True),
            _text("original_title", "Title in its original language.", _ALL, warn_if_rare=True),
            _text("kind", "IMDb's word for the kind: movie, tvSeries, tvEpisode, video …", _ALL, warn_if_rare=True),
            _year("year", "Year of the first release.", warn_if_rare=True),
            _year("end_year", "Year in which a series ended."),
            Field(
                "rating", FieldType.DECIMAL, "Mean of the votes, 1 to 10, one decimal.", minimum=1, maximum=10,
                sources=_ALL, newest_wins=True, warn_if_rare=True,
            ),
            Field(
                "votes", FieldType.BIGINT, "Number of votes.", minimum=0, maximum=INT64_MAX,
                sources=_ALL, newest_wins=True, warn_if_rare=True,
            ),
            _count("duration_minutes", "Running time in whole minutes.", 0, _ALL, warn_if_rare=True),
            Field(
                "metascore", FieldType.INTEGER, "Metacritic's score, 0 to 100.", minimum=0, maximum=100,
                sources=_PAGES, warn_if_rare=True,
            ),
            _list("genres", "Genres in IMDb's order.", _ALL, warn_if_rare=True),
            _text("plot", "Plot outline, plain text.", warn_if_rare=True),
            _text("poster_url", "Address of the full-size poster.", warn_if_rare=True),
            _text("certificate", "Age rating in the visitor's country.", warn_if_rare=True),
            Field(
                "release_date", FieldType.PARTIAL_DATE, "Release date, as precise as IMDb knows it.",
                sources=_PAGES, warn_if_rare=True,
            ),
            Field("released", FieldType.DATE, "Release date where the day is known.", sources=_PAGES, derived=True),
            _text("release_country", "Country of that release, ISO 3166 code."),
            Field("series_id", FieldType.TITLE_ID, "IMDb's id of the series of an episode.", sources=_ALL),
            _count("season", "Season number of an episode.", 0, _ALL),
            _count("episode", "Number of an episode in its season.", 0, _ALL),
            _count("seasons", "Number of seasons of a series."),
            _count("episodes", "Number of episodes of a series."),
            _list("countries", "Countries of origin, ISO 3166 codes."),
            _list("languages", "Languages spoken, ISO 639 codes."),
            _list("keywords", "Keywords.", in_part=_SAVED),
            _list("taglines", "Taglines.", in_part=_SAVED),
            _list("companies", "Production companies.", in_part=_SAVED),
            _text("production_status", "IMDb's word for the production status: Released, Post-production …"),
            Field("is_adult", FieldType.BOOLEAN, "Whether IMDb marks the title as adult.", sources=_ALL),
            _money("budget", "Production budget in units of its currency."),
            _text("budget_currency", "Currency of the budget, ISO 4217 code."),
            _money("gross_worldwide", "Worldwide gross in units of its currency."),
            _money("gross_domestic", "Gross in the United States and Canada in units of its currency."),
            _text("gross_currency", "Currency of the gross, ISO 4217 code."),
            _count("award_wins", "Awards won."),
            _count("award_nominations", "Nominations without a win, as IMDb counts them."),
            _count("oscar_wins", "Academy Awards won."),
            _count("popularity_rank", "Place in IMDb's popularity chart when the title was read.", 1),
            _count("user_reviews", "Number of user reviews."),
            _count("critic_reviews", "Number of critic reviews."),
            _count("cast_total", "Number of people in the whole cast, also where fewer are stored."),
            _list("color", "Colour information: Color, Black and White."),
            _list("aspect_ratios", "Aspect ratios: 2.39 : 1."),
            _list("sound_mixes", "Sound mixes: Dolby Digital."),
            _list("locations", "Filming locations.", in_part=_SAVED),
            _text("source", "Where the record was read: page, graphql, file or datasets.", ()),
            Field("dataset_day", FieldType.DATE, "Day of the data files that gave the figures; NULL without them."),
            _list("incomplete", "Fields that the response cut off; [] is whole, NULL is unknown.", (), keep_empty=True),
            _text("source_url", "IMDb's canonical address of the title.", (), required=True),
            Field("scraped_at", FieldType.TIMESTAMP, "When the record was read, UTC.", required=True),
        ),
    ),
    Table.PEOPLE: TableSpec(
        "One person, told apart by id, because names repeat.",
        ("person_id",),
        (
            Field("person_id", FieldType.NAME_ID, "IMDb's id of the person.", required=True),
            _text("name", "Name as IMDb shows it.", _ALL, required=True),
            Field("read_at", FieldType.TIMESTAMP, "When the name was read, UTC."),
            _text("source", "Where the name was read: page, graphql, file or datasets.", ()),
            Field("born", FieldType.PARTIAL_DATE, "Date of birth, as precise as known.", sources=_ALL),
            Field("died", FieldType.PARTIAL_DATE, "Date of death, as precise as known.", sources=_ALL),
            _text("birth_place", "Place of birth."),
            _list("professions", "Professions, IMDb's words.", _ALL),
            _text("picture_url", "Address of the full-size picture."),
            _list("known_for", "IMDb ids of the titles the person is known for.", _ALL),
            Field("details_read_at", FieldType.TIMESTAMP, "When the columns from born on were read, UTC."),
            _text("details_source", "Where they were read.", ()),
        ),
    ),
    Table.CREDITS: TableSpec(
        "What one person did for one title; position counts from 1 within the category.",
        ("imdb_id", "category", "position"),
        (
            _IMDB_ID,
            Field("person_id", FieldType.NAME_ID, "IMDb's id of the person.", required=True, sources=_ALL),
            _text(
                "category", "IMDb's word for the kind of work: director, writer, cast …", _ALL, required=True,
                in_part=_SAVED,
            ),
            _POSITION,
            _list("characters", "Names of the roles played.", _ALL),
            _list("job", "Jobs within the category: screenplay by.", _ALL, in_part=_SAVED),
            _list(
                "attributes", "Remarks: voice, uncredited; actor, actress or self from the data files.", _ALL,
                in_part=_SAVED,
            ),
        ),
    ),
    Table.AKAS: TableSpec(
        "One other title of a title.",
        ("imdb_id", "position"),
        (
            _IMDB_ID,
            _POSITION,
            _text("title", "The other title.", _ALL, required=True, in_part=_SAVED),
            _text("region", "Country, ISO 3166 code.", _ALL, in_part=_SAVED),
            _text("language", "Language, ISO 639 code.", _ALL, in_part=_SAVED),
            _list("types", "Kinds: alternative, dvd, working …", _ALL, in_part=_SAVED),
            _list("attributes", "Remarks in IMDb's words.", _ALL, in_part=_SAVED),
        ),
    ),
    Table.CHARTS: TableSpec(
        "The title at one place of a chart, as the chart was last read completely.",
        ("chart", "rank"),
        (
            _text("chart", "Name of the chart: top250, toptv, moviemeter, bottom100 …", (), required=True),
            Field("rank", FieldType.INTEGER, "Place, from 1.", required=True, minimum=1, maximum=INT32_MAX),
            _IMDB_ID,
            Field("read_at", FieldType.TIMESTAMP, "When the chart was read, UTC.", required=True),
        ),
    ),
    Table.MY_RATINGS: TableSpec(
        "The user's own rating of a title, from a list that IMDb exported.",
        ("imdb_id",),
        (
            _IMDB_ID,
            Field("rating", FieldType.INTEGER, "The user's rating, 1 to 10.", minimum=1, maximum=10),
            Field("rated_on", FieldType.DATE, "Day of the rating; NULL where it can be read in two ways."),
            _text("rated_text", "The date as the list has it, where it can be read in two ways.", ()),
            Field("read_at", FieldType.TIMESTAMP, "When the list was read, UTC.", required=True),
        ),
    ),
    Table.RATINGS_HISTORY: TableSpec(
        "Rating and votes of a title on a day on which they changed.",
        ("imdb_id", "day"),
        (
            _IMDB_ID,
            Field("day", FieldType.DATE, "Day of the data files.", required=True),
            Field("rating", FieldType.DECIMAL, "Mean of the votes.", minimum=1, maximum=10),
            Field("votes", FieldType.BIGINT, "Number of votes.", minimum=0, maximum=INT64_MAX),
        ),
    ),
    HistoryTable.RUNS: TableSpec(
        "One scraping run.",
        ("run_id",),
        (
            Field("run_id", FieldType.INTEGER, "Number of the run.", required=True, minimum=1, maximum=INT32_MAX),
            _text("site", "The site that was asked.", (), required=True),
            _text("chart", "The chart that was read; NULL for a list of ids.", ()),
            Field("asked", FieldType.INTEGER, "Titles asked for.", required=True, minimum=0, maximum=INT32_MAX),
            Field("saved", FieldType.INTEGER, "Titles that were saved.", required=True, minimum=0, maximum=INT32_MAX),
            Field("failed", FieldType.INTEGER, "Titles that failed.", required=True, minimum=0, maximum=INT32_MAX),
            Field("complete", FieldType.BOOLEAN, "The whole chart was asked for and saved.", required=True),
            Field("started_at", FieldType.TIMESTAMP, "When the run began, UTC.", required=True),
            Field("finished_at", FieldType.TIMESTAMP, "When it ended, UTC."),
        ),
    ),
    HistoryTable.CHART_ENTRIES: TableSpec(
        "A place of a chart as one run read it.",
        ("run_id", "rank"),
        (
            Field("run_id", FieldType.INTEGER, "Number of the run.", required=True, minimum=1, maximum=INT32_MAX),
            Field("rank", FieldType.INTEGER, "Place in the chart.", required=True, minimum=1, maximum=INT32_MAX),
            _IMDB_ID,
            Field("rating", FieldType.DECIMAL, "Mean of the votes.", minimum=1, maximum=10),
            Field("votes", FieldType.BIGINT, "Number of votes.", minimum=0, maximum=INT64_MAX),
        ),
    ),
}  # fmt: skip
