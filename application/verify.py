"""Checks whether all stores hold the same records, and all that the last run saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from application.charts import estimates_taken_for_charts
from application.comparison import EqualRows, Finding, KeyRows, compare, grouped, in_blocks, judge
from application.ports.runs import JobCounts
from application.ports.stores import MovieRepository
from application.records import Row, timestamp
from domain.fields import Table

# --- what the last run saved ----------------------------------------------------

_ID: Final = Table.MOVIES.column_index("imdb_id")


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


class PresentTitles:
    """Counts which of the last run's titles one store has."""

    def __init__(self, expectation: Expectation) -> None:
        self._expected = expectation
        self._titles = 0

    def count(self, row: Row) -> None:
        """Adds one movies row."""
        if row and row[_ID] in self._expected.done:
            self._titles += 1

    def problems(self) -> Iterator[str]:
        """What is missing, a line each."""
        done = self._expected.counts.completed
        if self._titles < done:
            yield f"only {self._titles} of the {done} titles that the last run has done are there"


# --- the comparison -------------------------------------------------------------

_MAX_REMEMBERED: Final = 50_000
_EXAMPLES: Final = 20  # findings of each table in the report
_INCOMPLETE: Final = Table.MOVIES.column_index("incomplete")
_SCRAPED_AT: Final = Table.MOVIES.column_index("scraped_at")
_CATEGORY: Final = Table.CREDITS.column_index("category")


@dataclass(frozen=True, slots=True)
class TableReport:
    """The comparison of one table.

    Attributes:
        same: rows that are equal in all stores.
        found: number of keys with each verdict (``application.comparison.Verdict``).
        moving: rows that changed during the comparison, because another process writes them.
        filled: for each column, the number of rows that have a value.
        rows: the number of rows, each key counted once.
        cast: the number of rows that are cast (credits only).
        cut: the number of movies with fields that a response cut off (movies only).
    """

    table: Table
    same: int
    found: dict[str, int]
    moving: int
    filled: dict[str, int]
    rows: int
    cast: int
    cut: int

    def share(self, column: str) -> float | None:
        """The share of rows that have a value in this column, 0 to 1; ``None`` without rows."""
        of = self.cast if column == "characters" else self.rows
        return self.filled[column] / of if of else None


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
        return not any(sum(table.found.values()) for table in self.tables)

    @property
    def good(self) -> bool:
        """The same, and nothing of the last run is missing."""
        settled = self.progress is None and not self.unfinished_load
        return self.same and not self.missing and not self.refused and settled

    @property
    def movies(self) -> TableReport:
        """The report of the movies."""
        return next(table for table in self.tables if table.table is Table.MOVIES)


OnFinding: TypeAlias = Callable[[Finding], None]


def verify(
    stores: Sequence[MovieRepository],
    *,
    expectation: Expectation | None = None,
    threshold: float = 0.5,
    on_finding: OnFinding | None = None,
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
    kept: list[Finding] = []
    counts: list[_TableCounts] = []
    for table in Table:
        confirmed = _remembered(table, stores) if live else None
        tally = _TableCounts(
            table,
            [PresentTitles(expectation) for _ in stores] if expectation and table is Table.MOVIES else [],
            "" if now is None else timestamp(now),
        )
        number = 0
        for rows in grouped(table, stores) if live else in_blocks(table, stores):
            if isinstance(rows, EqualRows):
                tally.count_equal(rows.rows)
                continue
            finding = judge(table, rows, names)
            tally.count(rows, same=finding is None)
            if finding is None:
                continue
            if confirmed is not None and finding.key not in confirmed:
                tally.moving += 1
                continue
            tally.found[finding.verdict.value] += 1
            number += 1
            if number <= _EXAMPLES:
                kept.append(finding)
            if on_finding is not None:
                on_finding(finding)
        counts.append(tally)
    movies = next(tally for tally in counts if tally.table is Table.MOVIES)
    return VerifyReport(
        tuple(names),
        tuple(tally.report() for tally in counts),
        tuple(kept),
        tuple(movies.missing(names)),
        (*_rarely_filled(movies.report(), threshold), *movies.from_the_future()),
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


def _rarely_filled(movies: TableReport, threshold: float) -> Iterator[str]:
    for column in movies.table.fields:
        share = movies.share(column.name)
        if column.warn_if_rare and share is not None and share < threshold:
            yield f"{column.name} is filled in {movies.filled[column.name]} of {movies.rows} movies only"


@dataclass(slots=True)
class _TableCounts:
    """Counts of one table."""

    table: Table
    stores: list[PresentTitles]
    now: str
    same: int = 0
    moving: int = 0
    rows: int = 0
    cast: int = 0
    ahead: int = 0
    cut: int = 0
    found: Counter[str] = field(default_factory=Counter)
    filled: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.filled = [0] * len(self.table.columns)

    def count(self, rows: KeyRows, *, same: bool) -> None:
        self.same += same
        self.rows += 1
        row = next(found for found in reversed(rows) if found)[0]
        for place, cell in enumerate(row[: len(self.filled)]):
            if cell is not None and cell != "[]":
                self.filled[place] += 1
        if len(row) == len(self.table.columns):
            if self.table is Table.MOVIES:
                self.ahead += bool(self.now) and (row[_SCRAPED_AT] or "") > self.now
                self.cut += row[_INCOMPLETE] not in (None, "[]")
            elif self.table is Table.CREDITS:
                self.cast += row[_CATEGORY] == "cast"
        for store, found in zip(self.stores, rows, strict=False):
            if found:
                store.count(found[0])

    def count_equal(self, rows: Sequence[Sequence[str]]) -> None:
        """Counts rows that are the same in all stores; an empty cell is a missing value."""
        self.same += len(rows)
        self.rows += len(rows)
        columns = list(zip(*rows, strict=True))
        for place, column in enumerate(columns):
            self.filled[place] += len(rows) - column.count("") - column.count("[]")
        if self.table is Table.MOVIES:
            self.ahead += sum(bool(self.now) and read_at > self.now for read_at in columns[_SCRAPED_AT])
            self.cut += sum(cell not in ("", "[]") for cell in columns[_INCOMPLETE])
            for store in self.stores:
                for row in rows:
                    store.count(tuple(row))
        elif self.table is Table.CREDITS:
            self.cast += columns[_CATEGORY].count("cast")

    def report(self) -> TableReport:
        filled = dict(zip(self.table.columns, self.filled, strict=True))
        return TableReport(self.table, self.same, dict(self.found), self.moving, filled, self.rows, self.cast, self.cut)

    def from_the_future(self) -> Iterator[str]:
        if self.ahead:
            yield f"{self.ahead} movies were read later than now; check the clock of this machine"

    def missing(self, names: Sequence[str]) -> Iterator[str]:
        for name, store in zip(names, self.stores, strict=False):
            for problem in store.problems():
                yield f"{name}: {problem}"
