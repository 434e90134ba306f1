from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from application.records import Row, Table
from application.renew_ranks import renew_ranks
from tests.support.movies import movie
from tests.support.repositories import InMemoryMovieRepository

RUN = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE, DURING = RUN - timedelta(days=7), RUN + timedelta(minutes=1)


def _store(*saved: tuple[int, int | None, datetime]) -> InMemoryMovieRepository:
    store = InMemoryMovieRepository()
    for number, rank, moment in saved:
        store.save(replace(movie(number), rank=rank, scraped_at=moment))
    return store


def _ranks(store: InMemoryMovieRepository, *numbers: int) -> list[int | None]:
    found = [store.find(movie(number).imdb_id) for number in numbers]
    return [each.rank for each in found if each is not None]


def test_a_title_that_left_the_chart_has_no_rank_any_more() -> None:
    store = _store((1, 1, DURING), (2, 2, DURING), (3, 2, BEFORE))
    assert renew_ranks(store, {movie(1).imdb_id: 1, movie(2).imdb_id: 2}, RUN) == 1
    assert _ranks(store, 1, 2, 3) == [1, 2, None]


def test_a_time_that_cannot_be_is_no_reason_to_fall() -> None:
    class Infinite(InMemoryMovieRepository):
        def rows(self, table: Table) -> Iterator[Row]:
            return ((*row[:-1], "infinity") for row in super().rows(table))

    store = Infinite()
    store.save(replace(movie(3), rank=1, scraped_at=BEFORE))
    assert renew_ranks(store, {movie(1).imdb_id: 1}, RUN) == 0


def test_a_title_left_alone_by_the_run_gets_its_new_rank() -> None:
    store = _store((1, 1, BEFORE), (2, 2, BEFORE))
    renew_ranks(store, {movie(1).imdb_id: 2, movie(2).imdb_id: 1}, RUN)
    assert _ranks(store, 1, 2) == [2, 1]


def test_a_title_that_moved_to_another_id_keeps_the_rank_it_was_saved_with() -> None:
    store = _store((9, 1, DURING))
    assert renew_ranks(store, {movie(1).imdb_id: 1}, RUN) == 0
    assert _ranks(store, 9) == [1]


def test_places_that_were_not_asked_for_stay() -> None:
    store = _store((1, 1, DURING), (7, 7, BEFORE))
    assert renew_ranks(store, {movie(1).imdb_id: 1}, RUN) == 0
    assert _ranks(store, 7) == [7]
