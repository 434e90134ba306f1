"""Checks whether all stores hold the same records, and all that the last run saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from application.charts import estimates_taken_for_charts
from application.comparison import EqualRows, Finding, KeyRows, compare, grouped, in_blocks, judge
from application.ports.runs import JobCounts
from application.ports.stores import MovieRepository
from application.records import timestamp
from domain.fields import Table
from domain.movie import CAST

_ID: Final = Table.MOVIES.column_index("imdb_id")
_INCOMPLETE: Final = Table.MOVIES.column_index("incomplete")
_SCRAPED_AT: Final = Table.MOVIES.column_index("scraped_at")
_CATEGORY: Final = Table.CREDITS.column_index("category")
_MAX_REMEMBERED: Final = 50_000
_EXAMPLES: Final = 20  # findings of each table in the report


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the last run's job log records.

    Attributes:
        counts: of its jobs.
        done: the ids that it saved, or left unchanged because they were fresh.
    """

    counts: JobCounts
    done: Container[str] = ()

    @property
    def progress(self) -> str | None:
        """The progress of an unfinished run in one line; ``None`` if nothing is pending."""
        counts = self.counts
        if not counts.pending:
            return None
        failed = f", {counts.failed} failed" if counts.failed else ""
        return (
            f"the last run has done {counts.completed} of {counts.total} titles{failed}; {counts.pending} are pending"
        )


