"""The input of a catalogue, made without a site or a database."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from application.catalogue_data import CatalogueData, library
from application.ports import ChartSnapshot, PosterAnswer
from application.publish import StepOutcome
from domain.movie import Movie
from infrastructure.catalogue import Published, PublishOptions, publish_catalogue
from infrastructure.demo.poster_art import draw
from infrastructure.posters import PosterFolder
from tests.support.films import films, snapshots

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


def made_library(count: int, *, runs: int = 3, more: Iterable[Movie] = (), cast: int = 8) -> CatalogueData:
    """So many invented films, the first 250 of them a chart that was read ``runs`` times."""
    movies = {movie.imdb_id: movie for movie in (*films(count, cast=cast), *more)}
    return library(movies, snapshots(list(movies.values()), runs) if runs else ())


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
) -> Published:
    """Publish without a stop."""
    return publish_catalogue(
        made,
        store,
        made_report,
        options,
        say=(said if said is not None else []).append,
        cancel=threading.Event(),
    )
