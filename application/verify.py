"""Do both stores say the same, and is it all that was asked for?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from application.comparison import Finding, Pair, Verdict, compare, judge, pairs
from application.completeness import Expectation, Present
from application.ports import MovieRepository
from application.records import Table, timestamp

_COLUMNS_WITHOUT_WARNING: Final = frozenset({"rank"})  # only charts have one
_MAX_REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True)
class TableReport:
    """How one table compares.

    Attributes:
        table: which one.
        same: rows that are equal in both stores.
        found: how many rows got each verdict.
        moving: rows that changed while they were compared; another process is writing them.
        filled: for each column, in how many rows it holds something.
        rows: how many rows there are, each key counted once.
        cast: how many of the rows are cast (credits only): directors play no characters.
    """

    table: Table
    same: int
    found: dict[Verdict, int]
    moving: int
    filled: dict[str, int]
    rows: int
    cast: int

    def share(self, column: str) -> float | None:
        """Which part of the rows has this column filled, 0 to 1; ``None`` without rows."""
        of = self.cast if column == "characters" else self.rows
        return self.filled[column] / of if of else None


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found.

    Attributes:
        tables: one report each.
        examples: the first findings of each table.
        incomplete: what is missing of what was asked for, a line each.
        warnings: columns that are filled too seldom, a line each.
    """

    tables: tuple[TableReport, ...]
    examples: tuple[Finding, ...] = ()
    incomplete: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Both stores hold the same records, readable and each once."""
        return not any(sum(table.found.values()) for table in self.tables)

    @property
    def good(self) -> bool:
        """The same, and complete."""
        return self.same and not self.incomplete


OnFinding: TypeAlias = Callable[[Finding], None]


def verify(
    csv: MovieRepository,
    postgres: MovieRepository,
    *,
    expectation: Expectation | None = None,
    threshold: float = 0.5,
    examples: int = 20,
    on_finding: OnFinding | None = None,
    live: bool = False,
    now: datetime | None = None,
) -> Report:
    """Compare two stores cell by cell.

    Args:
        csv, postgres: the stores.
        expectation: what should be there; not checked without.
        threshold: warn of a column that is filled in a smaller part of the movies, 0 to 1.
        examples: how many findings of each table the report keeps.
        on_finding: is given all of them.
        live: another process is writing; what two readings in a row do not both find is in flight, and no finding.
        now: warn of movies that were read later than that; not looked at unless given.

    Raises:
        StoreError: a store cannot be read.
    """
    kept: list[Finding] = []
    counts: list[_Counts] = []
    for table in Table:
        confirmed = _remembered(table, csv, postgres) if live else None
        tally = _Counts(table, expectation if table is Table.MOVIES else None, "" if now is None else timestamp(now))
        number = 0
        for pair in pairs(table, csv, postgres):
            finding = judge(table, pair)
            tally.count(pair, same=finding is None)
            if finding is None:
                continue
            if confirmed is not None and finding.key not in confirmed:
                tally.moving += 1
                continue
            tally.found[finding.verdict] += 1
            number += 1
            if number <= examples:
                kept.append(finding)
            if on_finding is not None:
                on_finding(finding)
        counts.append(tally)
    movies = counts[0]
    return Report(
        tuple(tally.report() for tally in counts),
        tuple(kept),
        tuple(movies.missing(csv.name, postgres.name)),
        (*_seldom_filled(movies.report(), threshold), *movies.from_the_future()),
    )


def _remembered(table: Table, csv: MovieRepository, postgres: MovieRepository) -> set[tuple[str, ...]] | None:
    """The keys found in a first reading; ``None`` if there are too many to be movies in flight."""
    keys: set[tuple[str, ...]] = set()
    for finding in compare(table, csv, postgres):
        keys.add(finding.key)
        if len(keys) > _MAX_REMEMBERED:
            return None
    return keys


def _seldom_filled(movies: TableReport, threshold: float) -> Iterator[str]:
    for column in movies.table.columns:
        share = movies.share(column)
        if share is not None and share < threshold and column not in _COLUMNS_WITHOUT_WARNING:
            yield f"{column} is filled in {movies.filled[column]} of {movies.rows} movies only"


@dataclass(slots=True)
class _Counts:
    """What is counted while one table is read."""

    table: Table
    expectation: Expectation | None
    now: str
    same: int = 0
    moving: int = 0
    rows: int = 0
    cast: int = 0
    ahead: int = 0
    found: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    filled: list[int] = field(default_factory=list)
    stores: tuple[Present, ...] = ()

    def __post_init__(self) -> None:
        self.filled = [0] * len(self.table.columns)
        if self.expectation is not None:
            self.stores = (Present(self.expectation), Present(self.expectation))

    def count(self, pair: Pair, *, same: bool) -> None:
        ours, theirs = pair
        self.same += same
        self.rows += 1
        row = (theirs or ours)[0]
        for place, cell in enumerate(row[: len(self.filled)]):
            if cell is not None and cell != "[]":
                self.filled[place] += 1
        whole = len(row) == len(self.table.columns)
        if self.table is Table.MOVIES and whole and self.now and (row[-1] or "") > self.now:
            self.ahead += 1
        if self.table is Table.CREDITS and len(row) > 2 and row[2] == "cast":
            self.cast += 1
        for store, rows in zip(self.stores, (ours, theirs), strict=False):
            if rows:
                store.count(rows[0])

    def report(self) -> TableReport:
        filled = dict(zip(self.table.columns, self.filled, strict=True))
        return TableReport(self.table, self.same, dict(self.found), self.moving, filled, self.rows, self.cast)

    def from_the_future(self) -> Iterator[str]:
        if self.ahead:
            yield (
                f"{self.ahead} movies were read later than now (was the clock wrong?): "
                "until then no newer reading replaces them"
            )

    def missing(self, *names: str) -> Iterator[str]:
        for name, store in zip(names, self.stores, strict=False):
            for problem in store.problems():
                yield f"{name}: {problem}"
