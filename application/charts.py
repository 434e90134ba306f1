"""Charts: read from several sources, stored, and estimated from ratings.

IMDb's Top 250 cannot be computed: the votes that count are not published. An estimate uses the published formula
``WR = v / (v + m) * R + m / (v + m) * C`` with the rating R, the votes v, the votes m that a title needs, and the mean
C. Only votes of regular voters count on the site, so an estimate differs from the real chart in some thirty of 250
places. It is a chart of its own and never replaces ``top250``.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from application.ports.sources import ChartSource
from application.ports.stores import MovieRepository
from application.records import Row, chart_rows
from domain.chart import ChartEntry, ChartName, EstimatedChart, complete
from domain.errors import Blocked, Cancelled, ChartError, SourceError
from domain.fields import Table

# --- reading --------------------------------------------------------------------

_log = logging.getLogger(__name__)


def read_chart(
    sources: Mapping[str, ChartSource],
    chart: ChartName,
    cancel: threading.Event,
    first: int | None = None,
) -> tuple[ChartEntry, ...]:
    """The whole chart, in rank order; at least its ``first`` places if only those are needed.

    The sources are read in their order, each only if something is still missing. A
    list that is complete by itself is the result. Otherwise the parts are combined,
    but only if they agree: if two sources give one rank to two titles, or one title
    two ranks, they have read different versions of the chart, and the combination
    would have ranks that never existed.

    Args:
        sources: by the name that messages use.
        cancel: once set, the reading stops.
        first: how many places are needed; all unless given. More are returned if the chart is complete.

    Raises:
        ChartError: the chart, or its first part, is not complete; the message says what is missing and
            why each source failed.
        Blocked: every source refuses automated clients.
        Cancelled: ``cancel`` was set.
    """
    found: dict[str, tuple[ChartEntry, ...]] = {}
    failures: dict[str, SourceError] = {}
    problems: list[str] = []
    for name, source in sources.items():
        try:
            entries = source.entries(chart, cancel)
        except Cancelled:
            raise
        except SourceError as error:
            _log.info("%s chart, source %s: %s", chart, name, error)
            failures[name] = error
            problems.append(f"{name}: {error}")
            continue
        try:
            whole = _whole(chart, entries, first)
        except ChartError as error:
            _log.info("%s chart, source %s: %s", chart, name, error)
            found[name] = entries
            problems.append(f"{name}: {error}")
        else:
            _warn(chart, name, problems)
            return whole
    if not found:
        raise _nothing_read(chart, failures)
    try:
        whole = _whole(chart, _united(chart, found), first)
    except ChartError as error:
        reasons = problems if len(sources) > 1 else []
        raise ChartError("; ".join([str(error), *reasons])) from error
    _warn(chart, " and ".join(found), problems)
    return whole


def _warn(chart: ChartName, source: str, problems: Sequence[str]) -> None:
    """Logs the problems once the chart is read after all; otherwise the error has them."""
    if problems:
        _log.warning("the %s chart was read from %s; %s", chart, source, "; ".join(problems))


def _whole(chart: ChartName, entries: Collection[ChartEntry], first: int | None) -> tuple[ChartEntry, ...]:
    if first is None or first >= chart.size:
        return complete(chart, entries)
    try:
        return complete(chart, entries)
    except ChartError:
        return complete(chart, [entry for entry in entries if entry.rank <= first], first)


def _united(chart: ChartName, found: Mapping[str, Iterable[ChartEntry]]) -> list[ChartEntry]:
    """All entries of all parts, each once.

    Raises:
        ChartError: two parts contradict each other.
    """
    by_rank: dict[int, tuple[ChartEntry, str]] = {}
    by_id: dict[str, tuple[ChartEntry, str]] = {}
    within: list[ChartEntry] = []  # a contradiction within one list; `complete` reports it
    for name, entries in found.items():
        for entry in entries:
            known, owner = by_rank.get(entry.rank) or by_id.get(entry.imdb_id) or (entry, name)
            if known == entry:
                by_rank[entry.rank] = by_id[entry.imdb_id] = (entry, owner)
            elif owner == name:
                within.append(entry)
            else:
                raise ChartError(
                    f"the {chart} chart cannot be put together: {known.imdb_id} is {known.rank} according to {owner}, "
                    f"but {entry.imdb_id} is {entry.rank} according to {name}"
                )
    return [entry for entry, _ in by_rank.values()] + within


def _nothing_read(chart: ChartName, failures: Mapping[str, SourceError]) -> SourceError | ChartError:
    names: dict[str, list[str]] = {}
    for name, error in failures.items():
        names.setdefault(str(error), []).append(name)
    reasons = "; ".join(f"{' and '.join(sources)}: {reason}" for reason, sources in names.items())
    if failures and all(isinstance(error, Blocked) for error in failures.values()):
        blocked = Blocked(f"the {chart} chart could not be read: {reasons}")
        blocked.requests = sum(error.requests for error in failures.values())
        blocked.size = sum(error.size for error in failures.values())
        return blocked
    return ChartError(f"the {chart} chart could not be read: {reasons or 'there is no source to read it from'}")


# --- storing --------------------------------------------------------------------

_CHART: Final = Table.CHARTS.column_index("chart")
_IMDB_ID: Final = Table.CHARTS.column_index("imdb_id")


class StoredChart:
    """One chart in the stores. ``move`` is thread-safe."""

    def __init__(self, store: MovieRepository, chart: str) -> None:
        self._store = store
        self._chart = chart
        self._lock = threading.Lock()

    def replace(self, entries: Sequence[ChartEntry], read_at: datetime) -> None:
        """Replaces the stored places by the whole chart, in rank order from 1.

        Raises:
            StoreError: a store failed.
        """
        self._store.replace_chart(self._chart, [*chart_rows(self._chart, [e.imdb_id for e in entries], read_at)])

    def move(self, old: str, new: str) -> None:
        """Replaces the id of a title that IMDb has moved.

        Raises:
            StoreError: a store failed.
        """
        with self._lock:
            # Written even if the first store has the new id already: a killed run may have reached only that store.
            if rows := self.rows():
                moved = [_with_id(row, new) if row[_IMDB_ID] == old else row for row in rows]
                self._store.replace_chart(self._chart, moved)

    def rows(self) -> list[Row]:
        """The stored places in rank order."""
        return [row for row in self._store.rows(Table.CHARTS) if row[_CHART] == self._chart]


def _with_id(row: Row, imdb_id: str) -> Row:
    return (*row[:_IMDB_ID], imdb_id, *row[_IMDB_ID + 1 :])


# --- estimating -----------------------------------------------------------------

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
