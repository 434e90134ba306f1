"""The input of a catalogue, made without a site or a database."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from application.catalogue_data import CatalogueData, build_catalogue_data
from application.ports.posters import PosterAnswer
from application.ports.runs import ChartSnapshot
from application.publish import StepOutcome
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.catalogue import PublishOptions, PublishResult, publish_catalogue
from infrastructure.demo.posters import draw
from infrastructure.posters import PosterFolder
from tests.support.films import bare, film, films, snapshots

POSTED_AT = datetime(2026, 11, 20, tzinfo=UTC)


class FixedHistory:
    """Satisfies ``ChartHistory``."""

    def __init__(self, taken: Sequence[ChartSnapshot] = ()) -> None:
        self._taken = tuple(taken)

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        by_chart: dict[str, list[ChartSnapshot]] = {}
        for snapshot in self._taken:
            by_chart.setdefault(snapshot.chart, []).append(snapshot)
        return tuple(snapshot for taken in by_chart.values() for snapshot in taken[-limit:])


def made_data(count: int, *, runs: int = 3, more: Iterable[Movie] = (), cast: int = 8) -> CatalogueData:
    """So many invented films, the first 250 of them a chart that was read ``runs`` times."""
    movies = {movie.imdb_id: movie for movie in (*films(count, cast=cast), *more)}
    return build_catalogue_data(movies, snapshots(list(movies.values()), runs) if runs else ())


_DIRECTOR: Final = Person("nm0000101", "Marguerite Halloran-Okonkwo")
_ACTOR: Final = Person("nm0000102", "Bartholomew Ravenscroft")
_GENRES: Final = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama", "Family", "Fantasy",
    "Film-Noir", "Game-Show", "History", "Horror", "Music", "Musical", "Mystery", "News", "Reality-TV", "Romance",
    "Sci-Fi", "Short", "Sport", "Talk-Show", "Thriller", "War", "Western", "Space Opera", "Psychological Drama",
    "Coming-of-Age", "Mockumentary", "Swashbuckler", "Superhero", "Telenovela", "Workplace", "Kaiju", "Giallo",
    "Screwball Comedy", "Police Procedural", "Erwachsenenbildungsprogramm",
)  # fmt: skip
_AWKWARD_TITLES: Final = (
    "Donaudampfschifffahrtsgesellschaftskapitänswitwe",
    "It",
    "The Incredibly Strange and Wholly Unreasonable Adventures of a Retired Lighthouse Keeper Who Would Not Come Down: "
    "A Tragedy in Nine Reels with an Epilogue for Two Voices",
    "Броненосец Ладога и необыкновенное путешествие",
    "千と灯台の物語",
    "مدينة الضوء البعيد",
    "Spider-Orchid: Half-Light/Half-Dark",
    "1917½ – Überlebenskünstlerinnen",
    "Llanfairpwllgwyngyll Express",
    "Once... Upon? A! Time, (Again)",
    "Ενας φάρος στην άκρη",
    "WOLKENKUCKUCKSHEIM",
)


def catalogue_films(count: int) -> Iterator[Movie]:
    """Gives films of which two people have many, as in real charts."""
    for number, movie in enumerate(films(count, cast=12)):
        directors, cast = movie.directors, movie.cast
        if number % 11 == 0:
            directors = (Credit(_DIRECTOR, DIRECTOR, 1),)
        if number % 4 == 0:
            cast = (*cast[:-1], Credit(_ACTOR, CAST, len(cast), ("The Lighthouse Keeper",))) if cast else cast
        yield replace(movie, directors=directors, cast=cast)


def series_films() -> Iterator[Movie]:
    """Gives a series with its episodes: five seasons, the longest of 24 episodes, one episode without a rating."""
    series_id = "tt8700000"
    yield bare(700000, kind="tvSeries", title="The Ferry at Brackwater", year=2011, rating=8.4, votes=90_000)
    for season, count in enumerate((8, 13, 24, 10, 6), start=1):
        for number in range(1, count + 1):
            rating = None if (season, number) == (5, 6) else round(7.1 + (season * 7 + number * 5) % 24 / 10, 1)
            yield bare(
                700000 + season * 100 + number,
                kind="tvEpisode",
                title=f"Crossing {season * 100 + number}",
                series_id=series_id,
                season=season,
                episode=number,
                year=2010 + season,
                rating=rating,
                votes=None if rating is None else 900 + number,
            )


def awkward_films() -> Iterator[Movie]:
    """Gives films that are hard to lay out: long words, other scripts, 40 genres, one film with nothing but a title."""
    for number in range(60):
        base = film(number, rank=number + 1, cast=4, of=60)
        title = _AWKWARD_TITLES[number % len(_AWKWARD_TITLES)]
        genres = tuple(_GENRES[(number + step * 13) % len(_GENRES)] for step in range(3))
        long = (Credit(_DIRECTOR, DIRECTOR, 1),)
        role = ("Oberstaatsanwältin Schneidewind-Leutheusser / Self - Host / Narrator (voice)",)
        cast = (*base.cast[:-1], Credit(_ACTOR, CAST, len(base.cast), role)) if base.cast else ()
        yield replace(base, title=title, genres=genres, directors=long, cast=cast, original_title=title[::-1].strip())
    yield bare(1)


def made_poster_store(folder: Path, movies: Iterable[Movie]) -> PosterFolder:
    """A store with an invented poster for each movie."""
    store = PosterFolder(folder)
    for movie in movies:
        body = draw(movie.imdb_id, movie.title, 720)
        if store.find(movie.imdb_id) is None:
            url = movie.poster_url or "https://images.invalid/"
            store.keep(movie.imdb_id, url, PosterAnswer(body, "image/jpeg"), POSTED_AT)
    return store


def made_report(form: str) -> str:
    """A report in the given form."""
    return "# Report\n" if form == "markdown" else '{"tables": []}\n'


def publish_made(
    made: CatalogueData, store: PosterFolder, options: PublishOptions, said: list[StepOutcome] | None = None
) -> PublishResult:
    """Publish without a stop."""
    return publish_catalogue(
        made,
        store,
        made_report,
        options,
        say=(said if said is not None else []).append,
        cancel=threading.Event(),
    )
