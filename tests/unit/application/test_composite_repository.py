from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from application.composite_repository import CompositeMovieRepository
from application.records import Row
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie, title_url
from tests.support.movies import movie

MOVIE = Movie("tt0000001", "One", title_url("tt0000001"), datetime(2026, 1, 1, tzinfo=UTC))


class Store:
    """A repository whose save does what the test says."""

    def __init__(self, name: str, on_save: Callable[[Movie], None] = lambda movie: None) -> None:
        self.name = name
        self._on_save = on_save
        self.saved: list[Movie] = []
        self.steps: list[str] = []

    def save(self, movie: Movie) -> None:
        self._on_save(movie)
        self.saved.append(movie)

    def save_async(self, movie: Movie) -> Callable[[], None]:
        future = ThreadPoolExecutor(1).submit(self.save, movie)
        return lambda: future.result()

    def find(self, imdb_id: str) -> Movie | None:
        return next((movie for movie in self.saved if movie.imdb_id == imdb_id), None)

    def ids(self) -> Iterator[str]:
        return (movie.imdb_id for movie in self.saved)

    def rows(self, table: Table) -> Iterator[Row]:
        return iter(())

    def finalize(self) -> None:
        self.steps.append("finalize")

    def close(self) -> None:
        self.steps.append("close")


def _failing(error: Exception) -> Callable[[Movie], None]:
    def fail(movie: Movie) -> None:
        raise error

    return fail


def test_it_holds_what_both_hold() -> None:
    first, second = Store("postgres"), Store("csv")
    first.saved, second.saved = [movie(1), movie(2)], [movie(3), movie(2)]
    assert list(CompositeMovieRepository(first, second).ids()) == ["tt0000002"]


def test_both_stores_save_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)  # breaks unless both branches stand in it together
    first, second = (Store(name, lambda movie: _ignore(meeting.wait())) for name in ("postgres", "csv"))
    both = CompositeMovieRepository(first, second)
    both.save(MOVIE)
    assert first.saved == second.saved == [MOVIE]
    both.close()


def _ignore(_: object) -> None:
    return None


def test_fifty_threads_save_at_once_without_waiting_for_each_other() -> None:
    meeting = threading.Barrier(100, timeout=10)
    first, second = (Store(name, lambda movie: _ignore(meeting.wait())) for name in ("postgres", "csv"))
    both = CompositeMovieRepository(first, second)
    threads = [threading.Thread(target=both.save, args=(MOVIE,)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.saved) == len(second.saved) == 50
    both.close()


@pytest.mark.parametrize("failing", ["postgres", "csv"])
def test_a_failure_of_one_is_a_failure_that_names_it_and_the_other_was_waited_for(failing: str) -> None:
    stores = {
        name: Store(name, _failing(StoreUnavailable(name, "disk full")) if name == failing else lambda movie: None)
        for name in ("postgres", "csv")
    }
    both = CompositeMovieRepository(stores["postgres"], stores["csv"])
    with pytest.raises(StoreUnavailable, match=f"{failing}: disk full"):
        both.save(MOVIE)
    (other,) = (store for name, store in stores.items() if name != failing)
    assert other.saved == [MOVIE]
    both.close()


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (StoreUnavailable("postgres", "gone"), StoreUnavailable("csv", "full"), StoreUnavailable),
        (RecordRejected("postgres", "gone"), StoreUnavailable("csv", "full"), RecordRejected),
    ],
)
def test_two_failures_are_told_together(first: StoreError, second: StoreError, kind: type[StoreError]) -> None:
    both = CompositeMovieRepository(Store("postgres", _failing(first)), Store("csv", _failing(second)))
    with pytest.raises(kind, match="postgres: gone; csv: full"):
        both.save(MOVIE)
    both.close()


def test_an_unexpected_error_of_either_branch_is_not_swallowed() -> None:
    both = CompositeMovieRepository(Store("postgres"), Store("csv", _failing(ZeroDivisionError("bug"))))
    with pytest.raises(ZeroDivisionError, match="bug"):
        both.save(MOVIE)
    both.close()


def test_what_the_second_store_refuses_at_once_does_not_keep_the_first_from_saving() -> None:
    class Refusing(Store):
        def save_async(self, movie: Movie) -> Callable[[], None]:
            raise RecordRejected("csv", "a NUL")

    first = Store("postgres")
    with pytest.raises(RecordRejected, match="csv: a NUL"):
        CompositeMovieRepository(first, Refusing("csv")).save(MOVIE)
    assert first.saved == [MOVIE]


def test_it_is_a_repository_that_finishes_and_closes_both() -> None:
    first, second = Store("postgres"), Store("csv")
    both = CompositeMovieRepository(first, second)
    both.save(MOVIE)
    assert both.find("tt0000001") == MOVIE
    both.finalize()
    both.close()
    assert first.steps == second.steps == ["finalize", "close"]
