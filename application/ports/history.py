"""Past runs, their charts, and reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from domain.chart import ChartEntry


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A place in a chart of one run."""

    rank: int
    imdb_id: str
    rating: float | None = None
    votes: int | None = None


@dataclass(frozen=True, slots=True)
class ChartSnapshot:
    """The chart of one complete run, in rank order; ``taken_at`` is the end of the run, in UTC."""

    run_id: str
    chart: str
    taken_at: datetime
    entries: tuple[RankedTitle, ...]


class ChartHistory(Protocol):
    """The charts of earlier runs."""

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        """The last ``limit`` complete runs of each chart, oldest first.

        Raises:
            StoreUnavailable: they cannot be read at the moment.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """A scraping run; identified by site, chart and start, also when it is resumed.

    Attributes:
        chart: its name; ``None`` for a list of ids.
        asked: number of titles.
        started_at: when it first began, in UTC.
        fresh_since: records read since then belong to this run; ``None``: since it began.
    """

    site: str
    chart: str | None
    asked: int
    started_at: datetime
    fresh_since: datetime | None = None


class RunHistory(Protocol):
    """Records every run and its chart."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        """Records the begin of a new or resumed run, and its chart.

        Raises:
            StoreUnavailable: it cannot be written at the moment.
            RecordRejected: the database refuses it.
        """

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        """Records the end of a run, with the saved ratings and votes. Called again if the run is resumed.

        Args:
            saved, failed: titles, including those of earlier processes of the run.
            complete: the run was for the whole chart and saved it.
            finished_at: now, in UTC.

        Raises:
            StoreUnavailable: it cannot be written at the moment.
            RecordRejected: the database refuses it.
        """


Value: TypeAlias = str | int | float | Decimal | None
"""A cell of a table for people; what has no number or text of its own comes as ISO 8601 or JSON."""


@dataclass(frozen=True, slots=True)
class TableOfValues:
    """A table for people to read; ``rows`` may be a stream that can be read once."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Value, ...]]


class Reports(Protocol):
    """Queries with names that the database supports."""

    def names(self) -> tuple[str, ...]:
        """The names of the reports."""

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        """The results of these reports, or of all.

        Raises:
            UsageError: there is no such report.
            StoreUnavailable: the database cannot be reached.
        """
