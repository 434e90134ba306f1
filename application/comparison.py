"""Two stores side by side, row by row.

Each table is read from both stores in one order and merged, so that memory does
not grow with the number of records.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from application.ports import MovieRepository
from application.records import Row, SortKey, Table, canonical, sort_key

Pair: TypeAlias = tuple[list[Row], list[Row]]
"""The rows with one key in the CSV and in PostgreSQL: one each, where all is well."""


class Verdict(StrEnum):
    """What is wrong with one id."""

    DIFFERS = "differs"
    ONLY_CSV = "only in CSV"
    ONLY_POSTGRES = "only in PostgreSQL"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that is not the same in both stores.

    Attributes:
        table: where.
        key: the cells that identify it.
        verdict: how.
        columns: those that differ.
        note: why it is unreadable.
        csv, postgres: the rows as they stand, where there are any.
    """

    table: Table
    key: tuple[str, ...]
    verdict: Verdict
    columns: tuple[str, ...] = ()
    note: str = ""
    csv: Row | None = None
    postgres: Row | None = None

    def __str__(self) -> str:
        details = ", ".join(self.columns) or self.note
        return f"{self.table} {' '.join(self.key)}: {self.verdict}" + (f" ({details})" if details else "")


def compare(table: Table, csv: MovieRepository, postgres: MovieRepository) -> Iterator[Finding]:
    """What is not the same in one table, in the order of its keys.

    Raises:
        StoreError: a store cannot be read.
        RuntimeError: a store does not keep to the order of ``sort_key``.
    """
    for pair in pairs(table, csv, postgres):
        finding = judge(table, pair)
        if finding is not None:
            yield finding


def pairs(table: Table, csv: MovieRepository, postgres: MovieRepository) -> Iterator[Pair]:
    """All rows of a table, those with the same key together; raises what ``compare`` does."""
    merged = heapq.merge(_keyed(table, csv, 0), _keyed(table, postgres, 1), key=itemgetter(0))
    for _, keyed in groupby(merged, key=itemgetter(0)):
        pair: Pair = ([], [])
        for _, side, row in keyed:
            pair[side].append(row)
        yield pair


def _keyed(table: Table, store: MovieRepository, side: int) -> Iterator[tuple[SortKey, int, Row]]:
    previous: SortKey | None = None
    for row in store.rows(table):
        key = sort_key(table, row)
        if previous is not None and key < previous:
            raise RuntimeError(f"{store.name} gives {table} out of order: {key} after {previous}")
        yield key, side, row
        previous = key


def judge(table: Table, pair: Pair) -> Finding | None:
    """What is wrong with the rows of one key; ``None`` if nothing is."""
    ours, theirs = pair
    if len(ours) == 1 and ours == theirs:
        return None
    csv, postgres = (rows[0] if rows else None for rows in (ours, theirs))
    key = _key(table, csv or postgres or ())

    def finding(verdict: Verdict, columns: Iterable[str] = (), note: str = "") -> Finding:
        return Finding(table, key, verdict, tuple(columns), note, csv, postgres)

    for name, rows in (("CSV", ours), ("PostgreSQL", theirs)):
        if len(rows) > 1:
            return finding(Verdict.UNREADABLE, note=f"stands {len(rows)} times in {name}")
    try:
        first, second = (None if row is None else canonical(table, row) for row in (csv, postgres))
    except ValueError as error:
        return finding(Verdict.UNREADABLE, note=str(error))
    if first is None:
        return finding(Verdict.ONLY_POSTGRES)
    if second is None:
        return finding(Verdict.ONLY_CSV)
    differing = [name for name, one, other in zip(table.columns, first, second, strict=True) if one != other]
    return finding(Verdict.DIFFERS, differing) if differing else None


def _key(table: Table, row: Row) -> tuple[str, ...]:
    if len(row) != len(table.columns):
        return tuple(cell or "" for cell in row[:1])
    return tuple(row[table.columns.index(column)] or "" for column in table.key)
