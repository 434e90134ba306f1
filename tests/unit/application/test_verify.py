"""The checker is checked: whatever is damaged, in either store, it must say so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.comparison import Finding, Verdict
from application.ports.runs import JobCounts
from application.records import Row, chart_rows, sort_key, to_row
from application.verify import Expectation, VerifyReport, verify
from domain.fields import FieldType, Table
from domain.movie import Movie
from tests.support.movies import EPOCH, complete_movie, full_movie, movie
from tests.support.repositories import InMemoryMovieRepository

Rows: TypeAlias = Mapping[Table, Iterable[Row]]


class GivenRows(InMemoryMovieRepository):
    """A store that holds the rows a test gives it, right or wrong; for reading only."""

    def __init__(self, name: str, rows: Rows, *, ordered: bool = True) -> None:
        super().__init__(name)
        self._rows = {table: _in_order(table, listed) if ordered else list(listed) for table, listed in rows.items()}

    def rows(self, table: Table) -> Iterator[Row]:
        return iter(self._rows[table])


def _in_order(table: Table, rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: sort_key(table, row))


def rows_of(*saved: Movie) -> dict[Table, list[Row]]:
    store = InMemoryMovieRepository()
    for one in saved:
        store.save(one)
    return {table: list(store.rows(table)) for table in Table}


def _good() -> dict[Table, list[Row]]:
    """Rows in every table, every cell filled."""
    store = InMemoryMovieRepository()
    for number in (1, 2, 3):
        store.save(replace(complete_movie(number), cast=full_movie(number, cast=3).cast))
    store.replace_chart("top250", [*chart_rows("top250", ["tt0000003", "tt0000001"], EPOCH)])
    lists = {
        Table.MY_RATINGS: {"rating": 8, "rated_on": date(2026, 1, 2), "rated_text": "2 Jan", "read_at": EPOCH},
        Table.RATINGS_HISTORY: {"day": date(2026, 1, 2), "rating": 8.1, "votes": 7},
    }
    for table, values in lists.items():
        store.save_rows(table, [to_row(table, {"imdb_id": f"tt000000{number}"} | values) for number in (1, 2)])
    return {table: list(store.rows(table)) for table in Table}


GOOD = _good()


def compare(
    csv: Mapping[Table, Iterable[Row]], postgres: Mapping[Table, Iterable[Row]]
) -> tuple[VerifyReport, list[Finding]]:
    found: list[Finding] = []
    return verify([GivenRows("csv", csv), GivenRows("postgres", postgres)], on_finding=found.append), found


def with_row(table: Table, place: int, *rows: Row) -> dict[Table, list[Row]]:
    """The good rows with one of them replaced by none, one or more."""
    changed = {one: list(listed) for one, listed in GOOD.items()}
    changed[table][place : place + 1] = rows
    return changed


def with_cell(table: Table, column: str, cell: str | None) -> dict[Table, list[Row]]:
    row = list(GOOD[table][0])
    row[table.columns.index(column)] = cell
    return with_row(table, 0, tuple(row))


def test_movies_read_in_the_future_are_warned_of() -> None:
    saved = rows_of(movie(1), movie(2, minutes=2))
    for minutes, warned in ((1, True), (2, False)):
        now = movie(1).scraped_at + timedelta(minutes=minutes)
        report = verify([GivenRows("csv", saved), GivenRows("postgres", saved)], now=now)
        assert any("1 movies were read later than now" in warning for warning in report.warnings) is warned


# --- the same -------------------------------------------------------------------


def test_equal_stores_are_the_same() -> None:
    report, found = compare(GOOD, GOOD)
    assert report.same
    assert report.good
    assert found == []
    assert {table.table: table.same for table in report.tables} == {table: len(rows) for table, rows in GOOD.items()}
    assert report.movies.same == 3


def test_empty_stores_are_the_same() -> None:
    report, _ = compare(rows_of(), rows_of())
    assert report.good
    assert report.tables[0].share("title") is None


def test_another_spelling_of_a_number_is_no_difference() -> None:
    for column, cell in (("rating", "1.10"), ("year", "01901"), ("votes", "31 ")):
        report, _ = compare(with_cell(Table.MOVIES, column, cell), GOOD)
        assert report.same, column


# --- one damage at a time -------------------------------------------------------


OTHER = {
    FieldType.TEXT: "Something else",
    FieldType.BIGINT: "77",
    FieldType.DECIMAL: "7.7",
    FieldType.BOOLEAN: "false",
    FieldType.DATE: "1999-12-31",
    FieldType.PARTIAL_DATE: "1999-12",
    FieldType.TIMESTAMP: "2027-01-01T00:00:00.000000Z",
    FieldType.TEXT_LIST: '["x"]',
    FieldType.TITLE_ID: "tt7777777",
    FieldType.NAME_ID: "nm7777777",
}


@pytest.mark.parametrize("table", Table)
def test_every_cell_that_differs_is_named(table: Table) -> None:
    for column in table.columns:
        if column in table.key or table.fields[table.column_index(column)].derived:
            continue
        field = table.fields[table.column_index(column)]
        other = str((field.minimum or 0) + 6) if field.type is FieldType.INTEGER else OTHER[field.type]
        for report, found in (
            compare(_changed(table, column, other), GOOD),
            compare(GOOD, _changed(table, column, other)),
        ):
            assert not report.same
            columns = {column, "released"} if column == "release_date" else {column}
            (one,) = found
            assert (one.table, one.verdict) == (table, Verdict.DIFFERS)
            assert set(one.detail.split(", ")) == columns


def _changed(table: Table, column: str, cell: str) -> dict[Table, list[Row]]:
    """The good rows with one other cell, and what is derived from it."""
    rows = with_cell(table, column, cell)
    if column == "release_date":
        row = list(rows[table][0])
        row[table.column_index("released")] = None
        rows[table][0] = tuple(row)
    return rows


@pytest.mark.parametrize("table", Table)
def test_a_row_in_one_store_only_is_found(table: Table) -> None:
    for place in range(len(GOOD[table])):
        report, found = compare(with_row(table, place), GOOD)
        assert [(one.verdict, one.detail) for one in found] == [(Verdict.MISSING, "not in csv")]
        assert not report.same
        report, found = compare(GOOD, with_row(table, place))
        assert [(one.verdict, one.detail) for one in found] == [(Verdict.MISSING, "not in postgres")]
        assert not report.same


@pytest.mark.parametrize("table", Table)
@pytest.mark.parametrize("side", ["csv", "postgres"])
def test_a_row_that_stands_twice_is_found(table: Table, side: str) -> None:
    twice = with_row(table, 0, GOOD[table][0], GOOD[table][0])
    report, found = compare(twice, GOOD) if side == "csv" else compare(GOOD, twice)
    assert [(one.verdict, one.detail) for one in found] == [(Verdict.UNREADABLE, f"2 rows in {side}")]
    assert not report.same


@pytest.mark.parametrize(
    ("table", "column", "cell"),
    [
        (Table.MOVIES, "year", "MCMXCIV"),
        (Table.MOVIES, "year", "0"),
        (Table.MOVIES, "rating", "11.0"),
        (Table.MOVIES, "title", None),
        (Table.MOVIES, "scraped_at", "yesterday"),
        (Table.MOVIES, "scraped_at", None),
        (Table.MOVIES, "release_date", "14/10/1994"),
        (Table.PEOPLE, "name", None),
        (Table.CREDITS, "characters", '["Neo"'),
        (Table.CREDITS, "characters", "Neo"),
        (Table.CREDITS, "characters", '{"a": 1}'),
        (Table.CREDITS, "person_id", "1"),
    ],
)
def test_a_cell_that_cannot_be_read_is_found(table: Table, column: str, cell: str | None) -> None:
    report, found = compare(with_cell(table, column, cell), GOOD)
    assert [one.verdict for one in found] == [Verdict.UNREADABLE]
    assert found[0].detail
    assert not report.same


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table, field.name)
        for table in Table
        for field in table.fields
        if field.name in table.key and field.type is not FieldType.TEXT
    ],
)
def test_a_key_that_cannot_be_read_leaves_the_right_one_missing(table: Table, column: str) -> None:
    _, found = compare(with_cell(table, column, "x"), GOOD)
    assert sorted(one.verdict for one in found) == [Verdict.MISSING, Verdict.UNREADABLE]


@pytest.mark.parametrize("table", Table)
@pytest.mark.parametrize("change", ["short", "long", "empty"])
def test_a_row_of_another_length_is_found(table: Table, change: str) -> None:
    row = GOOD[table][0]
    bad: Row = {"short": row[:-1], "long": (*row, "more"), "empty": ()}[change]
    report, found = compare(with_row(table, 0, bad), GOOD)
    assert Verdict.UNREADABLE in [one.verdict for one in found]
    assert not report.same


def test_a_store_out_of_order_is_no_quiet_success() -> None:
    wrong = GivenRows("csv", {table: list(reversed(rows)) for table, rows in GOOD.items()}, ordered=False)
    with pytest.raises(RuntimeError, match="csv gives movies out of order"):
        verify([wrong, GivenRows("postgres", GOOD)])


# --- any damage -----------------------------------------------------------------

_cells = st.none() | st.text(max_size=5) | st.sampled_from(["1", "tt0000001", "nm0000002", "cast", "[]", "2.0"])


@st.composite
def _damaged(draw: st.DrawFn) -> dict[Table, list[Row]]:
    rows = {table: list(listed) for table, listed in GOOD.items()}
    for _ in range(draw(st.integers(1, 3))):
        table = draw(st.sampled_from(list(Table)))
        if not rows[table]:
            continue
        place = draw(st.integers(0, len(rows[table]) - 1))
        match draw(st.sampled_from(["cell", "gone", "twice", "cut", "swapped"])):
            case "cell":
                row = list(rows[table][place])
                if row:
                    row[draw(st.integers(0, len(row) - 1))] = draw(_cells)
                rows[table][place] = tuple(row)
            case "gone":
                del rows[table][place]
            case "twice":
                rows[table].append(rows[table][place])
            case "cut":
                rows[table][place] = rows[table][place][: draw(st.integers(0, len(table.columns)))]
            case "swapped":
                row = list(rows[table][place])
                row.reverse()
                rows[table][place] = tuple(row)
    return rows


@given(damaged=_damaged(), in_csv=st.booleans())
def test_any_damage_in_either_store_is_found(damaged: dict[Table, list[Row]], in_csv: bool) -> None:
    report, found = compare(damaged, GOOD) if in_csv else compare(GOOD, damaged)
    harmed = {table for table in Table if not _equal(table, damaged[table], GOOD[table])}
    assert {one.table for one in found} == harmed
    assert report.same == (not harmed)


def _equal(table: Table, damaged: list[Row], good: list[Row]) -> bool:
    """By another way than the checker's: as bags of rows, numbers by their value, but keys by their text.

    An empty list is a missing one, but in ``incomplete``.
    """
    lists = {field.name for field in table.fields if field.type is FieldType.TEXT_LIST and not field.keep_empty}
    numbers = {field.name for field in table.fields if field.is_number and field.name not in table.key}

    def value(column: str, cell: str | None) -> object:
        if cell is not None and column in numbers and cell.strip().replace(".", "", 1).isdecimal():
            return float(cell)
        return None if cell == "[]" and column in lists else cell

    def plain(row: Row) -> tuple[object, ...]:
        if len(row) != len(table.columns):
            return (*row, "not as long as it should be")
        return tuple(value(column, cell) for column, cell in zip(table.columns, row, strict=True))

    return sorted(map(repr, map(plain, damaged))) == sorted(map(repr, map(plain, good)))


# --- telling --------------------------------------------------------------------


def test_the_report_keeps_a_few_examples_and_tells_all() -> None:
    many = rows_of(*(movie(number) for number in range(1, 101)))
    found: list[Finding] = []
    report = verify([GivenRows("csv", many), GivenRows("postgres", rows_of())], on_finding=found.append)
    assert report.tables[0].found["missing"] == 100
    assert len(found) == 100
    assert [str(one) for one in report.examples[:2]] == [
        "movies tt0000001: missing (not in postgres)", "movies tt0000002: missing (not in postgres)",
    ]  # fmt: skip
    assert len(report.examples) == 20


def test_a_finding_reads_well() -> None:
    _, found = compare(with_cell(Table.CREDITS, "characters", '["Other"]'), GOOD)
    assert str(found[0]) == "credits tt0000001 cast 1: differs (characters)"


def test_how_much_is_filled_is_counted_and_warned_of() -> None:
    rows = rows_of(full_movie(1, cast=3), full_movie(2, cast=3), movie(3), movie(4), movie(5))
    report = verify([GivenRows("csv", rows), GivenRows("postgres", rows)], threshold=0.5)
    movies, listed = report.movies, report.tables[2]
    assert (movies.share("title"), movies.share("plot"), movies.rows) == (1.0, 0.4, 5)
    assert listed.share("characters") == 1.0  # of the cast alone
    assert "plot is filled in 2 of 5 movies only" in report.warnings
    assert not any(warning.startswith(("budget", "title")) for warning in report.warnings)
    assert report.good  # a warning is no fault
    assert verify([GivenRows("csv", rows), GivenRows("postgres", rows)], threshold=0.4).warnings == ()


def test_movies_with_fields_that_were_cut_off_are_counted() -> None:
    rows = rows_of(replace(movie(1), incomplete=("cast",)), movie(2), replace(movie(3), incomplete=None))
    report = verify([GivenRows("csv", rows)])
    assert (report.movies.cut, report.movies.rows, report.good) == (1, 3, True)


def test_three_stores_are_compared_with_the_first() -> None:
    stores = [GivenRows("csv", GOOD), GivenRows("postgres", GOOD), GivenRows("sqlite", with_row(Table.MOVIES, 0))]
    report = verify(stores)
    assert [str(one) for one in report.examples] == ["movies tt0000001: missing (not in sqlite)"]
    assert report.stores == ("csv", "postgres", "sqlite")


def test_one_store_alone_is_checked_for_what_cannot_be_read() -> None:
    assert verify([GivenRows("csv", GOOD)]).same
    report = verify([GivenRows("csv", with_cell(Table.MOVIES, "year", "x"))])
    assert [one.verdict for one in report.examples] == [Verdict.UNREADABLE]


# --- complete -------------------------------------------------------------------


def _checked(csv: list[Movie], postgres: list[Movie], expectation: Expectation) -> VerifyReport:
    return verify([GivenRows("csv", rows_of(*csv)), GivenRows("postgres", rows_of(*postgres))], expectation=expectation)


def test_everything_that_the_run_has_done_is_there() -> None:
    saved = [movie(1), movie(2)]
    report = _checked(saved, saved, Expectation(JobCounts(2, 2, 0), {"tt0000001", "tt0000002"}))
    assert (report.good, report.missing, report.progress) == (True, (), None)


def test_what_one_store_lacks_is_missing_there_alone() -> None:
    report = _checked([movie(1), movie(7)], [movie(1), movie(2)], Expectation(JobCounts(2, 2, 0), IDS))
    assert report.missing == ("csv: only 1 of the 2 titles that the last run has done are there",)
    assert not report.good


IDS = {"tt0000001", "tt0000002"}


def test_an_interrupted_run_says_how_far_it_is_and_that_the_stores_agree() -> None:
    saved = [movie(1), movie(2)]
    report = _checked(saved, saved, Expectation(JobCounts(5, 2, 1), IDS))
    assert report.same
    assert not report.missing
    assert report.progress == "the last run has done 2 of 5 titles, 1 failed; 2 are pending"
    assert not report.good


# --- while a run is going on ----------------------------------------------------


class Moving(GivenRows):
    """A store into which a movie arrives between two readings."""

    def __init__(self, name: str, before: dict[Table, list[Row]], after: dict[Table, list[Row]]) -> None:
        super().__init__(name, before)
        self._after = GivenRows(name, after)
        self._read: set[Table] = set()

    def rows(self, table: Table) -> Iterator[Row]:
        if table in self._read:
            return self._after.rows(table)
        self._read.add(table)
        return super().rows(table)


def test_a_movie_in_flight_is_no_difference_but_a_lasting_one_is() -> None:
    lasting, arriving = full_movie(1), full_movie(2)
    csv = GivenRows("csv", rows_of(lasting, arriving))
    postgres = Moving("postgres", rows_of(), rows_of(arriving))
    found: list[Finding] = []
    report = verify([csv, postgres], on_finding=found.append, live=True)
    assert not report.same
    assert {one.key for one in found if one.table is Table.MOVIES} == {("tt0000001",)}
    assert verify([csv, Moving("postgres", rows_of(), rows_of(lasting, arriving))], live=True).same


def test_what_begins_to_differ_in_the_second_reading_is_in_flight() -> None:
    csv = Moving("csv", rows_of(), rows_of(full_movie(1)))
    report = verify([csv, GivenRows("postgres", rows_of())], live=True)
    assert report.same
    assert report.tables[0].moving == 1
