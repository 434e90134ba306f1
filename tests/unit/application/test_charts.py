"""The places of a chart in several stores."""

from __future__ import annotations

import pytest

from application.charts import StoredChart
from application.composite_repository import CompositeMovieRepository
from domain.chart import ChartEntry
from tests.support.movies import EPOCH, imdb_id
from tests.support.repositories import InMemoryMovieRepository

CHART = (ChartEntry(1, imdb_id(1)), ChartEntry(2, imdb_id(2)))


@pytest.mark.parametrize("reached", ["first", "second"])
def test_a_title_that_moved_reaches_the_store_that_a_killed_run_did_not(reached: str) -> None:
    stores = [InMemoryMovieRepository(name) for name in ("first", "second")]
    both = StoredChart(CompositeMovieRepository(stores), "top250")
    both.replace(CHART, EPOCH)
    for store in stores:
        if store.name == reached:
            StoredChart(store, "top250").move(imdb_id(2), imdb_id(3))
    both.move(imdb_id(2), imdb_id(3))
    for store in stores:
        assert StoredChart(store, "top250").entries() == (CHART[0], ChartEntry(2, imdb_id(3)))


def test_without_stored_places_nothing_is_written() -> None:
    store = InMemoryMovieRepository("only")
    chart = StoredChart(store, "top250")
    chart.move(imdb_id(1), imdb_id(2))
    assert not chart.rows()
