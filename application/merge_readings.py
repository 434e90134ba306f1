"""Merges several readings of one title, field by field, with the same result in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias

from domain.fields import Table
from domain.movie import Credit, Movie, Person

Names: TypeAlias = Mapping[str, tuple[datetime, str]]
Provenance: TypeAlias = tuple[frozenset[str], Mapping[str, datetime], tuple[Credit, ...], Names]
"""``missing``, ``told_at``, ``longer_cast`` and ``names`` of a reading: what its record, once saved, does not say."""
_FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_FIGURES: Final = tuple(field.name for field in Table.MOVIES.fields if field.newest_wins)


@dataclass(frozen=True, slots=True)
class Reading:
    """A record of one source, or merged from several.

    Attributes:
        movie: the record; its time is that of the newest reading.
        missing: fields without a complete value from any reading.
        told_at: fields that come from an older reading than the newest, and its time.
        longer_cast: the longest cast that was read and does not continue the record's own.
        names: of all people in the readings, by id, with the time of the newest one; empty for one reading.
    """

    movie: Movie
    missing: frozenset[str]
    told_at: Mapping[str, datetime] = field(default_factory=dict)
    longer_cast: tuple[Credit, ...] = ()
    names: Names = field(default_factory=dict)


def stored_reading(movie: Movie, *, outranked: bool) -> Reading:
    """A record of an earlier run, whose empty fields may be unknown: all of them count as missing.

    Args:
        movie: the record.
        outranked: it is from data files, whose values give way to those of any page, whenever that was read.
    """
    empty = {name for name in movie.__slots__ if getattr(movie, name) in (None, ())}
    missing = frozenset(empty.union(movie.incomplete or ())) - {"incomplete", "rank", "dataset_day"}
    return Reading(movie, missing, dict.fromkeys(movie.__slots__, _FIRST_MOMENT) if outranked else {})


def merge(newer: Reading, older: Reading) -> Reading:
    """The newer record with its missing fields filled from the older one.

    A complete value wins over an incomplete one; of two complete ones the newer, of two incomplete ones the
    longer. A cast that is limited by what a page shows does not replace a longer one that it begins.
    """
    kept: dict[str, Any] = {}
    told_at = dict(newer.told_at)
    for name in newer.missing | newer.told_at.keys():
        if _merit(older, name) > _merit(newer, name):
            kept[name] = getattr(older.movie, name)
            told_at[name] = older.told_at.get(name, older.movie.scraped_at)
    missing = newer.missing & older.missing
    cut = {*(newer.movie.incomplete or ()), *(older.movie.incomplete or ())}
    movie = replace(newer.movie, **kept, incomplete=tuple(sorted(missing & cut)))
    casts = (movie.cast, newer.movie.cast, newer.longer_cast, older.movie.cast, older.longer_cast)
    longest = max(casts, key=len)
    if is_bounded(movie) and _begins(movie.cast, longest):
        movie = replace(movie, cast=longest)
    names = dict(_names(older))
    for person_id, named in _names(newer).items():
        names[person_id] = max(named, names.get(person_id, named))
    longer = longest if len(longest) > len(movie.cast) else ()
    return Reading(_renamed(movie, names), missing, told_at, longer, names)


def with_newest_figures(newest: Movie, movies: Iterable[Movie]) -> Movie:
    """The record with rating and votes from that of the movies that has the newest ones."""
    rated = [movie for movie in movies if movie.rating is not None]
    figures = max(rated, key=_day_of_figures, default=newest)
    if _day_of_figures(figures) <= _day_of_figures(newest):
        return newest
    values = {name: getattr(figures, name) for name in _FIGURES}
    return replace(newest, **values, dataset_day=figures.dataset_day)


def _day_of_figures(movie: Movie) -> date:
    return max(movie.scraped_at.date(), movie.dataset_day or date.min)


def is_bounded(movie: Movie) -> bool:
    """Whether the movie has only the first of its cast."""
    return movie.cast_total is not None and len(movie.cast) < movie.cast_total


def _merit(reading: Reading, name: str) -> tuple[int, int, datetime]:
    """The rank of a field's value against that of another reading."""
    value = getattr(reading.movie, name)
    moment = reading.told_at.get(name, reading.movie.scraped_at)
    if name not in reading.missing:
        return 2, 0, moment
    if value in (None, ()):
        return 0, 0, _FIRST_MOMENT
    return 1, len(value) if isinstance(value, str | tuple) else 1, moment


def _begins(shorter: tuple[Credit, ...], longer: tuple[Credit, ...]) -> bool:
    return [credit.person.person_id for credit in shorter] == [
        credit.person.person_id for credit in longer[: len(shorter)]
    ]


def _names(reading: Reading) -> Names:
    movie = reading.movie
    return reading.names or {
        credit.person.person_id: (movie.scraped_at, credit.person.name) for credit in movie.credits
    }


def _renamed(movie: Movie, names: Names) -> Movie:
    """The movie with each person's name from the newest reading, and its time."""
    if all(names[credit.person.person_id] == (movie.scraped_at, credit.person.name) for credit in movie.credits):
        return movie
    return replace(
        movie,
        directors=_renamed_list(movie.directors, names),
        cast=_renamed_list(movie.cast, names),
        crew=_renamed_list(movie.crew, names),
    )


def _renamed_list(credits: tuple[Credit, ...], names: Names) -> tuple[Credit, ...]:
    renamed = []
    for credit in credits:
        named_at, name = names[credit.person.person_id]
        renamed.append(replace(credit, person=Person(credit.person.person_id, name, named_at)))
    return tuple(renamed)
