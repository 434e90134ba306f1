"""Titles whose rating has changed most, by the history that loads of data files keep."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

from application.ports import TableOfValues, Value
from application.records import Row, from_row
from domain.errors import UsageError
from domain.fields import Table
from domain.movie import Movie

NAME: Final = "movers"
TITLE: Final = "Rating movers"
COLUMNS: Final = (
    "title", "year", "change", "rating_before", "rating", "votes_gained", "day_before", "day", "imdb_id",
)  # fmt: skip
_DAY: Final = Table.RATINGS_HISTORY.column_index("day")
_MOST: Final = 20


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
    best = heapq.nlargest(_MOST, moved, key=attrgetter("merit"))
    return TableOfValues(
        NAME,
        TITLE,
        f"The {_MOST} titles whose rating has changed most from {since} to {newest}, days of the data files.",
        COLUMNS,
        (_row(each, find) for each in best),
    )


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
