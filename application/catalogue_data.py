"""All that the catalogue shows, read once: movies, who made them, and how the charts moved."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from application.chart_changes import ChartChanges, standings
from application.ports import ChartHistory, ChartSnapshot, MovieRepository
from application.records import Row, Table, from_rows
from domain.movie import Category, Credit, Movie

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
    return library(movies, history.snapshots(snapshots))


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
    return -(movie.year or 0), movie.imdb_id, appearance.credit.category is Category.CAST


def _movies(store: MovieRepository) -> Iterator[Movie]:
    """Join the three tables; all of them come ordered by key, so one pass is enough.

    The store may be written to meanwhile. Each table is begun after the one that
    refers to it, so that whatever a row refers to is there.
    """
    rows = store.rows(Table.MOVIES)
    row = next(rows, None)
    by_movie = groupby(store.rows(Table.CREDITS), key=itemgetter(0))
    ahead = next(by_movie, None)
    names = {_text(person[0]): _text(person[1]) for person in store.rows(Table.PEOPLE)}
    ids = {person_id: person_id for person_id in names}  # one string for a person, not one for each credit
    while row is not None:
        imdb_id = _text(row[0])
        while ahead is not None and _text(ahead[0]) < imdb_id:
            ahead = next(by_movie, None)  # credits without a movie are verify's business
        credits: list[Row] = []
        if ahead is not None and ahead[0] == imdb_id:
            credits = [(credit[0], ids.get(_text(credit[1])), *credit[2:]) for credit in ahead[1]]
            ahead = next(by_movie, None)
        try:
            yield from_rows(tuple(map(_clean, row)), credits, names)
        except (ValueError, KeyError) as error:
            log.warning("%s is left out of the catalogue: %s", imdb_id, error)
        row = next(rows, None)


def _clean(cell: str | None) -> str | None:
    return None if cell is None else printable(cell)


def _text(cell: str | None) -> str:
    return "" if cell is None else printable(cell)
