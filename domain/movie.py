"""A movie with its people, as in IMDb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Final

from domain.errors import InvalidMovie
from domain.fields import IMDB_ID, PERSON_ID, Field, FieldType, Table

__all__ = ["CAST", "DIRECTOR", "IMDB_ID", "PERSON_ID", "Aka", "Credit", "Movie", "Person", "PersonDetails", "title_url"]

DIRECTOR: Final = "director"
CAST: Final = "cast"


def _fields(table: Table, *without: str) -> tuple[Field, ...]:
    return tuple(field for field in table.fields if field.name not in without and not field.derived)


class _Check:
    """Finds the fields of a record with impossible values."""

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self._fields = tuple(
            (field.name, _missing(field), field.problem if field.required else field.value_problem) for field in fields
        )

    def __call__(self, record: object) -> list[str]:
        found: list[str] = []
        for name, missing, problem in self._fields:
            if (value := getattr(record, name)) not in missing and (text := problem(value)):
                found.append(text)
        return found


def _missing(field: Field) -> tuple[object, ...]:
    """The value for a missing field; most fields of most records have none."""
    if field.required:
        return ()
    return (None, ()) if field.type is FieldType.TEXT_LIST else (None,)


_check_person: Final = _Check(tuple(field for field in Table.PEOPLE.fields if field.name in ("person_id", "name")))
_check_details: Final = _Check(_fields(Table.PEOPLE, "name", "read_at", "source"))
_check_credit: Final = _Check(_fields(Table.CREDITS, "imdb_id", "person_id"))
_check_aka: Final = _Check(_fields(Table.AKAS, "imdb_id", "position"))
_check_movie: Final = _Check(_fields(Table.MOVIES))


@dataclass(frozen=True, slots=True)
class Person:
    """A credited person, identified by ``person_id`` (``nm0000209``), because names repeat.

    Attributes:
        name: as IMDb shows it.
        named_at: when the name was read, if that is not when the movie was. It is not part of the identity.

    Raises:
        InvalidMovie: the id has the wrong form or the name is empty.
    """

    person_id: str
    name: str
    named_at: datetime | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if problems := _check_person(self):
            raise InvalidMovie(f"person {self.person_id!r}", problems)


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """The content of a person's own page, without the name. ``domain.fields`` describes the attributes.

    Raises:
        InvalidMovie: impossible values, all of them listed.
    """

    person_id: str
    details_read_at: datetime
    details_source: str
    born: str | None = None
    died: str | None = None
    birth_place: str | None = None
    professions: tuple[str, ...] = ()
    picture_url: str | None = None
    known_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if problems := _check_details(self):
            raise InvalidMovie(f"person {self.person_id!r}", problems)


@dataclass(frozen=True, slots=True)
class Credit:
    """One person's part in one movie.

    Attributes:
        category: IMDb's own word: ``director``, ``writer``, ``cast`` …
        position: from 1 within the category, in the source's order.
        characters: roles played.
        job: jobs within the category (``screenplay by``).
        attributes: remarks (``voice``, ``uncredited``).

    Raises:
        InvalidMovie: impossible values, all of them listed.
    """

    person: Person
    category: str
    position: int
    characters: tuple[str, ...] = ()
    job: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if problems := _check_credit(self):
            raise InvalidMovie(f"credit of {self.person.person_id}", problems)


@dataclass(frozen=True, slots=True)
class Aka:
    """Another title of a movie; its position is its place in ``Movie.akas``.

    Raises:
        InvalidMovie: impossible values, all of them listed.
    """

    title: str
    region: str | None = None
    language: str | None = None
    types: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if problems := _check_aka(self):
            raise InvalidMovie(f"other title {self.title!r}", problems)


@dataclass(frozen=True, slots=True)
class Movie:
    """One title. Missing is ``None`` or ``()``, never 0 or ``""``.

    The scalar attributes are the columns of ``Table.MOVIES``; their meaning,
    limits and sources are declared in ``domain.fields``. Beside them:

    Attributes:
        rank: place in the chart that was read; not stored with the movie.
        directors, cast: credits of these categories in the source's order.
        crew: all other credits, by category in alphabetical order, each in the source's order.
        akas: other titles, in the source's order.

    Raises:
        InvalidMovie: impossible values, all of them listed.
    """

    imdb_id: str
    title: str
    source_url: str
    scraped_at: datetime
    original_title: str | None = None
    kind: str | None = None
    year: int | None = None
    end_year: int | None = None
    rating: float | None = None
    votes: int | None = None
    duration_minutes: int | None = None
    metascore: int | None = None
    genres: tuple[str, ...] = ()
    plot: str | None = None
    poster_url: str | None = None
    certificate: str | None = None
    release_date: str | None = None
    release_country: str | None = None
    series_id: str | None = None
    season: int | None = None
    episode: int | None = None
    seasons: int | None = None
    episodes: int | None = None
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    taglines: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    production_status: str | None = None
    is_adult: bool | None = None
    budget: int | None = None
    budget_currency: str | None = None
    gross_worldwide: int | None = None
    gross_domestic: int | None = None
    gross_currency: str | None = None
    award_wins: int | None = None
    award_nominations: int | None = None
    oscar_wins: int | None = None
    popularity_rank: int | None = None
    user_reviews: int | None = None
    critic_reviews: int | None = None
    cast_total: int | None = None
    color: tuple[str, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    sound_mixes: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    source: str | None = None
    dataset_day: date | None = None
    incomplete: tuple[str, ...] | None = ()
    rank: int | None = None
    directors: tuple[Credit, ...] = ()
    cast: tuple[Credit, ...] = ()
    crew: tuple[Credit, ...] = ()
    akas: tuple[Aka, ...] = ()

    def __post_init__(self) -> None:
        # Stores return categories in this order; a record read from a page must equal the stored one.
        object.__setattr__(self, "crew", tuple(sorted(self.crew, key=lambda credit: credit.category)))
        if problems := [*_check_movie(self), *self._problems()]:
            raise InvalidMovie(f"title {self.imdb_id!r}", problems)

    @property
    def released(self) -> date | None:
        """The release date where its day is known."""
        if self.release_date is None or len(self.release_date) < len("YYYY-MM-DD"):
            return None
        return date.fromisoformat(self.release_date)

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Directors first, then cast, then the other categories, each in the source's order."""
        return self.directors + self.cast + self.crew

    def _problems(self) -> Iterator[str]:
        if self.rank is not None and self.rank < 1:
            yield f"rank {self.rank} is below 1"
        yield from _credit_problems("directors", DIRECTOR, self.directors)
        yield from _credit_problems("cast", CAST, self.cast)
        seen: set[str] = {DIRECTOR, CAST}
        for category, credits in groupby(self.crew, key=lambda credit: credit.category):
            if category in seen:
                yield f"crew holds credits of {category} in two places"
            seen.add(category)
            yield from _credit_problems(f"crew ({category})", category, tuple(credits))


def _credit_problems(name: str, category: str, credits: tuple[Credit, ...]) -> Iterable[str]:
    if any(credit.category != category for credit in credits):
        yield f"{name} holds a credit of another category"
    if [credit.position for credit in credits] != list(range(1, len(credits) + 1)):
        yield f"{name} are not numbered from 1 without gaps"
    ids = [credit.person.person_id for credit in credits]
    if len(set(ids)) != len(ids):
        yield f"{name} names a person twice"


def title_url(imdb_id: str) -> str:
    """The canonical IMDb address of a title."""
    return f"https://www.imdb.com/title/{imdb_id}/"
