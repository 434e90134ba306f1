"""The text form of rows: what others read is what was meant."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from application.blocks import parse
from application.records import Cell, Row
from domain.fields import Table
from infrastructure.stores.csv.dialect import decode, encode, find_group, header, split_groups
from tests.support.movies import AWKWARD_TEXTS, texts

_cells = st.none() | texts
_rows = st.lists(st.tuples(_cells, _cells, _cells), max_size=5)


def read_back(lines: list[bytes], *, escaped: bool) -> list[Row]:
    text = b"".join(lines).decode()
    return [decode(cells, escaped=escaped) for cells in parse(io.StringIO(text, newline=""))]


@given(rows=_rows, escape=st.booleans())
@example(rows=[(text, text, None) for text in AWKWARD_TEXTS], escape=True)
@example(rows=[(text, text, None) for text in AWKWARD_TEXTS], escape=False)
def test_rows_come_back_as_they_were(rows: list[tuple[Cell, Cell, Cell]], escape: bool) -> None:
    lines = encode(rows, escape=escape)
    assert len(lines) == len(rows)
    assert read_back(lines, escaped=escape) == rows


@given(rows=_rows)
def test_any_csv_reader_reads_them(rows: list[tuple[Cell, Cell, Cell]]) -> None:
    text = b"".join(encode(rows, escape=False)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[cell or "" for cell in row] for row in rows]


@given(rows=_rows)
def test_lines_end_as_rfc_4180_says_and_only_what_needs_quotes_has_them(rows: list[tuple[Cell, Cell, Cell]]) -> None:
    for row, line in zip(rows, encode(rows, escape=False), strict=True):
        assert line.endswith(b"\r\n")
        plain = not any(set(cell or "") & set(',"\r\n') for cell in row)
        assert plain == (b'"' not in line)


@given(text=texts)
def test_nothing_escaped_looks_like_a_formula(text: str) -> None:
    (cells,) = parse(io.StringIO(encode([(text, "x")], escape=True)[0].decode(), newline=""))
    assert not cells[0].startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("''=1+1", "'''=1+1"),
        ("'Tis", "'Tis"),
        ("''Tis", "''Tis"),
        ("@home", "'@home"),
        ("1-2", "1-2"),
        ("'", "'"),
    ],
)
def test_one_apostrophe_is_put_before_formulas_and_taken_away_again(text: str, escaped: str) -> None:
    (line,) = encode([(text, "x")], escape=True)
    assert line.decode() == f"{escaped},x\r\n"
    assert read_back([line], escaped=True) == [(text, "x")]


def test_a_missing_value_is_an_empty_cell_without_quotes() -> None:
    assert encode([("a", None, None), (None, None, "c")], escape=False) == [b"a,,\r\n", b",,c\r\n"]


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode([("\ud83c",)], escape=False)


def test_a_cell_may_be_longer_than_the_csv_module_allows_by_itself() -> None:
    long = 'x"\n' * 500_000
    assert read_back(encode([(long, "y")], escape=False), escaped=False) == [(long, "y")]


@pytest.mark.parametrize("table", Table)
def test_headers(table: Table) -> None:
    assert header(table) == (",".join(table.columns) + "\r\n").encode()


_keys = st.sampled_from(["tt0000001", "tt0000002", "tt10000000", "a,b", '"', "=1", "'=1", "x"])
_grouped = st.lists(st.tuples(_keys, st.lists(st.tuples(_cells, _cells), min_size=1, max_size=3)), max_size=4)


@given(groups=_grouped, escape=st.booleans())
@example(groups=[("tt0000001", [("x\r\ntt0000002,", None)]), ("tt0000002", [("\ntt0000001,", '"')])], escape=False)
def test_rows_are_taken_apart_by_their_first_cell(
    groups: list[tuple[str, list[tuple[Cell, Cell]]]], escape: bool
) -> None:
    groups = list({key: (key, rows) for key, rows in groups}.values())
    encoded = {key: b"".join(encode([(key, *row) for row in rows], escape=escape)) for key, rows in groups}
    data = b"".join(encoded.values())
    assert dict(split_groups(data, escaped=escape)) == encoded
    for key in [*encoded, "tt0000009"]:
        assert find_group(data, key, escaped=escape) == encoded.get(key, b"")
