"""Past runs, the charts they read, and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from domain.chart import ChartEntry


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A place in a chart as one run saw it."""

    rank: int
    imdb_id: str
    rating: float | None = None
    votes: int | None = None


@dataclass(frozen=True, slots=True)
class ChartSnapshot:
    """A chart as one complete run saw it, in rank order; ``taken_at`` is the end of the run, in UTC."""

    run_id: str
    chart: str
    taken_at: datetime
    entries: tuple[RankedTitle, ...]


class ChartHistory(Protocol):
    """The charts of earlier runs."""

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        """Of each chart the last ``limit`` complete runs, oldest first.

        Raises:
            StoreUnavailable: they cannot be read now.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """A scraping run; site, chart and start tell it apart, also when it goes on after an interruption.

    Attributes:
        site: where from.
        chart: its name; ``None`` for a list of ids.
        asked: how many titles.
        started_at: when it first began, in UTC.
        fresh_since: records read since then count as this run's; ``None``: since it began.
    """

    site: str
    chart: str | None
    asked: int
    started_at: datetime
    fresh_since: datetime | None = None


class RunHistory(Protocol):
    """Remembers every run and the chart as it saw it."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        """Write down that a run begins, or goes on, and the chart it works through.

        Raises:
            StoreUnavailable: it cannot be written now.
        """

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        """Write down how a run ended, with the ratings and votes that it saved. May come again if it goes on.

        Args:
            saved, failed: titles, over all sittings of the run.
            complete: the whole chart was asked for and saved.
            finished_at: now, in UTC.

        Raises:
            StoreUnavailable: it cannot be written now.
        """


Value: TypeAlias = str | int | float | Decimal | None
"""A cell of a table for people; what has no number or text of its own comes as ISO 8601 or JSON."""


@dataclass(frozen=True, slots=True)
class TableOfValues:
    """The answer to one question, for people to read; ``rows`` may be a stream that can be read once."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Value, ...]]


class Reports(Protocol):
    """Questions that the database answers."""

    def names(self) -> tuple[str, ...]:
        """What can be asked."""

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        """The answers to these questions, or to all.

        Raises:
            UsageError: there is no such question.
            StoreUnavailable: the database cannot be reached.
        """
