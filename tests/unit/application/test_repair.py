"""Whatever two stores disagree on, repairing makes them equal, and says what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.repair import Action, Step, repair
from application.verify import verify
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from tests.support.movies import full_movie, imdb_id, movie, person
from tests.support.repositories import InMemoryMovieRepository


def stores(csv: list[Movie], postgres: list[Movie]) -> tuple[InMemoryMovieRepository, InMemoryMovieRepository]:
    made = (InMemoryMovieRepository("csv"), InMemoryMovieRepository("postgres"))
    for store, saved in zip(made, (csv, postgres), strict=True):
        for one in saved:
            store.save(one)
    return made


def repaired(csv: InMemoryMovieRepository, postgres: InMemoryMovieRepository) -> list[Action]:
    actions = list(repair(csv, postgres))
    assert verify(csv, postgres).same
    assert csv.finished
    assert postgres.finished
    return actions


def steps(actions: list[Action]) -> list[tuple[Step, str]]:
    return [(action.step, action.key) for action in actions]


def test_equal_stores_need_nothing() -> None:
    assert repaired(*stores([full_movie(1)], [full_movie(1)])) == []


def test_what_one_store_lacks_is_copied_with_its_credits() -> None:
    csv, postgres = stores([full_movie(1), full_movie(2)], [full_movie(2), full_movie(3)])
    actions = repaired(csv, postgres)
    assert steps(actions) == [(Step.TO_POSTGRES, imdb_id(1)), (Step.TO_CSV, imdb_id(3))]
    assert str(actions[0]) == "tt0000001: copied from CSV to PostgreSQL (not in PostgreSQL)"
    for store in (csv, postgres):
        assert [store.find(imdb_id(number)) for number in (1, 2, 3)] == [full_movie(number) for number in (1, 2, 3)]


def test_the_newer_record_wins() -> None:
    newer = movie(1, minutes=1, title="Newer")
    for csv, postgres, step in (
        (newer, movie(1), Step.TO_POSTGRES),
        (movie(1), newer, Step.TO_CSV),
    ):
        first, second = stores([csv], [postgres])
        assert steps(repaired(first, second)) == [(step, imdb_id(1))]
        assert first.find(imdb_id(1)) == second.find(imdb_id(1)) == newer


def test_postgres_wins_ties() -> None:
    csv, postgres = stores([movie(1, title="In CSV")], [movie(1, title="In PostgreSQL")])
    assert repaired(csv, postgres) == [Action(Step.TO_CSV, imdb_id(1), "of the same time; differs")]
    assert csv.find(imdb_id(1)) == movie(1, title="In PostgreSQL")


def test_credits_alone_that_differ_are_copied_once() -> None:
    csv, postgres = stores([movie(1, cast=[person(1)])], [movie(1, cast=[person(2), person(3)])])
    assert steps(repaired(csv, postgres)) == [(Step.TO_CSV, imdb_id(1)), (Step.DROPPED, "nm0000001")]
    assert csv.find(imdb_id(1)) == movie(1, cast=[person(2), person(3)])


def test_names_alone_that_differ_are_those_of_postgres() -> None:
    csv, postgres = stores([movie(1, cast=[person(1)])], [movie(1, cast=[person(1)])])
    csv.rename(person(1, "Misspelt"))
    assert steps(repaired(csv, postgres)) == [(Step.RENAMED, "nm0000001")]
    assert list(csv.rows(Table.PEOPLE)) == [("nm0000001", "Person 1")]


def test_people_whom_nobody_credits_leave_both() -> None:
    csv, postgres = stores([full_movie(1)], [full_movie(1)])
    csv.rename(person(7_000_001))
    postgres.rename(person(7_000_002))
    told = repaired(csv, postgres)
    assert [str(action) for action in told] == [
        "nm7000001: dropped (only in CSV; no movie credits this person)",
        "nm7000002: dropped (only in PostgreSQL; no movie credits this person)",
    ]
    assert not {"nm7000001", "nm7000002"} & {row[0] for row in csv.rows(Table.PEOPLE)}


# --- what cannot be -------------------------------------------------------------


class Troubled(InMemoryMovieRepository):
    """A store in which one movie cannot be read, or none can be saved."""

    def __init__(self, name: str, *, unreadable: str = "", on_save: Callable[[], None] = lambda: None) -> None:
        super().__init__(name)
        self._unreadable = unreadable
        self._on_save = on_save

    def find(self, imdb_id: str) -> Movie | None:
        if imdb_id == self._unreadable:
            raise StoreError(self.name, f"{imdb_id} cannot be read: year 'x'")
        return super().find(imdb_id)

    def save(self, movie: Movie) -> None:
        self._on_save()
        super().save(movie)
        if movie.imdb_id == self._unreadable:
            self._unreadable = ""


def test_what_cannot_be_read_is_replaced() -> None:
    csv = Troubled("csv")
    csv.save(movie(1, title="Damaged"))
    csv._unreadable = imdb_id(1)
    _, postgres = stores([], [movie(1)])
    assert repaired(csv, postgres) == [Action(Step.TO_CSV, imdb_id(1), "csv: tt0000001 cannot be read: year 'x'")]


def test_what_is_in_one_store_only_and_cannot_be_read_is_given_up_and_said_so() -> None:
    csv = Troubled("csv")
    csv.save(movie(1))
    csv._unreadable = imdb_id(1)
    actions = list(repair(csv, InMemoryMovieRepository("postgres")))
    assert actions == [Action(Step.GIVEN_UP, imdb_id(1), "csv: tt0000001 cannot be read: year 'x'")]


def test_a_record_that_the_other_store_refuses_is_given_up_and_the_rest_goes_on() -> None:
    def refuse() -> None:
        if not refused:
            refused.append(True)
            raise RecordRejected("postgres", "tt0000001: votes is too large")

    refused: list[bool] = []
    csv, _ = stores([movie(1), movie(2)], [])
    actions = list(repair(csv, Troubled("postgres", on_save=refuse)))
    assert actions[0] == Action(Step.GIVEN_UP, imdb_id(1), "postgres: tt0000001: votes is too large")
    assert steps(actions[1:]) == [(Step.TO_POSTGRES, imdb_id(2))]


def test_a_store_that_is_gone_ends_it() -> None:
    def gone() -> None:
        raise StoreUnavailable("postgres", "the server has gone")

    csv, _ = stores([movie(1)], [])
    with pytest.raises(StoreUnavailable, match="the server has gone"):
        list(repair(csv, Troubled("postgres", on_save=gone)))


# --- any two stores -------------------------------------------------------------

_people = st.lists(st.builds(person, st.integers(1, 4), st.sampled_from(["Ann", "Bob"])), max_size=3)
_saved = st.builds(
    lambda number, minutes, title, cast: replace(
        movie(number, minutes=minutes, title=title, cast=list({one.person_id: one for one in cast}.values()))
    ),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(["A", "B"]),
    _people,
)


@given(csv=st.lists(_saved, max_size=6), postgres=st.lists(_saved, max_size=6))
def test_any_two_stores_become_equal_and_lose_no_movie(csv: list[Movie], postgres: list[Movie]) -> None:
    first, second = stores(csv, postgres)
    newest = {
        one: max(found.scraped_at for store in (first, second) if (found := store.find(one)) is not None)
        for one in {saved.imdb_id for saved in csv + postgres}
    }
    actions = repaired(first, second)
    assert not [action for action in actions if action.step is Step.GIVEN_UP]
    for one, scraped_at in newest.items():
        found = first.find(one)
        assert found is not None
        assert found.scraped_at == scraped_at
    assert repaired(first, second) == []
