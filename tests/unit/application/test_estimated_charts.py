from __future__ import annotations

from dataclasses import replace

import pytest

from application.estimated_charts import estimates, estimates_taken_for_charts, save_estimates, weighted_rating
from application.records import chart_rows, movie_row
from domain.fields import Table
from tests.support.movies import EPOCH, imdb_id, movie
from tests.support.repositories import InMemoryMovieRepository


def test_few_votes_pull_a_rating_towards_the_mean() -> None:
    assert weighted_rating(9.0, 25_000) == pytest.approx(8.0)
    assert weighted_rating(9.0, 75_000) == pytest.approx(8.5)
    assert weighted_rating(5.0, 25_000) == pytest.approx(6.0)


def test_only_titles_of_the_kind_with_enough_votes_take_part() -> None:
    rated = [
        replace(movie(1), kind="movie", rating=9.0, votes=30_000),
        replace(movie(2), kind="movie", rating=8.9, votes=900_000),
        replace(movie(3), kind="movie", rating=9.9, votes=24_999),
        replace(movie(4), kind="tvSeries", rating=9.9, votes=900_000),
        replace(movie(5), kind="movie", votes=900_000),
    ]
    assert estimates(map(movie_row, rated)) == {
        "estimated-top250": [imdb_id(2), imdb_id(1)], "estimated-toptv": [imdb_id(4)],
    }  # fmt: skip


def test_an_estimate_is_a_chart_of_its_own_and_is_compared_with_the_real_one() -> None:
    store = InMemoryMovieRepository()
    for number in range(1, 250 + 11):
        store.save(replace(movie(number), kind="movie", rating=8.0, votes=30_000 + number))
    real = [*chart_rows("top250", [imdb_id(1), imdb_id(100)], EPOCH)]
    store.replace_chart("top250", real)
    assert save_estimates(store.rows(Table.MOVIES), store, EPOCH) == [
        "estimated-top250: an estimate from the data files; 1 of 2 titles of the last top250 are in it"
    ]
    charts = list(store.rows(Table.CHARTS))
    assert [row for row in charts if row[0] == "top250"] == real
    estimated = [row for row in charts if row[0] == "estimated-top250"]
    assert len(estimated) == 250
    assert estimated[0][2] == imdb_id(250 + 10)


def test_an_estimate_in_the_place_of_the_chart_is_found() -> None:
    ids = [imdb_id(number) for number in (3, 1, 2)]
    estimate = [*chart_rows("estimated-top250", ids, EPOCH)]
    assert estimates_taken_for_charts([*estimate, *chart_rows("top250", ids[::-1], EPOCH)]) == []
    (line,) = estimates_taken_for_charts([*estimate, *chart_rows("top250", ids, EPOCH)])
    assert line.startswith("the chart top250 holds the places of estimated-top250")


def test_too_few_titles_make_no_estimate() -> None:
    store = InMemoryMovieRepository()
    store.save(replace(movie(1), kind="movie", rating=8.0, votes=30_000))
    assert save_estimates(store.rows(Table.MOVIES), store, EPOCH) == []
    assert list(store.rows(Table.CHARTS)) == []
