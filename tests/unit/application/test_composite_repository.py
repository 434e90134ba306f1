"""Every save goes to all stores at once; what one refuses is a new version in none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from application.composite_repository import CompositeMovieRepository
from application.records import MovieRows, chart_rows
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from tests.support.movies import EPOCH, imdb_id, movie, person
from tests.support.repositories import InMemoryMovieRepository

MOVIE = movie(1)


class ObservedStore(InMemoryMovieRepository):
    """A store that calls a function before each save."""

    def __init__(
        self, name: str, on_save: Callable[[Movie], object] = lambda movie: None, *, may_reject: bool = False
    ) -> None:
        super().__init__(name, may_reject=may_reject)
        self.on_save = on_save

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        self.on_save(movie)
        super().save(movie, rows)


class BackgroundStore(ObservedStore):
    """A store that saves on a thread of its own."""

    def save_async(self, movie: Movie, rows: MovieRows | None = None) -> Callable[[], None]:
        future = ThreadPoolExecutor(1).submit(self.save, movie, rows)
        return future.result


def failing(error: Exception) -> Callable[[Movie], object]:
    def fail(_: Movie) -> None:
        raise error

    return fail


def held(store: InMemoryMovieRepository) -> list[str | None]:
    return [row[1] for row in store.rows(Table.MOVIES)]


def test_it_holds_what_all_hold() -> None:
    stores = [InMemoryMovieRepository(name) for name in "abc"]
    for store, numbers in zip(stores, [(3, 1, 2), (2, 3), (3, 2, 4)], strict=True):
        for number in numbers:
            store.save(movie(number))
    assert list(CompositeMovieRepository(stores).ids()) == ["tt0000002", "tt0000003"]


def test_background_stores_and_the_caller_save_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)  # breaks unless all three stand in it together
    stores = [
        BackgroundStore("csv", lambda _: meeting.wait()),
        ObservedStore("postgres", lambda _: meeting.wait()),
        BackgroundStore("sqlite", lambda _: meeting.wait()),
    ]
    CompositeMovieRepository(stores).save(MOVIE)
    assert [held(store) for store in stores] == [["Title 1"]] * 3


def test_fifty_threads_save_at_once_without_waiting_for_each_other() -> None:
    meeting = threading.Barrier(100, timeout=10)
    stores = [make("a", lambda _: meeting.wait()) for make in (ObservedStore, BackgroundStore)]
    both = CompositeMovieRepository(stores)
    with ThreadPoolExecutor(50) as executor:
        list(executor.map(both.save, [movie(number) for number in range(50)]))
    assert [len(held(store)) for store in stores] == [50, 50]


@pytest.mark.parametrize("name", ["postgres", "csv"])
def test_a_store_that_is_unavailable_is_named_and_the_others_were_waited_for(name: str) -> None:
    stores = [BackgroundStore("csv"), ObservedStore("postgres", may_reject=True)]
    (broken,) = (store for store in stores if store.name == name)
    (other,) = (store for store in stores if store.name != name)
    broken.on_save = failing(StoreUnavailable(name, "disk full"))
    with pytest.raises(StoreUnavailable, match=f"{name}: disk full"):
        CompositeMovieRepository(stores).save(MOVIE)
    assert held(other) == ["Title 1"]


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (StoreUnavailable("csv", "full"), StoreUnavailable("postgres", "gone"), StoreUnavailable),
        (StoreUnavailable("csv", "full"), RecordRejected("postgres", "gone"), RecordRejected),
    ],
)
def test_two_failures_are_reported_together(first: StoreError, second: StoreError, kind: type[StoreError]) -> None:
    stores = [BackgroundStore("csv", failing(first)), ObservedStore("postgres", failing(second))]
    with pytest.raises(kind, match="csv: full; postgres: gone"):
        CompositeMovieRepository(stores).save(MOVIE)


def test_an_unexpected_error_of_either_is_not_swallowed() -> None:
    for store in (BackgroundStore("csv"), ObservedStore("postgres")):
        store.on_save = failing(ZeroDivisionError("bug"))
        with pytest.raises(ZeroDivisionError, match="bug"):
            CompositeMovieRepository([store, InMemoryMovieRepository("other")]).save(MOVIE)


# --- a record that one store refuses ---------------------------------------------


def refusing(*held_before: Movie) -> tuple[BackgroundStore, ObservedStore, CompositeMovieRepository]:
    csv, postgres = BackgroundStore("csv"), ObservedStore("postgres", may_reject=True)
    both = CompositeMovieRepository([csv, postgres])
    for one in held_before:
        both.save(one)
    postgres.on_save = failing(RecordRejected("postgres", "votes: a constraint of the user"))
    return csv, postgres, both


def test_a_refused_title_that_was_new_is_in_no_store() -> None:
    csv, _, both = refusing()
    with pytest.raises(RecordRejected, match="a constraint of the user"):
        both.save(MOVIE)
    assert held(csv) == []


def test_of_a_refused_new_version_the_version_before_stays_in_all_stores() -> None:
    csv, postgres, both = refusing(movie(1, title="Before"))
    with pytest.raises(RecordRejected):
        both.save(movie(1, minutes=1, title="After"))
    assert held(csv) == held(postgres) == ["Before"]


def test_the_people_of_a_refused_title_are_the_same_in_all_stores() -> None:
    csv, postgres, both = refusing(movie(1, cast=[person(1)]))
    with pytest.raises(RecordRejected):
        both.save(movie(1, minutes=1, cast=[person(1, "New Name"), person(2)]))
    assert [row[1] for row in csv.rows(Table.PEOPLE)] == ["New Name", "Person 2"]
    assert list(csv.rows(Table.PEOPLE)) == list(postgres.rows(Table.PEOPLE))


def test_a_record_that_only_one_store_held_is_not_deleted_by_a_refusal() -> None:
    csv, postgres, both = refusing()
    csv.save(movie(1, title="Refused before, too"))
    with pytest.raises(RecordRejected):
        both.save(movie(1, minutes=1))
    assert (held(csv), held(postgres)) == (["Refused before, too"], [])


def test_what_a_store_refuses_at_once_is_undone_in_the_others() -> None:
    class Refusing(BackgroundStore):
        def save_async(self, movie: Movie, rows: MovieRows | None = None) -> Callable[[], None]:
            raise RecordRejected("sqlite", "a NUL")

    postgres = ObservedStore("postgres", may_reject=True)
    with pytest.raises(RecordRejected, match="sqlite: a NUL"):
        CompositeMovieRepository([postgres, Refusing("sqlite", may_reject=True)]).save(MOVIE)
    assert held(postgres) == []


# --- the rest --------------------------------------------------------------------


def test_charts_rows_and_markers_go_to_all_stores() -> None:
    stores = [InMemoryMovieRepository(name) for name in ("csv", "postgres")]
    both = CompositeMovieRepository(stores)
    assert both.marker is None
    both.mark_as_equal()
    assert both.marker == stores[0].marker == stores[1].marker
    both.mark_as_equal()
    stores[0].set_marker("written alone")
    assert both.marker is None
    both.replace_chart("top250", [*chart_rows("top250", [imdb_id(1)], EPOCH)])
    assert [list(store.rows(Table.CHARTS)) for store in stores] == [list(both.rows(Table.CHARTS))] * 2
    assert both.name == "csv and postgres"


def test_all_stores_are_finalized_and_closed_even_if_one_fails() -> None:
    class Failing(InMemoryMovieRepository):
        def finalize(self) -> None:
            raise StoreUnavailable(self.name, "disk full")

    last = InMemoryMovieRepository("postgres")
    both = CompositeMovieRepository([Failing("csv"), last])
    with pytest.raises(StoreUnavailable, match="csv: disk full"):
        both.finalize()
    both.close()
    assert (last.finished, last.closed) == (1, True)
