"""A chart over the network: from its page, and from GraphQL in as many pages as the server likes."""

from __future__ import annotations

import json
import threading

import pytest

from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, SourceError, Transient, UnknownLayout
from infrastructure.http import Page
from infrastructure.scraper.graphql import GraphqlClient
from infrastructure.scraper.sources import GraphqlChartSource, PageChartSource
from tests.support.fetcher import Answer, FakeFetcher, Sent
from tests.support.site_shapes import chart_answer, graphql_answer, page_of

PLACES = [(rank, f"tt{rank:07d}") for rank in range(1, 101)]
ENTRIES = tuple(ChartEntry(*place) for place in PLACES)
PERSISTED_QUERY_MISS = b'{"errors": [{"message": "PersistedQueryNotFound"}]}'


def chart_page(places: list[tuple[int, str]]) -> bytes:
    edges = [{"currentRank": rank, "node": {"id": imdb_id}} for rank, imdb_id in places]
    return page_of({"props": {"pageProps": {"pageData": {"chartTitles": {"edges": edges}}}}})


def graphql_source(fetcher: FakeFetcher, size: int | None = None) -> GraphqlChartSource:
    return GraphqlChartSource(GraphqlClient(fetcher, "http://api.example/"), max_requests=6, size=size)


class Paging:
    """A server that hands out at most so many places at once."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __call__(self, sent: Sent) -> Answer:
        begin = int(sent.variables["after"] or 0)
        end = min(begin + min(self._most, sent.variables["first"]), len(PLACES))
        return chart_answer(PLACES[begin:end], str(end) if end < len(PLACES) else None)


@pytest.mark.parametrize(
    ("chart", "path"),
    [
        (ChartName.TOP250, "/chart/top/"),
        (ChartName.TOPTV, "/chart/toptv/"),
        (ChartName.MOVIEMETER, "/chart/moviemeter/"),
        (ChartName.BOTTOM100, "/chart/bottom/"),
    ],
)
def test_every_chart_has_its_page(chart: ChartName, path: str) -> None:
    fetcher = FakeFetcher(lambda _: chart_page(PLACES))
    source = PageChartSource(fetcher, "http://site.example/", max_requests=6, patient=False)
    assert source.entries(chart, threading.Event()) == ENTRIES
    assert [(sent.url, sent.max_requests, sent.patient) for sent in fetcher.sent] == [
        (f"http://site.example{path}", 6, False)
    ]


def test_a_page_in_which_nothing_is_recognised_is_reported_with_what_it_cost() -> None:
    page = Page("http://site.example/chart/top/", 200, {}, b"<html>Hello</html>", size=120, requests=2)
    fetcher = FakeFetcher(lambda _: page)
    with pytest.raises(UnknownLayout) as caught:
        PageChartSource(fetcher, "http://site.example", max_requests=6).entries(ChartName.TOP250, threading.Event())
    assert (caught.value.requests, caught.value.size) == (2, 120)
    assert fetcher.not_recognised == [page]


@pytest.mark.parametrize(("most", "requests"), [(250, 1), (50, 2), (7, 15)])
def test_the_list_is_asked_for_until_it_is_whole(most: int, requests: int) -> None:
    fetcher = FakeFetcher(Paging(most))
    assert graphql_source(fetcher).entries(ChartName.BOTTOM100, threading.Event()) == ENTRIES
    assert len(fetcher.sent) == requests
    assert fetcher.sent[0].headers["Referer"] == "https://www.imdb.com/"
    assert sum(sent.variables["first"] for sent in fetcher.sent) >= 100


def test_no_more_is_asked_for_than_the_chart_should_have() -> None:
    fetcher = FakeFetcher(Paging(250))
    assert graphql_source(fetcher, 30).entries(ChartName.TOP250, threading.Event()) == ENTRIES[:30]
    assert len(fetcher.sent) == 1


def test_a_list_that_ends_early_is_given_as_far_as_it_goes() -> None:
    source = graphql_source(FakeFetcher(Paging(250)))
    assert source.entries(ChartName.TOP250, threading.Event()) == ENTRIES


@pytest.mark.parametrize("places", [PLACES[:2], []], ids=["same cursor", "empty stretch"])
def test_a_server_that_never_ends_its_list_is_left(places: list[tuple[int, str]]) -> None:
    fetcher = FakeFetcher(lambda _: chart_answer(places, "again"))
    found = graphql_source(fetcher).entries(ChartName.TOP250, threading.Event())
    assert set(found) == {ChartEntry(*place) for place in places}
    assert len(fetcher.sent) <= 2


def test_unreadable_places_are_left_out() -> None:
    edges = [
        {"currentRank": 1, "node": {"id": "tt0000001"}},
        None,
        {"currentRank": 0, "node": {"id": "tt0000002"}},
        {"currentRank": 3, "node": None},
        {"currentRank": "4", "node": {"id": "tt0000004"}},
        {"node": {"id": "tt0000005"}},
    ]
    fetcher = FakeFetcher(lambda _: graphql_answer(chartTitles={"edges": edges, "pageInfo": None}))
    assert graphql_source(fetcher).entries(ChartName.TOP250, threading.Event()) == ENTRIES[:1]


def test_an_answer_without_a_chart_is_an_unknown_layout() -> None:
    with pytest.raises(UnknownLayout, match=r"chartTitles\.edges"):
        graphql_source(FakeFetcher(lambda _: graphql_answer(chart=[]))).entries(ChartName.TOP250, threading.Event())


def test_an_error_on_the_way_carries_the_cost_of_what_came_before() -> None:
    lost = Transient("reset")
    lost.requests, lost.size = 6, 9
    answers: list[Answer] = [Page("x", 200, {}, chart_answer(PLACES[:10], "10"), size=1000, requests=2), lost]
    with pytest.raises(Transient) as caught:
        graphql_source(FakeFetcher(lambda _: answers.pop(0))).entries(ChartName.TOP250, threading.Event())
    assert (caught.value.requests, caught.value.size) == (8, 1009)


def test_a_server_that_wants_the_query_registered_gets_hash_and_text_together() -> None:
    answers: list[Answer] = [Page("x", 400, {}, PERSISTED_QUERY_MISS), chart_answer(PLACES)]
    fetcher = FakeFetcher(lambda _: answers.pop(0))
    assert graphql_source(fetcher).entries(ChartName.BOTTOM100, threading.Event()) == ENTRIES
    first, second = (json.loads(sent.body) for sent in fetcher.sent)
    assert "extensions" not in first
    assert second["extensions"]["persistedQuery"]["sha256Hash"]
    assert first["query"] == second["query"]
    assert [sent.max_requests for sent in fetcher.sent] == [6, 5]


def test_a_server_that_will_not_register_the_query_is_not_asked_a_third_time() -> None:
    fetcher = FakeFetcher(lambda _: PERSISTED_QUERY_MISS)
    with pytest.raises(UnknownLayout, match="registered queries only") as caught:
        graphql_source(fetcher).entries(ChartName.TOP250, threading.Event())
    assert caught.value.requests == len(fetcher.sent) == 2


def test_registering_stays_within_the_requests_allowed() -> None:
    fetcher = FakeFetcher(lambda _: PERSISTED_QUERY_MISS)
    source = GraphqlChartSource(GraphqlClient(fetcher, "http://api.example/"), max_requests=1)
    with pytest.raises(Transient, match="no request is left") as caught:
        source.entries(ChartName.TOP250, threading.Event())
    assert caught.value.requests == len(fetcher.sent) == 1


@pytest.mark.parametrize("error", [Blocked("403"), Transient("unreachable")])
def test_what_the_network_raises_comes_through(error: SourceError) -> None:
    for source in (
        graphql_source(FakeFetcher(lambda _: error)),
        PageChartSource(FakeFetcher(lambda _: error), "http://site.example", max_requests=6),
    ):
        with pytest.raises(type(error)):
            source.entries(ChartName.TOP250, threading.Event())


def test_cancelled_is_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        graphql_source(FakeFetcher(Paging(7))).entries(ChartName.TOP250, cancel)
