"""What one part of a page tells of a title, and how several parts make one movie.

A page tells things more than once: in a JSON island, in another, in the markup.
Each part is read into a ``Reading``; a field that a part does not tell is absent
there, which is not the same as ``None``: the title has none. The first part that
tells a field whole wins; a value that is only the beginning of a longer one
(three genres of seven) serves when no part knows the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from domain.errors import InvalidMovie
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person, title_url
from infrastructure.scraper.text import clean, storable


class Credited(NamedTuple):
    """One line of a credits list, before anything is checked."""

    person_id: str
    name: str
    characters: tuple[str, ...] = ()


class TitleFields(TypedDict, total=False):
    """The fields of ``domain.movie.Movie`` as a page words them; absent means not told."""

    title: str
    original_title: str | None
    kind: str | None
    year: int | None
    rating: float | None
    votes: int | None
    duration_minutes: int | None
    metascore: int | None
    genres: tuple[str, ...]
    plot: str | None
    poster_url: str | None
    certificate: str | None
    release_date: str | None
    directors: tuple[Credited, ...]
    cast: tuple[Credited, ...]


FIELDS: Final[frozenset[str]] = TitleFields.__optional_keys__


@dataclass(frozen=True, slots=True)
class Reading:
    """One part of a page.

    Attributes:
        imdb_id: the title it speaks of, if it says so.
        whole: what it tells completely; ``None`` and ``()`` say that the title has none.
        cut: what it tells only the beginning of.
    """

    imdb_id: str | None
    whole: TitleFields
    cut: TitleFields = field(default_factory=TitleFields)


def combine(readings: Sequence[Reading]) -> tuple[TitleFields, frozenset[str]]:
    """The best value of every field, and the fields that no reading tells whole.

    Args:
        readings: the most trusted first.
    """
    fields = TitleFields()
    told: set[str] = set()
    for reading in reversed(readings):
        fields |= reading.cut
    for reading in reversed(readings):
        fields |= reading.whole
        told |= reading.whole.keys()
    return fields, FIELDS - told


def to_movie(fields: TitleFields, *, imdb_id: str, scraped_at: datetime) -> Movie:
    """The movie that these fields describe.

    Text is stripped and made storable here, once for every source; a person named
    twice in a category keeps the first place; no votes and no rating are both missing.

    Raises:
        InvalidMovie: the values cannot be true, all of them listed.
    """
    problems: list[str] = []
    directors = _credits(fields.get("directors", ()), DIRECTOR, problems)
    cast = _credits(fields.get("cast", ()), CAST, problems)
    rating = fields.get("rating")
    try:
        movie = Movie(
            imdb_id=imdb_id,
            title=clean(fields.get("title")) or "",
            source_url=title_url(imdb_id),
            scraped_at=scraped_at,
            original_title=clean(fields.get("original_title")),
            kind=clean(fields.get("kind")),
            year=fields.get("year"),
            rating=None if rating is None else round(rating, 1),
            votes=(fields.get("votes") or None) if rating is None else fields.get("votes"),
            duration_minutes=fields.get("duration_minutes"),
            metascore=fields.get("metascore"),
            genres=_genres(fields.get("genres", ())),
            plot=clean(fields.get("plot")),
            poster_url=clean(fields.get("poster_url")),
            certificate=clean(fields.get("certificate")),
            release_date=clean(fields.get("release_date")),
            directors=directors,
            cast=cast,
        )
    except InvalidMovie as error:
        raise InvalidMovie(error.subject, [*problems, *error.problems]) from None
    if problems:
        raise InvalidMovie(f"title {imdb_id!r}", problems)
    return movie


def _genres(texts: Iterable[str]) -> tuple[str, ...]:
    genres = (clean(text.replace("|", "/")) for text in texts)  # a store joins them with |
    return tuple(dict.fromkeys(genre for genre in genres if genre))


def _credits(people: Iterable[Credited], category: str, problems: list[str]) -> tuple[Credit, ...]:
    credits: dict[str, Credit] = {}
    for person_id, name, characters in people:
        if person_id in credits:
            continue
        try:
            person = Person(storable(person_id), clean(name) or "")
        except InvalidMovie as error:
            problems.extend(f"{category}: {problem}" for problem in error.problems)
            continue
        named = tuple(text for text in map(clean, characters) if text)
        credits[person_id] = Credit(person, category, len(credits) + 1, named)
    return tuple(credits.values())
