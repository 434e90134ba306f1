from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from application.rating_movers import rating_movers
from application.records import Row, to_row
from domain.errors import UsageError
from domain.fields import Table
from tests.support.movies import imdb_id, movie
from tests.support.repositories import InMemoryMovieRepository


def history(number: int, *days: tuple[int, float | None, int]) -> Iterator[Row]:
    for day, rating, votes in days:
        values = {"imdb_id": imdb_id(number), "day": date(2026, 11, day), "rating": rating, "votes": votes}
        yield to_row(Table.RATINGS_HISTORY, values)


def test_the_largest_changes_since_a_day_come_first() -> None:
    store = InMemoryMovieRepository()
    store.save(movie(2))
    store.save_rows(Table.RATINGS_HISTORY, history(1, (1, 8.0, 100), (5, 8.1, 150), (20, 8.2, 170)))
    store.save_rows(Table.RATINGS_HISTORY, history(2, (1, 8.0, 100), (9, 7.5, 90)))
    store.save_rows(Table.RATINGS_HISTORY, history(3, (1, 8.0, 100), (4, 9.0, 100)))  # before that day
    store.save_rows(Table.RATINGS_HISTORY, history(4, (12, 5.0, 100), (20, 5.2, 100)))  # known later
    table = rating_movers(lambda: store.rows(Table.RATINGS_HISTORY), timedelta(days=14), store.find)
    found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(row["imdb_id"], row["change"], row["votes_gained"]) for row in found] == [
        (imdb_id(2), -0.5, -10),
        (imdb_id(4), 0.2, 0),
        (imdb_id(1), 0.1, 20),
    ]
    assert found[0]["title"] == movie(2).title
    assert (found[2]["day_before"], found[2]["rating_before"], found[2]["rating"]) == ("2026-11-05", 8.1, 8.2)


def test_without_a_history_it_says_how_to_get_one() -> None:
    with pytest.raises(UsageError, match="load data files on two days"):
        rating_movers(lambda: iter(()), timedelta(days=30), lambda _id: None)
