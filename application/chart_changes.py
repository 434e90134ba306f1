"""Compares the chart snapshots of different days: positions, newcomers, leavers, climbers and fallers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from application.ports.runs import ChartSnapshot
from domain.movie import Movie


@dataclass(frozen=True, slots=True)
class ChartPosition:
    """A movie's place in a chart.

    Attributes:
        rank: from 1.
        before: rank on the day of comparison; None if the movie was not in the chart.
        is_new: the movie entered the chart since that day; False without a day of comparison.
    """

    rank: int
    movie: Movie
    before: int | None = None
    is_new: bool = False

    @property
    def climbed(self) -> int:
        """Places gained; negative when lost, 0 without a rank to compare with."""
        return 0 if self.before is None else self.before - self.rank


@dataclass(frozen=True, slots=True)
class RankPoint:
    """A movie's rank on one day; None when it was not in the chart."""

    taken_at: datetime
    rank: int | None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class ChartChanges:
    """A chart of the last complete run, compared with the last run of an earlier day.

    Attributes:
        chart: its name (``top250``).
        taken_at: end of the last run.
        before: end of the run it is compared with; None until runs of two different days exist.
        places: saved movies in rank order.
        leavers: movies that were in the chart on the day of comparison and are not now, by their rank then.
        history: ranks by day, oldest first, of each movie that was in the chart on two days or more.
    """

    chart: str
    taken_at: datetime
    before: datetime | None
    places: tuple[ChartPosition, ...]
    leavers: tuple[ChartPosition, ...]
    history: Mapping[str, tuple[RankPoint, ...]]

    @property
    def newcomers(self) -> tuple[ChartPosition, ...]:
        """Positions of movies that entered the chart, by rank."""
        return tuple(place for place in self.places if place.is_new)

    @property
    def climbers(self) -> tuple[ChartPosition, ...]:
        """Positions of movies that rose, the longest climb first."""
        return tuple(sorted((p for p in self.places if p.climbed > 0), key=lambda p: (-p.climbed, p.rank)))

    @property
    def fallers(self) -> tuple[ChartPosition, ...]:
        """Positions of movies that fell, the deepest fall first."""
        return tuple(sorted((p for p in self.places if p.climbed < 0), key=lambda p: (p.climbed, p.rank)))


@dataclass(frozen=True, slots=True)
class Move:
    """A movie that entered, left, rose or fell between two days; a rank it does not have is None."""

    chart: str
    run_id: str
    taken_at: datetime
    imdb_id: str
    rank: int | None
    before: int | None


def chart_changes(movies: Mapping[str, Movie], snapshots: Iterable[ChartSnapshot]) -> tuple[ChartChanges, ...]:
    """Returns each chart that has snapshots, the one read last first."""
    found = [_changes(movies, days) for days in _by_day(snapshots)]
    found = [changes for changes in found if changes.places]
    return tuple(sorted(found, key=lambda changes: (-changes.taken_at.timestamp(), changes.chart)))


def chart_moves(snapshots: Iterable[ChartSnapshot], max_movers: int) -> tuple[Move, ...]:
    """Returns what happened from day to day, newest first.

    Within a day newcomers come first, then leavers, then at most ``max_movers``
    others, the farthest move first.
    """
    days = []
    for taken in _by_day(snapshots):
        for earlier, later in pairwise(taken):
            days.append((later.taken_at, later.chart, moves_between(earlier, later, max_movers)))
    days.sort(key=lambda day: (-day[0].timestamp(), day[1]))
    return tuple(move for _, _, found in days for move in found)


def _by_day(snapshots: Iterable[ChartSnapshot]) -> list[list[ChartSnapshot]]:
    """Returns for each chart the last snapshot of each day (UTC), oldest first.

    Runs of one day are not compared with each other, because the chart changes daily.
    """
    charts: dict[str, dict[object, ChartSnapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: (snapshot.taken_at, snapshot.run_id)):
        charts.setdefault(snapshot.chart, {})[snapshot.taken_at.date()] = snapshot
    return [list(days.values()) for days in charts.values()]


def moves_between(earlier: ChartSnapshot, later: ChartSnapshot, max_movers: int) -> list[Move]:
    """Returns newcomers, leavers, and at most ``max_movers`` others, the farthest move first."""
    old = {entry.imdb_id: entry.rank for entry in earlier.entries}
    new = {entry.imdb_id: entry.rank for entry in later.entries}

    def move(imdb_id: str) -> Move:
        return Move(later.chart, later.run_id, later.taken_at, imdb_id, new.get(imdb_id), old.get(imdb_id))

    newcomers = [move(imdb_id) for imdb_id in sorted(new.keys() - old.keys(), key=new.__getitem__)]
    leavers = [move(imdb_id) for imdb_id in sorted(old.keys() - new.keys(), key=old.__getitem__)]
    moved = [imdb_id for imdb_id in new.keys() & old.keys() if new[imdb_id] != old[imdb_id]]
    moved.sort(key=lambda imdb_id: (-abs(new[imdb_id] - old[imdb_id]), new[imdb_id]))
    return newcomers + leavers + [move(imdb_id) for imdb_id in moved[:max_movers]]


def _changes(movies: Mapping[str, Movie], days: list[ChartSnapshot]) -> ChartChanges:
    last = days[-1]
    earlier = days[-2] if len(days) > 1 else None
    old = {entry.imdb_id: entry.rank for entry in earlier.entries} if earlier else {}
    now = {entry.imdb_id for entry in last.entries}
    places = tuple(
        ChartPosition(
            entry.rank, movies[entry.imdb_id], old.get(entry.imdb_id), bool(earlier) and entry.imdb_id not in old
        )
        for entry in sorted(last.entries, key=lambda entry: entry.rank)
        if entry.imdb_id in movies
    )
    leavers = tuple(
        ChartPosition(rank, movies[imdb_id], rank)
        for imdb_id, rank in sorted(old.items(), key=lambda item: item[1])
        if imdb_id not in now and imdb_id in movies
    )
    before = earlier.taken_at if earlier else None
    return ChartChanges(last.chart, last.taken_at, before, places, leavers, _history(movies, days))


def _history(movies: Mapping[str, Movie], days: list[ChartSnapshot]) -> dict[str, tuple[RankPoint, ...]]:
    entries = [(snapshot.taken_at, {entry.imdb_id: entry for entry in snapshot.entries}) for snapshot in days]
    seen: dict[str, int] = {}
    for _, day in entries:
        for imdb_id in day:
            seen[imdb_id] = seen.get(imdb_id, 0) + 1
    return {
        imdb_id: tuple(
            RankPoint(taken_at, entry.rank, entry.rating) if (entry := day.get(imdb_id)) else RankPoint(taken_at, None)
            for taken_at, day in entries
        )
        for imdb_id in sorted(seen)
        if seen[imdb_id] > 1 and imdb_id in movies
    }
