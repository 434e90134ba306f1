"""Two sources of one list: who gives the order, what may be merged, what is said when it fails."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.read_chart import read_chart
from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, ChartError, Transient
from tests.support.sources import FakeChartSource

CHART = ChartName.TOP250


def entry(rank: int, title: int | None = None) -> ChartEntry:
    return ChartEntry(rank, f"tt{rank if title is None else title:07d}")


def entries(*ranks: int) -> list[ChartEntry]:
    return [entry(rank) for rank in ranks]


def read(size: int = 4, **sources: FakeChartSource) -> tuple[ChartEntry, ...]:
    return read_chart(sources, CHART, threading.Event(), size)


def test_the_first_complete_list_is_the_chart_and_nobody_else_is_asked() -> None:
    page, graphql = FakeChartSource(entries(3, 1, 2, 4)), FakeChartSource(entries(1, 2, 3, 4))
    assert read(page=page, graphql=graphql) == tuple(entries(1, 2, 3, 4))
    assert graphql.asked == 0


def test_the_chart_has_its_own_size_unless_told_otherwise() -> None:
    source = FakeChartSource(entries(*range(1, 251)))
    assert len(read_chart({"page": source}, CHART, threading.Event())) == 250
    with pytest.raises(ChartError, match="250 of 251"):
        read_chart({"page": source}, CHART, threading.Event(), 251)


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
