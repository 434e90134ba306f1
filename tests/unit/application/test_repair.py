"""Whatever stores disagree on, repairing makes them equal, and says what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.records import Row, chart_rows, details_row, to_row
from application.repair import RepairAction, RepairStep, prune, repair
from application.verify import verify
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie, PersonDetails
from tests.support.movies import EPOCH, full_movie, imdb_id, movie, person
from tests.support.repositories import InMemoryMovieRepository


def stores(*contents: list[Movie]) -> tuple[InMemoryMovieRepository, ...]:
    made = []
    for name, saved in zip(("csv", "postgres", "sqlite"), contents, strict=False):
        store = InMemoryMovieRepository(name)
        for one in saved:
            store.save(one)
        made.append(store)
    return tuple(made)


def repaired(*given: InMemoryMovieRepository) -> list[RepairAction]:
    actions = list(repair(given))
    assert verify(given).same
    assert all(store.finished for store in given)
    return actions


def texts(actions: list[RepairAction]) -> list[str]:
    return [str(action) for action in actions]


def test_equal_stores_need_nothing() -> None:
    assert repaired(*stores([full_movie(1)], [full_movie(1)])) == []


def test_what_one_store_lacks_is_copied_with_its_credits() -> None:
    csv, postgres = stores([full_movie(1), full_movie(2)], [full_movie(2), full_movie(3)])
    assert texts(repaired(csv, postgres)) == [
        "tt0000001: copied (from csv to postgres: not in postgres)",
        "tt0000003: copied (from postgres to csv: not in csv)",
    ]
    for store in (csv, postgres):
        assert [store.find(imdb_id(number)) for number in (1, 2, 3)] == [full_movie(number) for number in (1, 2, 3)]


def test_a_store_that_was_empty_is_filled_with_every_table() -> None:
    csv, empty = stores([full_movie(1), full_movie(2)], [])
    details = PersonDetails(full_movie(1).cast[0].person.person_id, EPOCH, "graphql", born="1950")
    csv.save_rows(Table.PEOPLE, [details_row(details)])
    csv.replace_chart("top250", [*chart_rows("top250", ["tt0000002", "tt0000001"], EPOCH)])
    csv.save_rows(Table.MY_RATINGS, [to_row(Table.MY_RATINGS, {"imdb_id": "tt0000001", "rating": 8, "read_at": EPOCH})])
    history = {"imdb_id": "tt0000001", "day": date(2026, 1, 1), "rating": 8.0, "votes": 9}
    csv.save_rows(Table.RATINGS_HISTORY, [to_row(Table.RATINGS_HISTORY, history)])
    repaired(csv, empty)
    for table in Table:
        if table is not Table.AKAS:
            assert list(empty.rows(table)), table


def test_the_newer_record_wins() -> None:
    newer = movie(1, minutes=1, title="Newer")
    for csv, postgres, way in ((newer, movie(1), "csv to postgres"), (movie(1), newer, "postgres to csv")):
        first, second = stores([csv], [postgres])
        assert texts(repaired(first, second)) == [f"tt0000001: copied (from {way}: newer)"]
        assert first.find(imdb_id(1)) == second.find(imdb_id(1)) == newer


def test_of_records_of_one_time_the_later_data_files_win() -> None:
    loaded = replace(movie(1), dataset_day=date(2026, 1, 9), year=1994, rating=7.7, votes=9)
    csv, postgres = stores([movie(1)], [loaded])
    assert texts(repaired(csv, postgres)) == ["tt0000001: copied (from postgres to csv: newer)"]
    assert csv.find(imdb_id(1)) == loaded


def test_a_page_wins_over_newer_data_files_and_gets_their_figures() -> None:
    page = replace(movie(1), source="page", plot="A ferry.", rating=8.8, votes=5)
    day = EPOCH + timedelta(9)
    loaded = replace(movie(1), source="datasets", rating=7.7, votes=9, scraped_at=day, dataset_day=day.date())
    for contents in ([page], [loaded]), ([loaded], [page]):
        given = stores(*contents)
        repaired(*given)
        both = replace(page, rating=7.7, votes=9, dataset_day=day.date())
        assert [store.find(imdb_id(1)) for store in given] == [both, both]


def test_of_three_stores_the_newest_record_goes_to_the_others() -> None:
    newest = movie(1, minutes=2, title="Newest")
    given = stores([movie(1)], [newest], [])
    assert texts(repaired(*given)) == [
        "tt0000001: copied (from postgres to csv: newer)",
        "tt0000001: copied (from postgres to sqlite: not in sqlite)",
    ]
    assert [store.find(imdb_id(1)) for store in given] == [newest] * 3


def test_ties_go_to_the_store_named_first() -> None:
    csv, postgres = stores([movie(1, title="In CSV")], [movie(1, title="In PostgreSQL")])
    assert texts(repaired(csv, postgres)) == [
        "tt0000001: copied (from csv to postgres: of the same time; differs: title)"
    ]
    assert postgres.find(imdb_id(1)) == movie(1, title="In CSV")


def test_credits_alone_that_differ_are_copied_once_and_people_stay() -> None:
    csv, postgres = stores([movie(1, cast=[person(1)])], [movie(1, cast=[person(2), person(3)])])
    actions = repaired(csv, postgres)
    assert [action.key for action in actions].count("tt0000001") == 1
    assert postgres.find(imdb_id(1)) == movie(1, cast=[person(1)])
    assert {row[0] for row in csv.rows(Table.PEOPLE)} == {"nm0000001", "nm0000002", "nm0000003"}


def test_of_two_names_of_one_time_the_smaller_goes_to_both() -> None:
    csv, postgres = stores([movie(1, cast=[person(1, "Ann")])], [movie(1, cast=[person(1, "Bob")])])
    assert texts(repaired(csv, postgres)) == ["people nm0000001: merged (differs: name)"]
    assert next(postgres.rows(Table.PEOPLE))[1] == "Ann"


def test_the_newest_reading_of_a_chart_goes_to_the_others() -> None:
    csv, postgres = stores([], [])
    csv.replace_chart("toptv", [*chart_rows("toptv", ["tt0000001"], EPOCH)])
    csv.replace_chart("top250", [*chart_rows("top250", ["tt0000001", "tt0000002"], EPOCH)])
    later = [*chart_rows("top250", ["tt0000003"], EPOCH + timedelta(1))]
    postgres.replace_chart("top250", later)
    assert [action.key for action in repaired(csv, postgres)] == ["chart top250", "chart toptv"]
    assert [row for row in csv.rows(Table.CHARTS) if row[0] == "top250"] == later


def test_people_without_credits_are_pruned_on_demand() -> None:
    given = stores([movie(1, cast=[person(1)])], [movie(1, cast=[person(1)])])
    for store in given:
        store.save(movie(1, minutes=1, cast=[person(2)]))
    assert prune(given) == 1
    assert verify(given).same
    assert [row[0] for row in given[0].rows(Table.PEOPLE)] == ["nm0000002"]


# --- what cannot be -------------------------------------------------------------


class Troubled(InMemoryMovieRepository):
    """A store in which one movie cannot be read, or none can be saved."""

    def __init__(self, name: str, *, unreadable: str = "", on_save: Callable[[], None] = lambda: None) -> None:
        super().__init__(name)
        self.unreadable = unreadable
        self._on_save = on_save

    def find(self, imdb_id: str) -> Movie | None:
        if imdb_id == self.unreadable:
            raise StoreError(self.name, f"{imdb_id} cannot be read: year 'x'")
        return super().find(imdb_id)

    def rows(self, table: Table) -> Iterator[Row]:
        for row in super().rows(table):
            if table is Table.MOVIES and row[0] == self.unreadable:
                year = table.column_index("year")
                yield (*row[:year], "x", *row[year + 1 :])
            else:
                yield row

    def replace(self, imdb_id: str, movie: Movie | None) -> None:
        self._on_save()
        super().replace(imdb_id, movie)
        if imdb_id == self.unreadable:
            self.unreadable = ""


def test_what_cannot_be_read_is_replaced() -> None:
    csv = Troubled("csv")
    csv.save(movie(1, title="Damaged"))
    csv.unreadable = imdb_id(1)
    postgres = InMemoryMovieRepository("postgres")
    postgres.save(movie(1))
    assert texts(repaired(csv, postgres)) == [
        "tt0000001: copied (from postgres to csv: csv: tt0000001 cannot be read: year 'x')"
    ]


def test_what_is_in_one_store_only_and_cannot_be_read_is_reported() -> None:
    csv = Troubled("csv")
    csv.save(movie(1))
    csv.unreadable = imdb_id(1)
    actions = list(repair([csv, InMemoryMovieRepository("postgres")]))
    assert texts(actions) == ["tt0000001: could not be repaired (csv: tt0000001 cannot be read: year 'x')"]


def test_a_record_that_the_other_store_refuses_is_reported_and_the_rest_is_repaired() -> None:
    refused: list[bool] = []

    def refuse() -> None:
        if not refused:
            refused.append(True)
            raise RecordRejected("postgres", "tt0000001: votes is too large")

    (csv,) = stores([movie(1), movie(2)])
    actions = list(repair([csv, Troubled("postgres", on_save=refuse)]))
    assert texts(actions) == [
        "tt0000001: could not be repaired (postgres: tt0000001: votes is too large)",
        "tt0000002: copied (from csv to postgres: not in postgres)",
    ]


def test_a_store_that_is_gone_ends_it() -> None:
    def gone() -> None:
        raise StoreUnavailable("postgres", "the server is gone")

    (csv,) = stores([movie(1)])
    with pytest.raises(StoreUnavailable, match="the server is gone"):
        list(repair([csv, Troubled("postgres", on_save=gone)]))


# --- any stores -----------------------------------------------------------------

_people = st.lists(st.builds(person, st.integers(1, 4), st.sampled_from(["Ann", "Bob"])), max_size=3)
_saved = st.builds(
    lambda number, minutes, title, cast: movie(
        number, minutes=minutes, title=title, cast=list({one.person_id: one for one in cast}.values())
    ),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(["A", "B"]),
    _people,
)
_contents = st.lists(_saved, max_size=6)


@given(contents=st.lists(_contents, min_size=2, max_size=3))
def test_any_stores_become_equal_and_lose_no_movie(contents: list[list[Movie]]) -> None:
    given = stores(*contents)
    newest = {
        one: max(found.scraped_at for store in given if (found := store.find(one)) is not None)
        for one in {saved.imdb_id for saved in chain(*contents)}
    }
    actions = repaired(*given)
    assert not [action for action in actions if action.step is RepairStep.FAILED]
    for one, scraped_at in newest.items():
        found = given[0].find(one)
        assert found is not None
        assert found.scraped_at == scraped_at
    assert repaired(*given) == []
