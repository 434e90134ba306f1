"""Reports that compare two days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from application.ports.runs import ChartSnapshot, RankedTitle
from application.records import Row, to_row
from application.reports import compare_since, rating_movers
from domain.errors import UsageError
from domain.fields import Table
from tests.support.movies import imdb_id, movie
from tests.support.repositories import InMemoryMovieRepository

# --- charts ---------------------------------------------------------------------

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def taken(days_ago: float, *ids: str, chart: str = "top250", votes: int = 100) -> ChartSnapshot:
    entries = tuple(RankedTitle(rank, imdb_id, 8.0, votes) for rank, imdb_id in enumerate(ids, 1))
    return ChartSnapshot(f"{days_ago}", chart, NOW - timedelta(days=days_ago), entries)


SNAPSHOTS = [taken(0, "d", "c", "a", votes=130), taken(6, "a", "b", "c"), taken(30, "x", "y", "z")]


def rows(name: str, days: float, snapshots: list[ChartSnapshot] = SNAPSHOTS) -> list[tuple[object, ...]]:
    (table,) = compare_since(snapshots, NOW - timedelta(days=days), [name], lambda _id: None)
    assert table.name == name
    found = list(table.rows)
    assert all(len(row) == len(table.columns) for row in found)
    return [tuple(row) for row in found]


def test_the_snapshot_nearest_to_the_moment_is_compared() -> None:
    assert rows("newcomers", 7) == [("top250", 1, None, None, 8.0, 130, "d")]
    assert rows("leavers", 7) == [("top250", 2, None, None, 8.0, 100, "b")]
    assert rows("climbers", 7) == [("top250", 1, 2, 3, None, None, 8.0, 30, "c")]
    assert len(rows("newcomers", 29)) == 3
    assert len(rows("newcomers", 9999)) == 3, "before the first run: the first one"


def test_each_chart_is_compared_with_itself() -> None:
    others = [taken(0, "e", chart="toptv"), taken(8, "f", chart="toptv"), taken(0, "g", chart="bottom100")]
    assert [row[0] for row in rows("newcomers", 7, SNAPSHOTS + others)] == ["top250", "toptv"]


def test_what_cannot_be_compared_is_one_line() -> None:
    with pytest.raises(UsageError, match="two complete runs of a chart, and there is no complete run"):
        rows("newcomers", 7, [])
    with pytest.raises(UsageError, match="two complete runs of a chart, and the only complete run ended 2026"):
        rows("newcomers", 7, SNAPSHOTS[:1])
    with pytest.raises(UsageError, match="--since has no report 'genres'; choose newcomers, leavers, climbers"):
        rows("genres", 7)


# --- ratings --------------------------------------------------------------------


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
