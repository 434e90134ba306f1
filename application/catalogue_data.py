"""Reads all data of the catalogue: movies, people, groups of movies, and chart changes."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from sys import intern
from typing import Final

from application.chart_changes import ChartChanges, chart_changes
from application.ports.runs import ChartHistory, ChartSnapshot, RankedTitle
from application.ports.stores import MovieRepository
from application.records import Row, from_rows, parse_timestamp
from domain.fields import Table
from domain.movie import CAST, Credit, Movie, Person

log = logging.getLogger(__name__)

# Characters that neither HTML nor XML allows: control characters, lone surrogates, two non-characters.
# Source: https://www.w3.org/TR/xml/#charsets
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# Lists that no page shows take a fifth of the memory of a movie.
NOT_SHOWN: Final = (
    "aspect_ratios", "color", "companies", "keywords", "languages", "locations", "sound_mixes", "taglines",
)  # fmt: skip
_SNAPSHOTS: Final = 60  # of each chart
_NOT_SHOWN: Final = frozenset(map(Table.MOVIES.column_index, NOT_SHOWN))


@dataclass(frozen=True, slots=True)
class Appearance:
    """One credit of a person."""

    movie: Movie
    credit: Credit


@dataclass(frozen=True, slots=True)
class LifeDates:
    """When and where a person was born and died; dates are ISO 8601, as precise as known."""

    born: str | None = None
    died: str | None = None
    birth_place: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogueData:
    """All data of the catalogue.

    Episodes of a stored series are listed with their series only: they are in
    ``movies`` and ``episodes`` and in no other attribute.

    Attributes:
        movies: by id, without other titles and some lists that no page shows.
        people: people with two or more credits, by id; credits newest first.
        genres: the movies of each genre, best first.
        decades: the movies of each decade, best first; None for movies without a year.
        countries: the movies of each country of origin, best first.
        episodes: the episodes of each series, by the id of the series, in season and episode order.
        lives: birth and death of people, by id, where known.
        ratings: ratings of each movie by day, oldest first, where they changed.
        charts: the charts with their changes, the one read last first.
        snapshots: the chart snapshots they were computed from.
    """

    movies: dict[str, Movie]
    people: dict[str, tuple[Appearance, ...]]
    genres: dict[str, tuple[Movie, ...]]
    decades: dict[int | None, tuple[Movie, ...]]
    countries: dict[str, tuple[Movie, ...]] = field(default_factory=dict)
    episodes: dict[str, tuple[Movie, ...]] = field(default_factory=dict)
    lives: Mapping[str, LifeDates] = field(default_factory=dict)
    ratings: Mapping[str, tuple[tuple[date, float], ...]] = field(default_factory=dict)
    charts: tuple[ChartChanges, ...] = ()
    snapshots: tuple[ChartSnapshot, ...] = ()

    def best(self) -> tuple[Movie, ...]:
        """Returns every title except listed episodes, best first."""
        listed = {episode.imdb_id for episodes in self.episodes.values() for episode in episodes}
        return tuple(sorted((m for m in self.movies.values() if m.imdb_id not in listed), key=_best_first))


def read_catalogue_data(store: MovieRepository, history: ChartHistory) -> CatalogueData:
    """Reads a whole store into memory.

    An invalid record is left out with a warning that names it.

    Raises:
        StoreUnavailable: it cannot be read now.
    """
    with _collector_paused():
        movies = {movie.imdb_id: movie for movie in _movies(store)}
        past = history.snapshots(_SNAPSHOTS)
        known = {snapshot.chart for snapshot in past}
        current = (chart for chart in _current_charts(store, movies) if chart.chart not in known)
        data = build_catalogue_data(movies, (*past, *current))
        return replace(data, lives=_lives(store, data.people), ratings=_ratings(store, movies))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Stops the garbage collector, which would look at a growing heap again and again: a third of the time of reading.

    Nothing that is made meanwhile refers to itself.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _current_charts(store: MovieRepository, movies: Mapping[str, Movie]) -> Iterator[ChartSnapshot]:
    """Yields the charts as they are stored, for stores that keep no history of runs."""
    for chart, rows in groupby(store.rows(Table.CHARTS), key=itemgetter(0)):
        places = [
            (int(_text(rank)), _text(imdb_id), parse_timestamp(_text(read_at))) for _, rank, imdb_id, read_at in rows
        ]
        entries = [
            RankedTitle(rank, imdb_id, movie.rating, movie.votes)
            if (movie := movies.get(imdb_id))
            else RankedTitle(rank, imdb_id)
            for rank, imdb_id, _ in places
        ]
        yield ChartSnapshot("", _text(chart), places[0][2], tuple(entries))


def _lives(store: MovieRepository, people: Mapping[str, object]) -> dict[str, LifeDates]:
    """Reads birth and death of people."""
    at = [Table.PEOPLE.columns.index(name) for name in ("person_id", "born", "died", "birth_place")]
    found = {}
    for row in store.rows(Table.PEOPLE):
        person_id, born, died, place = (_clean(row[index]) for index in at)
        if person_id in people and (born or died):
            found[str(person_id)] = LifeDates(born, died, place)
    return found


def _ratings(store: MovieRepository, movies: Mapping[str, Movie]) -> dict[str, tuple[tuple[date, float], ...]]:
    """Reads the ratings by day of the movies whose rating changed."""
    at = [Table.RATINGS_HISTORY.columns.index(name) for name in ("imdb_id", "day", "rating")]
    found = {}
    for imdb_id, rows in groupby(store.rows(Table.RATINGS_HISTORY), key=itemgetter(at[0])):
        days = sorted(
            (date.fromisoformat(day), float(rating)) for row in rows if (day := row[at[1]]) and (rating := row[at[2]])
        )
        if imdb_id in movies and len({rating for _, rating in days}) > 1:
            found[str(imdb_id)] = tuple(days)
    return found


def build_catalogue_data(movies: dict[str, Movie], snapshots: tuple[ChartSnapshot, ...]) -> CatalogueData:
    """Groups movies by person, genre, decade, country and series, and compares the chart snapshots."""
    credits: dict[str, list[Appearance]] = {}
    genres: dict[str, list[Movie]] = {}
    decades: dict[int | None, list[Movie]] = {}
    countries: dict[str, list[Movie]] = {}
    episodes: dict[str, list[Movie]] = {}
    for movie in sorted(movies.values(), key=_best_first):
        series_id = movie.series_id
        if series_id is not None and series_id in movies and series_id != movie.imdb_id:
            episodes.setdefault(series_id, []).append(movie)
            continue
        for credit in movie.credits:
            credits.setdefault(credit.person.person_id, []).append(Appearance(movie, credit))
        for genre in dict.fromkeys(movie.genres):
            genres.setdefault(genre, []).append(movie)
        for country in dict.fromkeys(movie.countries):
            countries.setdefault(country, []).append(movie)
        decades.setdefault(None if movie.year is None else movie.year // 10 * 10, []).append(movie)
    people = {
        person_id: tuple(sorted(credits[person_id], key=_newest_first))
        for person_id in sorted(credits)
        if len(credits[person_id]) > 1
    }
    return CatalogueData(
        movies=movies,
        people=people,
        genres={name: tuple(genres[name]) for name in sorted(genres)},
        decades={decade: tuple(decades[decade]) for decade in sorted(decades, key=lambda d: (d is None, -(d or 0)))},
        countries={name: tuple(countries[name]) for name in sorted(countries)},
        episodes={series_id: tuple(sorted(episodes[series_id], key=_episode_order)) for series_id in sorted(episodes)},
        charts=chart_changes(movies, snapshots),
        snapshots=snapshots,
    )


def printable(text: str) -> str:
    """Replaces characters that neither HTML nor XML allows by U+FFFD."""
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


def _best_first(movie: Movie) -> tuple[float, int, str]:
    return -(movie.rating or 0.0), -(movie.votes or 0), movie.imdb_id


def _episode_order(movie: Movie) -> tuple[int, int, str]:
    return movie.season or 0, movie.episode or 0, movie.imdb_id


def _newest_first(appearance: Appearance) -> tuple[int, str, bool]:
    movie = appearance.movie
    return -(movie.year or 0), movie.imdb_id, appearance.credit.category == CAST


def _movies(store: MovieRepository) -> Iterator[Movie]:
    """Joins the tables in one pass; all of them are ordered by key.

    The store may be written to at the same time. Each table is opened after the
    one that refers to it, so that every referenced row exists.
    """
    rows = store.rows(Table.MOVIES)
    row = next(rows, None)
    credits = _ByMovie(store, Table.CREDITS)
    names = {_text(person[0]): _text(person[1]) for person in store.rows(Table.PEOPLE)}
    # One object for a person and for a category, not one for each credit.
    ids = {person_id: person_id for person_id in names}
    person = lru_cache(maxsize=None)(Person)
    while row is not None:
        imdb_id = _text(row[0])
        credited = [
            (credit[0], ids.get(_text(credit[1])), intern(_text(credit[2])), *map(_clean, credit[3:]))
            for credit in credits.of(imdb_id)
        ]
        shown = tuple(None if at in _NOT_SHOWN else _clean(cell) for at, cell in enumerate(row))
        try:
            yield from_rows(shown, credited, names, person=person)
        except (ValueError, KeyError) as error:
            log.warning("%s is left out of the catalogue: %s", imdb_id, error)
        row = next(rows, None)


class _ByMovie:
    """The rows of a table grouped by movie, to be read in ascending order of the ids."""

    def __init__(self, store: MovieRepository, table: Table) -> None:
        self._groups = groupby(store.rows(table), key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, imdb_id: str) -> list[Row]:
        """Returns the rows of one movie. Rows of movies before it that are not stored are skipped."""
        while self._next is not None and _text(self._next[0]) < imdb_id:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != imdb_id:
            return []
        rows = list(self._next[1])
        self._next = next(self._groups, None)
        return rows


def _clean(cell: str | None) -> str | None:
    return None if cell is None else printable(cell)


def _text(cell: str | None) -> str:
    return "" if cell is None else printable(cell)
