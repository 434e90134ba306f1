"""One suite for every ChartSource: its page, GraphQL, and the one that other tests use; the first two over sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from application.charts import read_chart
from application.ports.sources import ChartSource
from domain.chart import ChartEntry, ChartName, complete
from domain.errors import Blocked, Cancelled, ChartError, NotFound, SourceError, Transient
from infrastructure.demo.process import DemoOptions, DemoProcess
from infrastructure.http import Downloader
from infrastructure.scraper.graphql import GraphqlClient
from infrastructure.scraper.sources import GraphqlChartSource, PageChartSource
from tests.support.demo_control import DemoControl
from tests.support.demo_network import MAX_REQUESTS, demo_network
from tests.support.sources import FakeChartSource


@dataclass(frozen=True)
class Site:
    """The demo site, and what its charts are known to hold."""

    url: str
    control: DemoControl
    downloader: Downloader
    top: tuple[ChartEntry, ...]


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(page_kb=40)) as process:
        yield process


@pytest.fixture
def site(demo: DemoProcess) -> Iterator[Site]:
    control = DemoControl(demo.url)
    control.faults([])
    control.reset()
    top = tuple(ChartEntry(rank, imdb_id) for rank, imdb_id in enumerate(control.ids(), 1))
    with demo_network(demo.url) as downloader:
        yield Site(demo.url, control, downloader, top)


def by_page(site: Site) -> ChartSource:
    return PageChartSource(site.downloader, site.url, max_requests=MAX_REQUESTS, patient=False)


def by_graphql(site: Site) -> ChartSource:
    client = GraphqlClient(site.downloader, f"{site.url}/graphql", patient=False)
    return GraphqlChartSource(client, max_requests=MAX_REQUESTS)


def fake(site: Site) -> ChartSource:
    return FakeChartSource(site.top)


Make = Callable[[Site], ChartSource]
ALL = pytest.mark.parametrize("make", [by_page, by_graphql, fake])
NETWORK = pytest.mark.parametrize("make", [by_page, by_graphql])


@ALL
def test_the_top_chart_comes_whole_with_its_ranks(site: Site, make: Make) -> None:
    entries = make(site).entries(ChartName.TOP250, threading.Event())
    assert complete(ChartName.TOP250, entries) == site.top


@NETWORK
@pytest.mark.parametrize("chart", [ChartName.TOPTV, ChartName.MOVIEMETER, ChartName.BOTTOM100])
def test_every_other_chart_comes_whole_and_is_another_one(site: Site, make: Make, chart: ChartName) -> None:
    entries = complete(chart, make(site).entries(chart, threading.Event()))
    assert len(entries) == chart.size
    assert entries != site.top[: chart.size]


@pytest.mark.parametrize("chart", ChartName)
def test_both_ways_lead_to_the_same_chart(site: Site, chart: ChartName) -> None:
    entries = [complete(chart, make(site).entries(chart, threading.Event())) for make in (by_page, by_graphql)]
    assert entries[0] == entries[1]


@ALL
def test_cancelled_is_cancelled(site: Site, make: Make) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        make(site).entries(ChartName.TOP250, cancel)
    assert site.control.log()["total"] == 0


@NETWORK
@pytest.mark.parametrize(
    ("action", "error", "requests"),
    [("404", NotFound, 1), ("403", Blocked, 1), ("challenge", Blocked, 1), ("503", Transient, MAX_REQUESTS)],
)
def test_a_failure_is_told_by_its_class_with_the_requests_that_it_took(
    site: Site, make: Make, action: str, error: type[SourceError], requests: int
) -> None:
    site.control.faults([f"chart={action}", f"graphql={action}"])
    with pytest.raises(error) as caught:
        make(site).entries(ChartName.TOP250, threading.Event())
    assert caught.value.requests == requests


def test_a_blocked_page_leaves_the_chart_to_graphql(site: Site) -> None:
    site.control.faults(["chart=challenge"])
    sources = {"page": by_page(site), "graphql": by_graphql(site)}
    assert read_chart(sources, ChartName.TOP250, threading.Event()) == site.top


def test_no_chart_at_all_says_why_of_both(site: Site) -> None:
    site.control.faults(["chart=404", "graphql=404"])
    sources = {"page": by_page(site), "graphql": by_graphql(site)}
    with pytest.raises(ChartError, match=r"page: .*404.*graphql: .*404"):
        read_chart(sources, ChartName.TOP250, threading.Event())
