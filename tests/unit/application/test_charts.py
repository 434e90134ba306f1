"""Charts: combined from several sources, moved in the stores, estimated from ratings."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.charts import (
    StoredChart,
    estimates,
    estimates_taken_for_charts,
    read_chart,
    save_estimates,
    weighted_rating,
)
from application.composite_repository import CompositeMovieRepository
from application.records import chart_rows, movie_row
from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, ChartError, Transient
from domain.fields import Table
from tests.support.movies import EPOCH, imdb_id, movie
from tests.support.repositories import InMemoryMovieRepository
from tests.support.sources import FakeChartSource

# --- reading --------------------------------------------------------------------

CHART = ChartName.TOP250


def entry(rank: int, title: int | None = None) -> ChartEntry:
    return ChartEntry(rank, f"tt{rank if title is None else title:07d}")


def entries(*ranks: int) -> list[ChartEntry]:
    return [entry(rank) for rank in ranks]


def read(size: int = 4, **sources: FakeChartSource) -> tuple[ChartEntry, ...]:
    return read_chart(sources, CHART, threading.Event(), first=size)


def test_the_first_complete_list_is_the_chart_and_nobody_else_is_asked() -> None:
    page, graphql = FakeChartSource(entries(3, 1, 2, 4)), FakeChartSource(entries(1, 2, 3, 4))
    assert read(page=page, graphql=graphql) == tuple(entries(1, 2, 3, 4))
    assert graphql.asked == 0


def test_the_whole_chart_is_read_unless_told_otherwise() -> None:
    source = FakeChartSource(entries(*range(1, 251)))
    assert len(read_chart({"page": source}, CHART, threading.Event())) == 250
    with pytest.raises(ChartError, match="249 of 250"):
        read_chart({"page": FakeChartSource(entries(*range(1, 250)))}, CHART, threading.Event())


def test_the_second_source_fills_the_gaps_of_the_first() -> None:
    page, graphql = FakeChartSource(entries(1, 2, 4)), FakeChartSource(entries(2, 3))
    assert read(page=page, graphql=graphql) == tuple(entries(1, 2, 3, 4))
    assert graphql.asked == 1


def test_a_complete_second_list_gives_the_order_even_where_the_torn_first_one_disagrees() -> None:
    page = FakeChartSource([entry(1, 9), entry(2), entry(3)])
    assert read(page=page, graphql=FakeChartSource(entries(1, 2, 3, 4))) == tuple(entries(1, 2, 3, 4))


@pytest.mark.parametrize("other", [[entry(2, 9), entry(4)], [entry(4, 1)]], ids=["one rank", "one title"])
def test_lists_that_contradict_each_other_are_not_mixed(other: list[ChartEntry]) -> None:
    with pytest.raises(ChartError, match=r"according to page, but tt.* according to graphql"):
        read(page=FakeChartSource(entries(1, 2, 3)), graphql=FakeChartSource(other))


def test_a_short_chart_says_what_is_missing_and_why_each_source_fell_short() -> None:
    with pytest.raises(ChartError) as caught:
        read(page=FakeChartSource(entries(1, 2)), graphql=FakeChartSource(Transient("cannot reach the API")))
    message = str(caught.value)
    assert "the top250 chart has 2 of 4 titles: rank 3, 4 is missing" in message
    assert "graphql: cannot reach the API" in message


def test_a_rank_taken_twice_within_one_list_is_said() -> None:
    with pytest.raises(ChartError, match="rank 2 is taken twice"):
        read(page=FakeChartSource([*entries(1, 2, 3, 4), entry(2, 9)]))


def test_a_title_that_stands_twice_within_one_list_is_said() -> None:
    with pytest.raises(ChartError, match="tt0000001 occurs twice"):
        read(page=FakeChartSource([*entries(1, 2, 3), entry(4, 1)]))


def test_a_failed_source_is_no_harm_when_another_has_the_chart() -> None:
    graphql = FakeChartSource(entries(1, 2, 3, 4))
    assert read(page=FakeChartSource(Blocked("challenge")), graphql=graphql) == tuple(entries(1, 2, 3, 4))


def test_refused_by_all_is_a_block_that_counts_all_requests() -> None:
    first, second = Blocked("challenge"), Blocked("403")
    first.requests, first.size, second.requests, second.size = 2, 10, 1, 118
    with pytest.raises(Blocked, match="page: challenge; graphql: 403") as caught:
        read(page=FakeChartSource(first), graphql=FakeChartSource(second))
    assert (caught.value.requests, caught.value.size) == (3, 128)


def test_what_all_sources_say_alike_is_said_once() -> None:
    with pytest.raises(Blocked) as caught:
        read(page=FakeChartSource(Blocked("challenge; wait")), graphql=FakeChartSource(Blocked("challenge; wait")))
    assert str(caught.value).endswith(": page and graphql: challenge; wait")


def test_a_source_that_failed_is_a_warning_only_if_the_chart_was_read_after_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocked, graphql = FakeChartSource(Blocked("challenge")), FakeChartSource(entries(1, 2, 3, 4))
    read(page=blocked, graphql=graphql)
    (warning,) = (record.message for record in caplog.records if record.levelname == "WARNING")
    assert warning == "the top250 chart was read from graphql; page: challenge"
    caplog.clear()
    with pytest.raises(Blocked):
        read(page=blocked)
    assert not [record for record in caplog.records if record.levelname == "WARNING"], "the error says it"


def test_a_block_beside_another_failure_is_told_as_both() -> None:
    with pytest.raises(ChartError, match="page: challenge; graphql: cannot reach it"):
        read(page=FakeChartSource(Blocked("challenge")), graphql=FakeChartSource(Transient("cannot reach it")))


def test_no_source_at_all_is_an_error() -> None:
    with pytest.raises(ChartError, match="no source"):
        read()


def test_cancelled_asks_nobody_else() -> None:
    graphql = FakeChartSource(entries(1, 2, 3, 4))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        read_chart({"page": FakeChartSource([]), "graphql": graphql}, CHART, cancel)
    assert graphql.asked == 0


@given(
    kept=st.tuples(st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12))),
    moved=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 20)), max_size=3),
    seed=st.integers(0, 99),
)
def test_whatever_the_parts_hold_no_rank_is_invented(
    kept: tuple[set[int], set[int]], moved: list[tuple[int, int]], seed: int
) -> None:
    """Parts of one chart of 12, the second with a few entries of another edition."""
    page, graphql = entries(*kept[0]), entries(*kept[1]) + [entry(rank, title) for rank, title in moved]
    whole = set(range(1, 13))
    random.Random(seed).shuffle(graphql)
    try:
        chart = read(12, page=FakeChartSource(page), graphql=FakeChartSource(graphql))
    except ChartError:
        assert kept[0] != whole, "a whole first list must have been the answer"
        assert moved or kept[0] | kept[1] != whole, "parts that agree and are whole together must have been the answer"
        return
    assert [place.rank for place in chart] == list(range(1, 13))
    assert len({place.imdb_id for place in chart}) == 12
    assert set(chart) <= set(page) | set(graphql)


def test_with_a_limit_the_first_places_are_enough_and_a_whole_chart_is_answered_whole() -> None:
    whole, short = FakeChartSource(entries(*range(1, 251))), FakeChartSource(entries(1, 2, 3, 5))
    assert len(read_chart({"page": whole}, CHART, threading.Event(), first=3)) == 250
    assert read_chart({"page": short}, CHART, threading.Event(), first=3) == tuple(entries(1, 2, 3))
    with pytest.raises(ChartError, match="rank 4 is missing"):
        read_chart({"page": short}, CHART, threading.Event(), first=4)


# --- storing --------------------------------------------------------------------

PLACES = (ChartEntry(1, imdb_id(1)), ChartEntry(2, imdb_id(2)))


@pytest.mark.parametrize("reached", ["first", "second"])
def test_a_title_that_moved_reaches_the_store_that_a_killed_run_did_not(reached: str) -> None:
    stores = [InMemoryMovieRepository(name) for name in ("first", "second")]
    both = StoredChart(CompositeMovieRepository(stores), "top250")
    both.replace(PLACES, EPOCH)
    for store in stores:
        if store.name == reached:
            StoredChart(store, "top250").move(imdb_id(2), imdb_id(3))
    both.move(imdb_id(2), imdb_id(3))
    for store in stores:
        assert [row[1:3] for row in StoredChart(store, "top250").rows()] == [("1", imdb_id(1)), ("2", imdb_id(3))]


def test_without_stored_places_nothing_is_written() -> None:
    store = InMemoryMovieRepository("only")
    chart = StoredChart(store, "top250")
    chart.move(imdb_id(1), imdb_id(2))
    assert not chart.rows()


# --- estimating -----------------------------------------------------------------


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
