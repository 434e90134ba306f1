"""Order and canonical text of rows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.records import Row, canonical, characters_cell, sort_key, to_rows
from domain.fields import Table
from domain.movie import Movie
from tests.support.movies import full_movie, movies, person


@given(roles=st.lists(st.text()))
def test_characters_are_written_as_json_writes_them(roles: list[str]) -> None:
    assert characters_cell(roles) == json.dumps(roles, ensure_ascii=False)


@given(saved=movies())
def test_what_we_write_is_canonical(saved: Movie) -> None:
    rows = to_rows(saved)
    assert canonical(Table.MOVIES, rows.movie) == rows.movie
    assert [canonical(Table.PEOPLE, row) for row in rows.people] == list(rows.people)
    assert [canonical(Table.CREDITS, row) for row in rows.credits] == list(rows.credits)


def test_other_spellings_of_a_value_have_one_canonical_form() -> None:
    row = to_rows(full_movie(1)).movie
    changed = list(row)
    for column, cell in (("rating", "1.1000"), ("votes", "+31"), ("scraped_at", "2026-01-01T01:00:00+01:00")):
        changed[Table.MOVIES.columns.index(column)] = cell
    assert canonical(Table.MOVIES, tuple(changed)) == row
    assert canonical(Table.CREDITS, ("tt0000001", "nm0000001", "cast", "01", '["a","b"]')) == (
        "tt0000001", "nm0000001", "cast", "1", '["a", "b"]',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (Table.MOVIES, ("tt0000001",)),
        (Table.MOVIES, (None,) * 17),
        (Table.PEOPLE, ("nm0000001", None)),
        (Table.PEOPLE, ("tt0000001", "Name")),
        (Table.PEOPLE, ("nm0000001", "Name", "more")),
        (Table.CREDITS, ("tt1", "nm0000001", "cast", "1", "[]")),
        (Table.CREDITS, ("tt0000001", "nm1", "cast", "1", "[]")),
        (Table.CREDITS, ("tt0000001", "nm0000001", "writer", "1", "[]")),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "0", "[]")),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", None, "[]")),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "1", "[1]")),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "1", None)),
    ],
)
def test_what_is_no_row_of_a_table_is_refused(table: Table, row: Row) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(table, row)


def test_positions_are_ordered_by_number_and_text_by_code_point() -> None:
    def credit(position: int, category: str = "cast") -> Row:
        return ("tt0000001", person(1).person_id, category, str(position), "[]")

    rows = [credit(10), credit(2), credit(1, "director"), credit(1)]
    assert sorted(rows, key=lambda row: sort_key(Table.CREDITS, row)) == [
        credit(1), credit(2), credit(10), credit(1, "director"),
    ]  # fmt: skip
    ids: list[Row] = [("tt9999999",), ("tt10000000",), ("tt0000001",)]
    assert sorted(ids, key=lambda row: sort_key(Table.MOVIES, row)) == [ids[2], ids[1], ids[0]]


@given(st.lists(st.none() | st.text(max_size=3), max_size=6).map(tuple), st.sampled_from(list(Table)))
def test_every_row_has_a_place(row: Row, table: Table) -> None:
    assert sort_key(table, row) == sort_key(table, row)
    assert sort_key(table, row) <= ("\U0010ffff" * 9, "", 0, "")
