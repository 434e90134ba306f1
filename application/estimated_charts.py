"""Charts that are estimated from ratings. IMDb's Top 250 cannot be computed: the votes that count are not published.

The published formula is ``WR = v / (v + m) * R + m / (v + m) * C`` with the rating R, the
votes v, the votes m that a title needs, and the mean C. Only votes of regular voters count
on the site, so an estimate differs from the real chart in some thirty of 250 places. It is a
chart of its own and never replaces ``top250``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from application.ports import MovieRepository
from application.records import Row, chart_rows
from domain.chart import ChartEntry, EstimatedChart
from domain.errors import ChartError
from domain.fields import Table

MIN_VOTES: Final = 25_000
MEAN_RATING: Final = 7.0
KINDS: Final = {
    EstimatedChart.TOP250: frozenset({"movie"}),
    EstimatedChart.TOPTV: frozenset({"tvSeries", "tvMiniSeries"}),
}
_ID, _KIND, _RATING, _VOTES = (Table.MOVIES.column_index(name) for name in ("imdb_id", "kind", "rating", "votes"))


def weighted_rating(rating: float, votes: int) -> float:
    """The rating by IMDb's published formula."""
    return (votes * rating + MIN_VOTES * MEAN_RATING) / (votes + MIN_VOTES)


def estimates(movies: Iterable[Row]) -> dict[EstimatedChart, list[str]]:
    """The ids of the best rated titles for each estimated chart, best first; at most its size. Streams the rows."""
    rated: dict[EstimatedChart, list[tuple[float, int, str]]] = {name: [] for name in EstimatedChart}
    for row in movies:
        for name, kinds in KINDS.items():
            if row[_KIND] in kinds and (rating := row[_RATING]) and (votes := row[_VOTES]) and int(votes) >= MIN_VOTES:
                place = (weighted_rating(float(rating), int(votes)), int(votes), str(row[_ID]))
                add = heapq.heappush if len(rated[name]) < name.size else heapq.heappushpop
                add(rated[name], place)
    return {name: [imdb_id for _, _, imdb_id in sorted(places, reverse=True)] for name, places in rated.items()}


def save_estimates(movies: Iterable[Row], store: MovieRepository, read_at: datetime) -> list[str]:
    """Replaces the estimated charts; returns a line for each with its overlap with the real chart.

    An estimate is only made if there are enough titles for a complete chart.

    Args:
        movies: movies rows; those with less than ``MIN_VOTES`` votes may be left out.
        store: of the charts.
        read_at: the time of the estimate.

    Raises:
        StoreUnavailable: a store is unavailable.
    """
    lines = []
    for name, ids in estimates(movies).items():
        if len(ids) < name.size:
            continue
        store.replace_chart(name, [*chart_rows(name, ids, read_at)])
        lines.append(f"{name}: an estimate from the data files{overlap(name, ids, store)}")
    return lines


def overlap(chart: EstimatedChart, ids: Iterable[str], store: MovieRepository) -> str:
    """The overlap of an estimate with the real chart that was read last, as a suffix for its name."""
    places = {row[2] for row in store.rows(Table.CHARTS) if row[0] == chart.real}
    if not places:
        return f"; no {chart.real} has been read to compare it with"
    return f"; {len(places & set(ids))} of {len(places)} titles of the last {chart.real} are in it"


def estimated_entries(movies: Iterable[Row], chart: EstimatedChart) -> tuple[ChartEntry, ...]:
    """The places of one estimated chart.

    Raises:
        ChartError: too few titles have enough votes.
    """
    ids = estimates(movies)[chart]
    if len(ids) < chart.size:
        raise ChartError(
            f"{chart} needs {chart.size} titles with {MIN_VOTES} votes or more, and the data files have {len(ids)}"
        )
    return tuple(ChartEntry(rank, imdb_id) for rank, imdb_id in enumerate(ids, 1))


def estimates_taken_for_charts(charts: Iterable[Row]) -> list[str]:
    """A line for each chart whose stored places are those of its estimate."""
    places: dict[str, list[str | None]] = {}
    for row in charts:
        if len(row) == len(Table.CHARTS.columns):
            places.setdefault(str(row[0]), []).append(row[2])
    return [
        f"the chart {estimate.real} holds the places of {estimate}, which is an estimate and not IMDb's chart: "
        f"run `python main.py --chart {estimate.real}` where the chart can be read"
        for estimate in EstimatedChart
        if places.get(estimate) and places.get(estimate) == places.get(estimate.real)
    ]
