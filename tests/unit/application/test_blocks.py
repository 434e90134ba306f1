"""Blocks of text that are equal are passed over; what differs is found as if every row had been looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from application.blocks import records, text_of
from application.comparison import EqualRows, Finding, compare, in_blocks, judge
from application.records import Row, sort_key
from domain.fields import Table
from tests.support.repositories import InMemoryMovieRepository

TEXTS = st.sampled_from(["a", "b,c", 'say "x"', "two\r\nlines", "two\nlines", "\u2028", "'=1", "ä", "\x1d\x1e\x1f"])
AKAS = st.tuples(
    st.sampled_from([f"tt000000{number}" for number in range(1, 9)]),
    st.integers(1, 12).map(str),
    TEXTS,
    st.none() | TEXTS,
    st.none(),
    st.none(),
    st.none(),
)


class Texts(InMemoryMovieRepository):
    """A store of other titles that gives its text in pieces of so many rows."""

    def __init__(self, name: str, rows: Sequence[Row], size: int) -> None:
        super().__init__(name)
        self._listed = rows
        self._size = size

    def rows(self, table: Table) -> Iterator[Row]:
        return iter(self._listed if table is Table.AKAS else [])

    def text(self, table: Table) -> Iterator[bytes]:
        rows = list(self.rows(table))
        return (text_of(rows[at : at + self._size]).encode() for at in range(0, len(rows), self._size))


@dataclass
class Compared:
    same: int
    findings: list[Finding]


def compared(stores: Sequence[Texts]) -> Compared:
    result = Compared(0, [])
    for rows in in_blocks(Table.AKAS, stores):
        if isinstance(rows, EqualRows):
            result.same += len(rows.rows)
        elif finding := judge(Table.AKAS, rows, [store.name for store in stores]):
            result.findings.append(finding)
        else:
            result.same += 1
    return result


def by_key(rows: Sequence[Row]) -> list[Row]:
    kept = {(row[0], row[1]): row for row in rows}
    return sorted(kept.values(), key=lambda row: sort_key(Table.AKAS, row))


@given(
    st.lists(AKAS, max_size=40),
    st.lists(st.lists(AKAS, max_size=4), min_size=1, max_size=2),
    st.lists(st.integers(0, 39), max_size=4),
    st.lists(st.integers(1, 9), min_size=3, max_size=3),
)
def test_blocks_find_what_rows_find(
    common: list[Row], changes: list[list[Row]], without: list[int], sizes: list[int]
) -> None:
    lists = [by_key(common)] + [
        by_key([row for number, row in enumerate(common) if number not in without] + change) for change in changes
    ]
    stores = [Texts(f"store {number}", rows, sizes[number]) for number, rows in enumerate(lists)]
    found = compared(stores)
    assert found.findings == list(compare(Table.AKAS, stores))
    keys = {(row[0], row[1]) for rows in lists for row in rows}
    assert found.same == len(keys) - len(found.findings)


@given(st.lists(AKAS, max_size=20))
def test_records_are_rows(rows: list[Row]) -> None:
    text = text_of(rows).encode()
    assert [text[start:stop].decode() for start, stop in records(text)] == [text_of([row]) for row in rows]
