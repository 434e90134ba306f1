"""How a chart stands, and what moved in it since the run before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from application.ports import ChartSnapshot
from domain.movie import Movie


@dataclass(frozen=True, slots=True)
class ChartPosition:
    """A movie's place.

    Attributes:
        rank: from 1.
        before: its rank in the run before; None if it was not in the chart.
        is_new: it came into the chart since the run before; False where there was none.
    """

    rank: int
    movie: Movie
    before: int | None = None
    is_new: bool = False

    @property
    def climbed(self) -> int:
        """Places won; negative when lost, 0 when there is nothing to compare with."""
        return 0 if self.before is None else self.before - self.rank


@dataclass(frozen=True, slots=True)
class RankPoint:
    """A movie's rank in one run; None when it was not in the chart."""

    taken_at: datetime
    rank: int | None


@dataclass(frozen=True, slots=True)
class ChartChanges:
    """A chart as the last complete run saw it.

    Attributes:
        chart: its name (``top250``).
        taken_at: end of the last run; None without one.
        before: end of the run it is compared with; None without one.
        places: in rank order, of movies that are saved.
        leavers: movies that were in it the run before, in the order of their old ranks.
        history: of each movie that was in it in two runs or more, every run's rank, oldest first.
    """

    chart: str
    taken_at: datetime | None
    before: datetime | None
    places: tuple[ChartPosition, ...]
    leavers: tuple[ChartPosition, ...]
    history: Mapping[str, tuple[RankPoint, ...]]


@dataclass(frozen=True, slots=True)
class Move:
    """A movie that came, went, rose or fell between two runs; the rank it does not have is None."""

    chart: str
    run_id: str
    taken_at: datetime
    imdb_id: str
    rank: int | None
    before: int | None


def standings(movies: Mapping[str, Movie], snapshots: tuple[ChartSnapshot, ...]) -> tuple[ChartChanges, ...]:
    """Each chart that has snapshots, the one read last first."""
    by_chart: dict[str, list[ChartSnapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: (snapshot.taken_at, snapshot.run_id)):
        by_chart.setdefault(snapshot.chart, []).append(snapshot)
    found = [_standing(movies, taken) for taken in by_chart.values()]
    found = [standing for standing in found if standing.places]
    return tuple(sorted(found, key=lambda s: (-_seconds(s.taken_at), s.chart)))


def moves(snapshots: tuple[ChartSnapshot, ...], most: int) -> tuple[Move, ...]:
    """What happened from run to run, newest first: all who came or went, and the ``most`` that moved farthest.

    In a run, newcomers stand first, then leavers, then movers by distance.
    """
    by_chart: dict[str, list[ChartSnapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: (snapshot.taken_at, snapshot.run_id)):
        by_chart.setdefault(snapshot.chart, []).append(snapshot)
    runs = []
    for taken in by_chart.values():
        for earlier, later in pairwise(taken):
            runs.append((later.taken_at, later.chart, _moves_between(earlier, later, most)))
    runs.sort(key=lambda run: (-run[0].timestamp(), run[1]))
    return tuple(move for _, _, found in runs for move in found)


def _moves_between(earlier: ChartSnapshot, later: ChartSnapshot, most: int) -> list[Move]:
    old = {entry.imdb_id: entry.rank for entry in earlier.entries}
    new = {entry.imdb_id: entry.rank for entry in later.entries}

    def move(imdb_id: str) -> Move:
        return Move(later.chart, later.run_id, later.taken_at, imdb_id, new.get(imdb_id), old.get(imdb_id))

    came = [move(imdb_id) for imdb_id in sorted(new.keys() - old.keys(), key=new.__getitem__)]
    went = [move(imdb_id) for imdb_id in sorted(old.keys() - new.keys(), key=old.__getitem__)]
    moved = [imdb_id for imdb_id in new.keys() & old.keys() if new[imdb_id] != old[imdb_id]]
    moved.sort(key=lambda imdb_id: (-abs(new[imdb_id] - old[imdb_id]), new[imdb_id]))
    return came + went + [move(imdb_id) for imdb_id in moved[:most]]


def _standing(movies: Mapping[str, Movie], taken: list[ChartSnapshot]) -> ChartChanges:
    last = taken[-1]
    earlier = taken[-2] if len(taken) > 1 else None
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
    return ChartChanges(
        last.chart, last.taken_at, earlier.taken_at if earlier else None, places, leavers, _history(movies, taken)
    )


def _history(movies: Mapping[str, Movie], taken: list[ChartSnapshot]) -> dict[str, tuple[RankPoint, ...]]:
    ranks = [(snapshot.taken_at, {entry.imdb_id: entry.rank for entry in snapshot.entries}) for snapshot in taken]
    seen: dict[str, int] = {}
    for _, run in ranks:
        for imdb_id in run:
            seen[imdb_id] = seen.get(imdb_id, 0) + 1
    return {
        imdb_id: tuple(RankPoint(taken_at, run.get(imdb_id)) for taken_at, run in ranks)
        for imdb_id in sorted(seen)
        if seen[imdb_id] > 1 and imdb_id in movies
    }


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
