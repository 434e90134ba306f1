"""All that the catalogue shows, read once: movies, who made them, and how the charts moved."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from application.chart_changes import ChartChanges, standings
from application.ports import ChartHistory, ChartSnapshot, MovieRepository, RankedTitle
from application.records import Row, from_rows, parse_timestamp
from domain.fields import Table
from domain.movie import CAST, Credit, Movie

log = logging.getLogger(__name__)

# What neither HTML nor XML can hold: control characters, lone surrogates and the two non-characters.
# Source: https://www.w3.org/TR/xml/#charsets
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Appearance:
    """One credit, seen from the person."""

    movie: Movie
    credit: Credit


@dataclass(frozen=True, slots=True)
class CatalogueData:
    """What there is to show.

    Attributes:
        movies: by id.
        people: everybody with two or more credits, by id; credits newest first.
        genres: the movies of each, best first.
        decades: the movies of each, best first; None for those without a year.
        charts: how each chart stands, the one seen last first.
        snapshots: of the runs looked back at.
    """

    movies: dict[str, Movie]
    people: dict[str, tuple[Appearance, ...]]
    genres: dict[str, tuple[Movie, ...]]
    decades: dict[int | None, tuple[Movie, ...]]
    charts: tuple[ChartChanges, ...] = ()
    snapshots: tuple[ChartSnapshot, ...] = ()

    def best(self) -> tuple[Movie, ...]:
        """Every movie, best first."""
        return tuple(sorted(self.movies.values(), key=_best_first))


def read_catalogue_data(store: MovieRepository, history: ChartHistory, snapshots: int = 60) -> CatalogueData:
    """Read a store as a whole; its text is held in memory.

    A record that cannot be true is left out with a warning that names it.

    Args:
        store: where the movies are.
        history: where the charts of earlier runs are.
        snapshots: how many runs of each chart to look back.

    Raises:
        StoreUnavailable: it cannot be read now.
    """
    movies = {movie.imdb_id: movie for movie in _movies(store)}
    past = history.snapshots(snapshots)
    known = {snapshot.chart for snapshot in past}
    return library(movies, (*past, *(chart for chart in _current_charts(store, movies) if chart.chart not in known)))


def _current_charts(store: MovieRepository, movies: Mapping[str, Movie]) -> Iterator[ChartSnapshot]:
    """The charts as they are stored, for stores that keep no history of runs."""
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


def library(movies: dict[str, Movie], snapshots: tuple[ChartSnapshot, ...]) -> CatalogueData:
    """The movies and the charts, indexed."""
    credits: dict[str, list[Appearance]] = {}
    genres: dict[str, list[Movie]] = {}
    decades: dict[int | None, list[Movie]] = {}
    for movie in sorted(movies.values(), key=_best_first):
        for credit in movie.credits:
            credits.setdefault(credit.person.person_id, []).append(Appearance(movie, credit))
        for genre in dict.fromkeys(movie.genres):
            genres.setdefault(genre, []).append(movie)
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
        charts=standings(movies, snapshots),
        snapshots=snapshots,
    )


def printable(text: str) -> str:
    """The text with U+FFFD for what neither HTML nor XML can hold."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _best_first(movie: Movie) -> tuple[float, int, str]:
    return -(movie.rating or 0.0), -(movie.votes or 0), movie.imdb_id


def _newest_first(appearance: Appearance) -> tuple[int, str, bool]:
    movie = appearance.movie
    return -(movie.year or 0), movie.imdb_id, appearance.credit.category == CAST


def _movies(store: MovieRepository) -> Iterator[Movie]:
    """Joins the tables; all of them come ordered by key, so one pass is enough.

    The store may be written to meanwhile. Each table is begun after the one that
    refers to it, so that whatever a row refers to is there.
    """
    rows = store.rows(Table.MOVIES)
    row = next(rows, None)
    credits = _ByMovie(store, Table.CREDITS)
    akas = _ByMovie(store, Table.AKAS)
    names = {_text(person[0]): _text(person[1]) for person in store.rows(Table.PEOPLE)}
    ids = {person_id: person_id for person_id in names}  # one string for a person, not one for each credit
    while row is not None:
        imdb_id = _text(row[0])
        credited = [(credit[0], ids.get(_text(credit[1])), *map(_clean, credit[2:])) for credit in credits.of(imdb_id)]
        titles = [tuple(map(_clean, aka)) for aka in akas.of(imdb_id)]
        try:
            yield from_rows(tuple(map(_clean, row)), credited, names, titles)
        except (ValueError, KeyError) as error:
            log.warning("%s is left out of the catalogue: %s", imdb_id, error)
        row = next(rows, None)


class _ByMovie:
    """The rows of a table grouped by movie, asked for in ascending order of the ids."""

    def __init__(self, store: MovieRepository, table: Table) -> None:
        self._groups = groupby(store.rows(table), key=itemgetter(0))
        self._next = next(self._groups, None)

    def of(self, imdb_id: str) -> list[Row]:
        """The rows of one movie. Rows of movies before it that are not stored are skipped."""
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
