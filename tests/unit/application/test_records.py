"""Order and canonical text of rows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.records import Row, canonical, from_rows, list_cell, newer_person, sort_key, to_rows
from domain.fields import Table
from domain.movie import Movie
from tests.support.movies import full_movie, movies, person


@given(roles=st.lists(st.text()))
def test_lists_are_written_as_json_writes_them(roles: list[str]) -> None:
    assert list_cell(roles) == json.dumps(roles, ensure_ascii=False)


@given(saved=movies())
def test_what_we_write_is_canonical(saved: Movie) -> None:
    rows = to_rows(saved)
    assert canonical(Table.MOVIES, rows.movie) == rows.movie
    assert [canonical(Table.PEOPLE, row) for row in rows.people] == list(rows.people)
    assert [canonical(Table.CREDITS, row) for row in rows.credits] == list(rows.credits)
    assert [canonical(Table.AKAS, row) for row in rows.akas] == list(rows.akas)


@given(saved=movies())
def test_a_movie_comes_back_from_its_rows(saved: Movie) -> None:
    rows = to_rows(saved)
    names = {str(row[0]): str(row[1]) for row in rows.people}
    assert from_rows(rows.movie, reversed(rows.credits), names, reversed(rows.akas)) == saved


def test_other_spellings_of_a_value_have_one_canonical_form() -> None:
    row = to_rows(full_movie(1)).movie
    changed = list(row)
    for column, cell in (("rating", "1.1000"), ("votes", "+31"), ("scraped_at", "2026-01-01T01:00:00+01:00")):
        changed[Table.MOVIES.columns.index(column)] = cell
    assert canonical(Table.MOVIES, tuple(changed)) == row
    assert canonical(Table.CREDITS, ("tt0000001", "nm0000001", "cast", "01", '["a","b"]', None, "[]")) == (
        "tt0000001", "nm0000001", "cast", "1", '["a", "b"]', None, None,
    )  # fmt: skip


NOTHING = (None,) * (len(Table.PEOPLE.columns) - 2)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (Table.MOVIES, ("tt0000001",)),
        (Table.MOVIES, (None,) * len(Table.MOVIES.columns)),
        (Table.PEOPLE, ("nm0000001", None, *NOTHING)),
        (Table.PEOPLE, ("tt0000001", "Name", *NOTHING)),
        (Table.PEOPLE, ("nm0000001", "Name", *NOTHING, "more")),
        (Table.CREDITS, ("tt1", "nm0000001", "cast", "1", "[]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm1", "cast", "1", "[]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm0000001", "", "1", "[]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "0", "[]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", None, "[]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "1", "[1]", None, None)),
        (Table.CREDITS, ("tt0000001", "nm0000001", "cast", "1", '["a", ""]', None, None)),
    ],
)
def test_what_is_no_row_of_a_table_is_refused(table: Table, row: Row) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(table, row)


def test_positions_are_ordered_by_number_and_text_by_code_point() -> None:
    def credit(position: int, category: str = "cast") -> Row:
        return ("tt0000001", person(1).person_id, category, str(position), None, None, None)

    rows = [credit(10), credit(2), credit(1, "director"), credit(1)]
    assert sorted(rows, key=lambda row: sort_key(Table.CREDITS, row)) == [
        credit(1), credit(2), credit(10), credit(1, "director"),
    ]  # fmt: skip
    ids: list[Row] = [("tt9999999",), ("tt10000000",), ("tt0000001",)]
    assert sorted(ids, key=lambda row: sort_key(Table.MOVIES, row)) == [ids[2], ids[1], ids[0]]


@given(st.lists(st.none() | st.text(max_size=3), max_size=6).map(tuple), st.sampled_from(list(Table)))
def test_every_row_has_a_place(row: Row, table: Table) -> None:
    assert sort_key(table, row) == sort_key(table, row)
    assert all(isinstance(part, tuple) for part in sort_key(table, row))


EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"


def _person(name: str | None, read_at: str | None, born: str | None = None, details_read_at: str | None = None) -> Row:
    source = None if read_at is None else "page"
    details_source = None if details_read_at is None else "graphql"
    return ("nm0000001", name, read_at, source, born, None, None, None, None, None, details_read_at, details_source)


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        (_person("A", EARLY), _person("B", LATE), _person("B", LATE)),
        (_person("B", LATE), _person("A", EARLY), _person("B", LATE)),
        (_person("B", LATE), _person("A", LATE), _person("A", LATE)),
        (_person("A", LATE), _person("B", LATE), _person("A", LATE)),
        (_person("A", LATE), _person(None, None, "1950", EARLY), _person("A", LATE, "1950", EARLY)),
        (_person("A", EARLY, "1950", LATE), _person("B", LATE), _person("B", LATE, "1950", LATE)),
        (_person("A", EARLY, "1950", LATE), _person(None, None, "1951", EARLY), _person("A", EARLY, "1950", LATE)),
        (_person("A", EARLY, "1950", LATE), _person(None, None, "1951", LATE), _person("A", EARLY, "1951", LATE)),
    ],
)
def test_name_and_details_of_a_person_come_from_the_later_reading(old: Row, new: Row, merged: Row) -> None:
    assert newer_person(old, new) == merged


def test_details_of_the_data_files_replace_only_those_of_data_files() -> None:
    read = _person("A", EARLY, "1950-03-04", EARLY)
    loaded = (*_person("A", EARLY, "1950", LATE)[:-1], "datasets")
    older = (*_person("A", EARLY, "1951", EARLY)[:-1], "datasets")
    assert newer_person(read, loaded) == newer_person(loaded, read) == read
    assert newer_person(older, loaded) == newer_person(loaded, older) == loaded
    assert newer_person(_person("A", EARLY), older) == older