@dataclass(slots=True)
class TableReport:
    """The comparison of one table, counted row by row.

    Attributes:
        present: for each store, the number of titles of the last run that it has (movies only).
        done: the ids that the last run saved.
        now: the time of the comparison as text; empty if times are not checked.
        same: rows that are equal in all stores.
        found: number of keys with each verdict (``application.comparison.Verdict``).
        moving: rows that changed during the comparison, because another process writes them.
        rows: the number of rows, each key counted once.
        cast: the number of rows that are cast (credits only).
        cut: the number of movies with fields that a response cut off (movies only).
        ahead: the number of movies that were read later than ``now``.
        counts: for each column, the number of rows that have a value.
    """

    table: Table
    present: list[int]
    done: Container[str]
    now: str
    same: int = 0
    found: Counter[str] = field(default_factory=Counter)
    moving: int = 0
    rows: int = 0
    cast: int = 0
    cut: int = 0
    ahead: int = 0
    counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.table.columns)

    @property
    def filled(self) -> dict[str, int]:
        """For each column, the number of rows that have a value."""
        return dict(zip(self.table.columns, self.counts, strict=True))

    def share(self, column: str) -> float | None:
        """The share of rows that have a value in this column, 0 to 1; ``None`` without rows."""
        of = self.cast if column == "characters" else self.rows
        return self.filled[column] / of if of else None

    def count(self, rows: KeyRows, *, same: bool) -> None:
        """Counts the rows of one key."""
        self.same += same
        self.rows += 1
        row = next(found for found in reversed(rows) if found)[0]
        for place, cell in enumerate(row[: len(self.counts)]):
            if cell is not None and cell != "[]":
                self.counts[place] += 1
        if len(row) == len(self.table.columns):
            if self.table is Table.MOVIES:
                self.ahead += bool(self.now) and (row[_SCRAPED_AT] or "") > self.now
                self.cut += row[_INCOMPLETE] not in (None, "[]")
            elif self.table is Table.CREDITS:
                self.cast += row[_CATEGORY] == CAST
        if self.table is Table.MOVIES:
            for store, found in enumerate(rows):
                self.present[store] += bool(found and found[0]) and found[0][_ID] in self.done

    def count_equal(self, rows: Sequence[Sequence[str]]) -> None:
        """Counts rows that are the same in all stores; an empty cell is a missing value."""
        self.same += len(rows)
        self.rows += len(rows)
        columns = list(zip(*rows, strict=True))
        for place, column in enumerate(columns):
            self.counts[place] += len(rows) - column.count("") - column.count("[]")
        if self.table is Table.MOVIES:
            self.ahead += sum(bool(self.now) and read_at > self.now for read_at in columns[_SCRAPED_AT])
            self.cut += sum(cell not in ("", "[]") for cell in columns[_INCOMPLETE])
            present = sum(imdb_id in self.done for imdb_id in columns[_ID])
            self.present = [titles + present for titles in self.present]
        elif self.table is Table.CREDITS:
            self.cast += columns[_CATEGORY].count(CAST)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a comparison.

    Attributes:
        stores: their names, in the order of the comparison.
        tables: one report each.
        examples: the first findings of each table.
        missing: titles of the last run that a store lacks, a line each.
        warnings: a line each.
        refused: charts with the places of another chart, a line each.
        progress: of an unfinished run.
        unfinished_load: whether a load of data files has reached some stores only; the next run completes it.
    """

    stores: tuple[str, ...]
    tables: tuple[TableReport, ...]
    examples: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    progress: str | None = None
    unfinished_load: bool = False

    @property
    def same(self) -> bool:
        """All stores hold the same records, readable and each once."""
        return not any(table.found.total() for table in self.tables)

    @property
    def good(self) -> bool:
        """The same, and nothing of the last run is missing."""
        settled = self.progress is None and not self.unfinished_load
        return self.same and not self.missing and not self.refused and settled

    @property
    def movies(self) -> TableReport:
        """The report of the movies."""
        return next(table for table in self.tables if table.table is Table.MOVIES)


def verify(
    stores: Sequence[MovieRepository],
    *,
    expectation: Expectation | None = None,
    threshold: float = 0.5,
    on_finding: Callable[[Finding], None] | None = None,
    live: bool = False,
    now: datetime | None = None,
) -> VerifyReport:
    """Compares stores cell by cell. One store alone is checked for rows that cannot be read.

    Args:
        stores: at least one.
        expectation: of the last run; not checked if ``None``.
        threshold: warn of a column that is filled in a smaller share of the movies, 0 to 1.
        on_finding: called with each finding.
        live: another process is writing; only findings of two readings in a row count.
        now: warn of movies that were read later than that; not checked unless given.

    Raises:
        StoreError: a store cannot be read.
    """
    names = [store.name for store in stores]
    done = () if expectation is None else expectation.done
    moment = "" if now is None else timestamp(now)
    kept: list[Finding] = []
    reports: list[TableReport] = []
    for table in Table:
        confirmed = _remembered(table, stores) if live else None
        report = TableReport(table, [0] * len(stores), done, moment)
        for rows in grouped(table, stores) if live else in_blocks(table, stores):
            if isinstance(rows, EqualRows):
                report.count_equal(rows.rows)
                continue
            finding = judge(table, rows, names)
            report.count(rows, same=finding is None)
            if finding is None:
                continue
            if confirmed is not None and finding.key not in confirmed:
                report.moving += 1
                continue
            report.found[finding.verdict.value] += 1
            if report.found.total() <= _EXAMPLES:
                kept.append(finding)
            if on_finding is not None:
                on_finding(finding)
        reports.append(report)
    movies = next(report for report in reports if report.table is Table.MOVIES)
    return VerifyReport(
        tuple(names),
        tuple(reports),
        tuple(kept),
        () if expectation is None else tuple(_lacking(names, movies.present, expectation.counts.completed)),
        tuple(_warnings(movies, threshold)),
        tuple(estimates_taken_for_charts(stores[0].rows(Table.CHARTS))),
        None if expectation is None else expectation.progress,
    )


def _remembered(table: Table, stores: Sequence[MovieRepository]) -> set[tuple[str, ...]] | None:
    """The keys found in a first reading; ``None`` if there are too many to be movies in flight."""
    keys: set[tuple[str, ...]] = set()
    for finding in compare(table, stores):
        keys.add(finding.key)
        if len(keys) > _MAX_REMEMBERED:
            return None
    return keys


def _lacking(names: Sequence[str], present: Sequence[int], done: int) -> Iterator[str]:
    for name, titles in zip(names, present, strict=True):
        if titles < done:
            yield f"{name}: only {titles} of the {done} titles that the last run has done are there"


def _warnings(movies: TableReport, threshold: float) -> Iterator[str]:
    for column in movies.table.fields:
        share = movies.share(column.name)
        if column.warn_if_rare and share is not None and share < threshold:
            yield f"{column.name} is filled in {movies.filled[column.name]} of {movies.rows} movies only"
    if movies.ahead:
        yield f"{movies.ahead} movies were read later than now; check the clock of this machine"
