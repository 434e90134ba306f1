"""Is all there that the last run was asked for?"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.records import Row, Table, timestamp

_ID: Final = Table.MOVIES.columns.index("imdb_id")
_RANK: Final = Table.MOVIES.columns.index("rank")
_SCRAPED_AT: Final = Table.MOVIES.columns.index("scraped_at")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the last run was asked for.

    Attributes:
        count: how many titles.
        ranks: they are a chart's, and fill its ranks from 1 to ``count``.
        since: titles read before do not count; a title that has left the chart keeps its old rank.
        done: ids that count whenever they were read; a run may leave alone what is fresh.
    """

    count: int
    ranks: bool
    since: datetime | None = None
    done: Container[str] = ()


class Present:
    """What one store has of what was asked for."""

    def __init__(self, expectation: Expectation) -> None:
        self._expected = expectation
        self._since = "" if expectation.since is None else timestamp(expectation.since)
        self._titles = 0
        self._ranks = bytearray(expectation.count + 1 if expectation.ranks else 0)

    def count(self, row: Row) -> None:
        """Take in one movies row."""
        if len(row) <= _SCRAPED_AT:
            return
        if (row[_SCRAPED_AT] or "") < self._since and row[_ID] not in self._expected.done:
            return
        rank = row[_RANK] or ""
        if not self._expected.ranks:
            self._titles += 1
        elif rank.isdecimal() and 1 <= int(rank) <= self._expected.count:
            self._titles += 1
            self._ranks[int(rank)] = min(self._ranks[int(rank)] + 1, 2)

    def problems(self) -> Iterator[str]:
        """What is missing, a line each."""
        expected = self._expected.count
        if self._titles < expected:
            yield f"only {self._titles} of the {expected} titles are there"
        ranks = list(enumerate(self._ranks))[1:]
        if missing := [rank for rank, times in ranks if not times]:
            yield f"rank {_listed(missing)} is missing"
        if repeated := [rank for rank, times in ranks if times > 1]:
            yield f"rank {_listed(repeated)} is taken twice"


def _listed(ranks: list[int], most: int = 10) -> str:
    shown = ", ".join(map(str, ranks[:most]))
    return shown if len(ranks) <= most else f"{shown} and {len(ranks) - most} more"
