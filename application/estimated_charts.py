"""IMDb's Top 250 cannot be computed, only estimated: the votes that count are not published.

The published formula is ``WR = v / (v + m) * R + m / (v + m) * C`` with the rating R, the
votes v, the votes m that a title needs, and the mean C. Only votes of regular voters count
on the site, so an estimate differs from the real chart in some thirty of 250 places. It is a
chart of its own and never takes the place of ``top250``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from application.ports import MovieRepository
from application.records import Row, chart_rows
from domain.fields import Table

MIN_VOTES: Final = 25_000
MEAN_RATING: Final = 7.0
SIZE: Final = 250
ESTIMATES: Final = {
    "estimated-top250": ("top250", frozenset({"movie"})),
    "estimated-toptv": ("toptv", frozenset({"tvSeries", "tvMiniSeries"})),
}
_ID, _KIND, _RATING, _VOTES = (Table.MOVIES.column_index(name) for name in ("imdb_id", "kind", "rating", "votes"))


def weighted_rating(rating: float, votes: int) -> float:
    """The rating that IMDb's published formula gives."""
    return (votes * rating + MIN_VOTES * MEAN_RATING) / (votes + MIN_VOTES)


def estimates(movies: Iterable[Row]) -> dict[str, list[str]]:
    """The ids of the best rated titles for each estimated chart, best first; at most ``SIZE``. Streams the rows."""
    rated: dict[str, list[tuple[float, int, str]]] = {name: [] for name in ESTIMATES}
    for row in movies:
        for name, (_, kinds) in ESTIMATES.items():
            if row[_KIND] in kinds and (rating := row[_RATING]) and (votes := row[_VOTES]) and int(votes) >= MIN_VOTES:
                place = (weighted_rating(float(rating), int(votes)), int(votes), str(row[_ID]))
                add = heapq.heappush if len(rated[name]) < SIZE else heapq.heappushpop
                add(rated[name], place)
    return {name: [imdb_id for _, _, imdb_id in sorted(places, reverse=True)] for name, places in rated.items()}


def save_estimates(movies: Iterable[Row], store: MovieRepository, read_at: datetime) -> list[str]:
    """Replaces the estimated charts; returns a line for each that says how it compares with the real chart.

    An estimate is made where there are enough titles for a whole chart.

    Args:
        movies: movies rows; those with less than ``MIN_VOTES`` votes may be left out.
        store: where the charts are saved.
        read_at: the time of the estimate.

    Raises:
        StoreUnavailable: a store cannot take it now.
    """
    lines = []
    for name, ids in estimates(movies).items():
        if len(ids) < SIZE:
            continue
        store.replace_chart(name, [*chart_rows(name, ids, read_at)])
        real = ESTIMATES[name][0]
        places = {row[2] for row in store.rows(Table.CHARTS) if row[0] == real}
        overlap = f"; {len(places & set(ids))} of {len(places)} titles of the last {real} are in it" if places else ""
        lines.append(f"{name}: an estimate from the data files{overlap}")
    return lines
