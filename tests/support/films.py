"""Films of the demo site's generator, for tests that need no site."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from application.ports.runs import ChartSnapshot, RankedTitle
from domain.movie import Movie, title_url
from infrastructure.demo.catalogue import DemoCatalogue
from tests.support.demo_movies import movie_of

READ_AT: Final = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)


_catalogue = lru_cache(maxsize=8)(lambda count: DemoCatalogue(9, count))


def films(count: int, *, ranked: int = 250, cast: int = 12) -> Iterator[Movie]:
    """Gives films; the first ``ranked`` are a chart in rank order."""
    return (film(number, rank=number + 1 if number < ranked else None, cast=cast, of=count) for number in range(count))


def film(number: int, *, rank: int | None = None, cast: int = 12, of: int = 250) -> Movie:
    """The demo site's ordinary title of this number; people are shared between the ``of`` films there are."""
    imdb_id = f"tt{9000000 + number}"
    title = _catalogue(max(of, 1)).ordinary(number)
    read = movie_of(title, "https://images.invalid", READ_AT + timedelta(seconds=number), rank)
    return replace(
        read,
        imdb_id=imdb_id,
        source_url=title_url(imdb_id),
        poster_url=f"https://images.invalid/{imdb_id}._V1_.jpg",
        cast=read.cast[:cast],
    )


def bare(number: int, **values: object) -> Movie:
    """Gives a film that has only a title."""
    imdb_id = f"tt{8000000 + number}"
    known = Movie(imdb_id=imdb_id, title=f"Untold {number}", source_url=title_url(imdb_id), scraped_at=READ_AT)
    return replace(known, **values)  # type: ignore[arg-type]


def snapshots(movies: Sequence[Movie], runs: int, chart: str = "top250") -> tuple[ChartSnapshot, ...]:
    """Gives the chart of as many days, oldest first; the last one has the movies' own ranks."""
    order = sorted((movie for movie in movies if movie.rank), key=lambda movie: movie.rank or 0)
    known = {movie.imdb_id: movie for movie in order}
    chance = random.Random("snapshots")
    ids = [movie.imdb_id for movie in order]
    taken = [list(ids)]
    for day in range(1, runs):
        ids = list(ids)
        for _ in range(len(ids) // 6):
            at = chance.randrange(len(ids))
            far = 1 + at // 12  # the top of a chart moves less than its end
            ids.insert(max(0, at + chance.choice((-1, 1)) * chance.randint(1, far)), ids.pop(at))
        for place in range(min(3, len(ids) // 20)):  # titles that have left the chart
            ids[len(ids) - 1 - 7 * place] = f"tt{7000000 + day * 10 + place}"
        taken.append(list(ids))
    return tuple(
        ChartSnapshot(
            f"run-{runs - back:03}",
            chart,
            READ_AT - timedelta(days=back),
            tuple(
                RankedTitle(place, imdb_id, known[imdb_id].rating, known[imdb_id].votes)
                if imdb_id in known
                else RankedTitle(place, imdb_id, 7.9, 50_000)
                for place, imdb_id in enumerate(taken[back], start=1)
            ),
        )
        for back in reversed(range(runs))
    )
