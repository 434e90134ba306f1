"""Compares stores row by row.

Each table is read from all stores in one order and merged, so that memory does
not grow with the number of records.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from application.blocks import BlockStream, cells_of
from application.ports.stores import MovieRepository, TextRepository
from application.records import Row, SortKey, canonical, key_of, sort_key
from domain.fields import Table

KeyRows: TypeAlias = tuple[list[Row], ...]
"""The rows with one key, a list for each store; one row each where all is well."""


class Verdict(StrEnum):
    """The kind of a difference."""

    DIFFERS = "differs"
    MISSING = "missing"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One key whose rows are not the same in all stores.

    Attributes:
        key: the cells that identify the row.
        verdict: the kind of the difference.
        detail: the columns that differ, the stores that lack it, or why it is unreadable.
        rows: the row of each store, in the order of the stores; ``None`` where it is missing.
    """

    table: Table
    key: tuple[str, ...]
    verdict: Verdict
    detail: str
    rows: tuple[Row | None, ...]

    def __str__(self) -> str:
        return f"{self.table} {' '.join(self.key)}: {self.verdict} ({self.detail})"


def compare(table: Table, stores: Sequence[MovieRepository]) -> Iterator[Finding]:
    """Yields the differences in one table, in the order of its keys.

    Raises:
        StoreError: a store cannot be read.
        RuntimeError: the rows of a store are not in the order of ``sort_key``.
    """
    names = [store.name for store in stores]
    for rows in grouped(table, stores):
        finding = judge(table, rows, names)
        if finding is not None:
            yield finding


@dataclass(frozen=True, slots=True)
class EqualRows:
    """Neighbouring rows that are the same in all stores; an empty cell is a missing value."""

    rows: list[list[str]]


def in_blocks(table: Table, stores: Sequence[MovieRepository]) -> Iterator[EqualRows | KeyRows]:
    """Yields all rows of a table as ``grouped``; equal blocks of all stores are yielded as one item.

    Raises:
        StoreError: a store cannot be read.
        RuntimeError: the rows of a store are not in the order of ``sort_key``.
    """
    texts = [store.text(table) if isinstance(store, TextRepository) else None for store in stores]
    if len(stores) == 1 or None in texts:
        yield from grouped(table, stores)
        return
    first, *others = (text for text in texts if text is not None)
    streams = [BlockStream(table, text) for text in others]
    for block in first:
        rows = cells_of(block)
        # If one stream differs, the others have already consumed the block; that stream still has its bytes.
        taken = [stream.take(block) for stream in streams]
        if all(taken):
            yield EqualRows(rows)
            continue
        own = [tuple(cell or None for cell in row) for row in rows]
        last = sort_key(table, own[-1])
        sides = [own, *(own if took else stream.rows_to(last) for took, stream in zip(taken, streams, strict=True))]
        yield from _together(table, sides)
    yield from _together(table, [[], *(stream.rows_to(None) for stream in streams)])


def _together(table: Table, sides: Sequence[Iterable[Row]]) -> Iterator[KeyRows]:
    """The rows of each key, given those of each store in key order."""
    merged = heapq.merge(*(_keyed(table, rows, side) for side, rows in enumerate(sides)), key=itemgetter(0))
    for _, group in groupby(merged, key=itemgetter(0)):
        found: KeyRows = tuple([] for _ in sides)
        for _, side, row in group:
            found[side].append(row)
        yield found


def _keyed(table: Table, rows: Iterable[Row], side: int) -> Iterator[tuple[SortKey, int, Row]]:
    return ((sort_key(table, row), side, row) for row in rows)


def grouped(table: Table, stores: Sequence[MovieRepository]) -> Iterator[KeyRows]:
    """Yields all rows of a table, those with the same key together; raises what ``compare`` does."""
    yield from _together(table, [_in_order(table, store) for store in stores])


def _in_order(table: Table, store: MovieRepository) -> Iterator[Row]:
    previous: SortKey | None = None
    for row in store.rows(table):
        key = sort_key(table, row)
        if previous is not None and key < previous:
            raise RuntimeError(f"{store.name} gives {table} out of order: {key} after {previous}")
        yield row
        previous = key


def judge(table: Table, rows: KeyRows, names: Sequence[str]) -> Finding | None:
    """The difference between the rows of one key; ``None`` if they are the same.

    Args:
        rows: of each store.
    """
    first = rows[0]
    if len(rows) > 1 and len(first) == 1 and all(other == first for other in rows[1:]):
        return None
    given = tuple(found[0] if found else None for found in rows)
    key = key_of(table, next(row for row in given if row is not None))

    def finding(verdict: Verdict, detail: str) -> Finding:
        return Finding(table, key, verdict, detail, given)

    for name, found in zip(names, rows, strict=True):
        if len(found) > 1:
            return finding(Verdict.UNREADABLE, f"{len(found)} rows in {name}")
    texts = []
    for name, row in zip(names, given, strict=True):
        try:
            texts.append(None if row is None else canonical(table, row))
        except ValueError as error:
            return finding(Verdict.UNREADABLE, f"in {name}: {error}")
    lacking = [name for name, row in zip(names, texts, strict=True) if row is None]
    if lacking:
        return finding(Verdict.MISSING, f"not in {', '.join(lacking)}")
    differing = [name for name, cells in zip(table.columns, zip(*texts, strict=True), strict=True) if len({*cells}) > 1]
    return finding(Verdict.DIFFERS, ", ".join(differing)) if differing else None
