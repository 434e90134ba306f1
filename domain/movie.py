"""A movie with its people, as IMDb tells it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidMovie

IMDB_ID: Final = re.compile(r"tt[0-9]{7,10}")
PERSON_ID: Final = re.compile(r"nm[0-9]{7,10}")
FIRST_FILM_YEAR: Final = 1888  # Roundhay Garden Scene, the oldest film that survives
_PARTIAL_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


class Category(StrEnum):
    """What a person did for a movie."""

    DIRECTOR = "director"
    CAST = "cast"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody credited; told apart by ``person_id`` (``nm0000209``), for names repeat.

    Raises:
        InvalidMovie: the id has the wrong shape or the name is empty.
    """

    person_id: str
    name: str

    def __post_init__(self) -> None:
        problems = []
        if not PERSON_ID.fullmatch(self.person_id):
            problems.append(f"person_id {self.person_id!r} is not nm and 7 to 10 digits")
        if not self.name.strip():
            problems.append("name is empty")
        if problems:
            raise InvalidMovie(f"person {self.person_id!r}", problems)


@dataclass(frozen=True, slots=True)
class Credit:
    """One person's part in one movie.

    ``position`` counts from 1 within its category, in the page's order;
    ``characters`` are the roles played, empty for directors and the unnamed.

    Raises:
        InvalidMovie: the position is below 1.
    """

    person: Person
    category: Category
    position: int
    characters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.position < 1:
            raise InvalidMovie(f"credit of {self.person.person_id}", [f"position {self.position} is below 1"])


@dataclass(frozen=True, slots=True)
class Movie:
    """One title, complete as its page had it. Missing is ``None``, never 0 or ``""``.

    Attributes:
        imdb_id: ``tt0111161``; the page's own id, also after a remap.
        title: as shown to an English-speaking visitor.
        original_title: in the language it was made in.
        kind: IMDb's own word: ``movie``, ``tvSeries``, ``tvMovie``, ``video`` ...
        year: of first release.
        rating: mean of the votes, 1 to 10, one decimal.
        votes: how many; 0 is stored as missing when there is no rating.
        duration_minutes: running time in whole minutes, at least 1.
        metascore: Metacritic's figure, 0 to 100.
        genres: in the page's order.
        plot: plain text.
        poster_url: of the full-size picture.
        certificate: age rating for the visitor's country (``R``).
        release_date: ISO 8601, as precise as the page: ``1994``, ``1994-10``, ``1994-10-14``.
        rank: in the chart that was read; ``None`` outside charts.
        source_url: the canonical IMDb address, whatever it was read from.
        scraped_at: when the page was read, in UTC.
        directors, cast: credits in the page's order.

    Raises:
        InvalidMovie: values that cannot be true, all of them listed.
    """

    imdb_id: str
    title: str
    source_url: str
    scraped_at: datetime
    original_title: str | None = None
    kind: str | None = None
    year: int | None = None
    rating: float | None = None
    votes: int | None = None
    duration_minutes: int | None = None
    metascore: int | None = None
    genres: tuple[str, ...] = ()
    plot: str | None = None
    poster_url: str | None = None
    certificate: str | None = None
    release_date: str | None = None
    rank: int | None = None
    directors: tuple[Credit, ...] = ()
    cast: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise InvalidMovie(f"title {self.imdb_id!r}", problems)

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Directors first, then cast, each in the page's order."""
        return self.directors + self.cast

    def _problems(self) -> Iterable[str]:
        if not IMDB_ID.fullmatch(self.imdb_id):
            yield f"imdb_id {self.imdb_id!r} is not tt and 7 to 10 digits"
        if not self.title.strip():
            yield "title is empty"
        if not self.source_url:
            yield "source_url is empty"
        if self.year is not None and not FIRST_FILM_YEAR <= self.year <= 9999:
            yield f"year {self.year} is before {FIRST_FILM_YEAR} or after 9999"
        if self.rating is not None and not (math.isfinite(self.rating) and 1 <= self.rating <= 10):
            yield f"rating {self.rating} is outside 1 to 10"
        elif self.rating is not None and round(self.rating, 1) != self.rating:
            yield f"rating {self.rating} has more than one decimal"
        if self.metascore is not None and not 0 <= self.metascore <= 100:
            yield f"metascore {self.metascore} is outside 0 to 100"
        for name, value, least in (
            ("votes", self.votes, 0),
            ("duration_minutes", self.duration_minutes, 0),
            ("rank", self.rank, 1),
        ):
            if value is not None and value < least:
                yield f"{name} {value} is below {least}"
        for name in ("original_title", "kind", "plot", "poster_url", "certificate"):
            if getattr(self, name) == "":
                yield f'{name} is ""; missing is None'
        if any(not genre or "|" in genre for genre in self.genres):
            yield f"genres {self.genres} hold an empty one or one with a |"
        if self.release_date is not None and not _is_partial_date(self.release_date):
            yield f"release_date {self.release_date!r} is not YYYY, YYYY-MM or YYYY-MM-DD"
        if self.scraped_at.tzinfo is None or self.scraped_at.utcoffset() != timedelta(0):
            yield f"scraped_at {self.scraped_at.isoformat()} is not in UTC"
        yield from self._credit_problems()

    def _credit_problems(self) -> Iterable[str]:
        for name, credits, category in (
            ("directors", self.directors, Category.DIRECTOR),
            ("cast", self.cast, Category.CAST),
        ):
            if any(credit.category is not category for credit in credits):
                yield f"{name} holds a credit of another category"
            if [credit.position for credit in credits] != list(range(1, len(credits) + 1)):
                yield f"{name} are not numbered from 1 without gaps"
            ids = [credit.person.person_id for credit in credits]
            if len(set(ids)) != len(ids):
                yield f"{name} names a person twice"


def title_url(imdb_id: str) -> str:
    """The canonical IMDb address of a title."""
    return f"https://www.imdb.com/title/{imdb_id}/"


def _is_partial_date(text: str) -> bool:
    match = _PARTIAL_DATE.fullmatch(text)
    if not match:
        return False
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return False
    return True
