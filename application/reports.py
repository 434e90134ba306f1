"""Reports that compare two days: charts and ratings."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

from application.ports.runs import ChartSnapshot, RankedTitle, TableOfValues, Value
from application.records import Row, from_row
from domain.errors import UsageError
from domain.fields import Table
from domain.movie import Movie

# --- charts ---------------------------------------------------------------------

NAMES: Final = ("newcomers", "leavers", "climbers")
_TITLES: Final = {"newcomers": "Newcomers", "leavers": "Leavers", "climbers": "Biggest climbers"}
_COLUMNS: Final = {
    "newcomers": ("chart", "rank", "title", "year", "rating", "votes", "imdb_id"),
    "leavers": ("chart", "rank_before", "title", "year", "rating_before", "votes_before", "imdb_id"),
    "climbers": ("chart", "climbed", "rank", "rank_before", "title", "year", "rating", "votes_gained", "imdb_id"),
}
_MAX_CLIMBERS: Final = 20


def compare_since(
    snapshots: Iterable[ChartSnapshot], moment: datetime, names: Iterable[str], find: Callable[[str], Movie | None]
) -> Iterator[TableOfValues]:
    """Compares the newest snapshot of each chart with the one nearest to ``moment``.

    Args:
        snapshots: of complete runs, of any charts.
        moment: in UTC.
        names: of ``NAMES``; all if there are none.
        find: the stored movie of an id.

    Raises:
        UsageError: an unknown name, or no chart has two snapshots.
    """
    wanted = list(names) or list(NAMES)
    if unknown := [name for name in wanted if name not in NAMES]:
        raise UsageError(f"--since has no report {unknown[0]!r}; choose {', '.join(NAMES)}")
    charts: dict[str, list[ChartSnapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: (snapshot.taken_at, snapshot.run_id)):
        charts.setdefault(snapshot.chart, []).append(snapshot)
    pairs = [
        (min(earlier, key=lambda each: abs(each.taken_at - moment)), newest)
        for *earlier, newest in charts.values()
        if earlier
    ]
    if not pairs:
        first = min((taken[0].taken_at for taken in charts.values()), default=None)
        found = f"the only complete run ended {_local(first)}" if first else "there is no complete run"
        raise UsageError(f"--since needs two complete runs of a chart, and {found}")
    dates = "; ".join(f"{new.chart}: {_local(old.taken_at)} to {_local(new.taken_at)}" for old, new in pairs)
    for name in wanted:
        rows = [row for old, new in pairs for row in _ROWS[name](old, new, find)]
        yield TableOfValues(name, _TITLES[name], f"Compared: {dates}.", _COLUMNS[name], rows)


def _local(moment: datetime) -> str:
    return moment.astimezone().isoformat(" ", "minutes")


_Find = Callable[[str], Movie | None]
_Rows = Iterator[tuple[Value, ...]]


def _entries(snapshot: ChartSnapshot) -> dict[str, RankedTitle]:
    return {entry.imdb_id: entry for entry in snapshot.entries}


def _named(imdb_id: str, find: _Find) -> tuple[str | None, int | None]:
    movie = find(imdb_id)
    return (movie.title, movie.year) if movie else (None, None)


def _missing_in(other: ChartSnapshot, chart: ChartSnapshot, find: _Find) -> _Rows:
    """The places of ``chart`` whose titles are not in ``other``."""
    known = _entries(other)
    for entry in chart.entries:
        if entry.imdb_id not in known:
            title, year = _named(entry.imdb_id, find)
            yield chart.chart, entry.rank, title, year, entry.rating, entry.votes, entry.imdb_id


def _climbers(old: ChartSnapshot, new: ChartSnapshot, find: _Find) -> _Rows:
    before = _entries(old)
    climbed = [(before[entry.imdb_id], entry) for entry in new.entries if entry.imdb_id in before]
    climbed = [(past, entry) for past, entry in climbed if past.rank > entry.rank]
    climbed.sort(key=lambda pair: (pair[1].rank - pair[0].rank, pair[1].rank))
    for past, entry in climbed[:_MAX_CLIMBERS]:
        title, year = _named(entry.imdb_id, find)
        gained = None if entry.votes is None or past.votes is None else entry.votes - past.votes
        places = past.rank - entry.rank
        yield new.chart, places, entry.rank, past.rank, title, year, entry.rating, gained, entry.imdb_id


_ROWS: Final[Mapping[str, Callable[[ChartSnapshot, ChartSnapshot, _Find], _Rows]]] = {
    "newcomers": _missing_in,
    "leavers": lambda old, new, find: _missing_in(new, old, find),
    "climbers": _climbers,
}


# --- ratings --------------------------------------------------------------------

MOVERS: Final = "movers"
_MOVERS_COLUMNS: Final = (
    "title", "year", "change", "rating_before", "rating", "votes_gained", "day_before", "day", "imdb_id",
)  # fmt: skip
_DAY: Final = Table.RATINGS_HISTORY.column_index("day")
_MAX_MOVERS: Final = 20


@dataclass(frozen=True, slots=True)
class _Moved:
    imdb_id: str
    before: float
    after: float
    gained: int | None
    first: date
    last: date

    @property
    def change(self) -> float:
        """The difference of the ratings, one decimal."""
        return round(self.after - self.before, 1)

    @property
    def merit(self) -> tuple[float, int, str]:
        """The place in the report, highest first."""
        return abs(self.change), self.gained or 0, self.imdb_id


def rating_movers(
    history: Callable[[], Iterable[Row]], period: timedelta, find: Callable[[str], Movie | None]
) -> TableOfValues:
    """Compares the last rating of each title with the one it had earlier. Streams the history, twice.

    A title without a rating that old is compared with its first.

    Args:
        history: gives the ``ratings_history`` rows in the order of their key.
        period: how long before the newest day of the history.
        find: the stored movie of an id.

    Raises:
        UsageError: there is no history.
    """
    newest = max((row[_DAY] or "" for row in history()), default="")
    if not newest:
        raise UsageError("there is no history of ratings: load data files on two days (`python main.py datasets`)")
    since = date.fromisoformat(newest) - period
    found = (_moved(str(imdb_id), rows, since) for imdb_id, rows in groupby(history(), key=itemgetter(0)))
    moved = (each for each in found if each.change)
    best = heapq.nlargest(_MAX_MOVERS, moved, key=attrgetter("merit"))
    explanation = (
        f"The {_MAX_MOVERS} titles whose rating has changed most from {since} to {newest}, days of the data files."
    )
    return table_of_movers(explanation, (_row(each, find) for each in best))


def table_of_movers(explanation: str, rows: Iterable[tuple[Value, ...]] = ()) -> TableOfValues:
    """The table that ``rating_movers`` returns; without a history its explanation says so."""
    return TableOfValues(MOVERS, "Rating movers", explanation, _MOVERS_COLUMNS, rows)


def _moved(imdb_id: str, rows: Iterable[Row], since: date) -> _Moved:
    listed = [from_row(Table.RATINGS_HISTORY, row) for row in rows]
    rated = [row for row in listed if row["rating"] is not None] or listed
    before = max((row for row in rated if row["day"] <= since), key=itemgetter("day"), default=rated[0])
    after = rated[-1]
    votes = (before["votes"], after["votes"])
    gained = None if None in votes else votes[1] - votes[0]
    return _Moved(imdb_id, before["rating"] or 0, after["rating"] or 0, gained, before["day"], after["day"])


def _row(moved: _Moved, find: Callable[[str], Movie | None]) -> tuple[Value, ...]:
    movie = find(moved.imdb_id)
    title, year = (movie.title, movie.year) if movie else (None, None)
    return (
        title, year, moved.change, moved.before, moved.after, moved.gained, moved.first.isoformat(),
        moved.last.isoformat(), moved.imdb_id,
    )  # fmt: skip
