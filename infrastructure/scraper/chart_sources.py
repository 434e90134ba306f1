"""The two places where a chart can be read: its page and the GraphQL server."""

from __future__ import annotations

import threading

from domain.chart import ChartEntry, ChartName
from domain.errors import UnknownLayout
from infrastructure.scraper.chart_page import CHART_PATHS, parse_chart
from infrastructure.scraper.fetcher import Fetcher, charged
from infrastructure.scraper.graphql import chart_request
from infrastructure.scraper.graphql_chart import read_stretch
from infrastructure.scraper.graphql_client import GraphqlClient


class PageChartSource:
    """Reads a chart from its page; a ChartSource.

    Args:
        fetcher: the network.
        base_url: of the site.
        max_requests: HTTP requests for one chart at most.
        patient: whether to wait and probe when the site refuses; not worth it where another source follows.
    """

    def __init__(self, fetcher: Fetcher, base_url: str, *, max_requests: int, patient: bool = True) -> None:
        self._fetcher = fetcher
        self._base_url = base_url.rstrip("/")
        self._max_requests = max_requests
        self._patient = patient

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        page = self._fetcher.get(
            self._base_url + CHART_PATHS[chart], max_requests=self._max_requests, cancel=cancel, patient=self._patient
        )
        with charged(page.requests, page.size):
            try:
                entries = parse_chart(page.body)
            except UnknownLayout:
                self._fetcher.unrecognised(page)
                raise
            self._fetcher.recognised(page)
            return entries


class GraphqlChartSource:
    """Reads a chart from the GraphQL server, which may hand it out in several pages; a ChartSource.

    Args:
        client: the server.
        max_requests: HTTP requests for each page of the list at most.
        size: places to ask for; the chart's own size unless given.
    """

    def __init__(self, client: GraphqlClient, *, max_requests: int, size: int | None = None) -> None:
        self._client = client
        self._max_requests = max_requests
        self._size = size

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        size = chart.size if self._size is None else self._size
        entries: list[ChartEntry] = []
        cursors: list[str | None] = [None]
        requests = traffic = 0
        while True:
            request = chart_request(chart, size - len(entries), cursors[-1])
            with charged(requests, traffic):
                reply = self._client.ask(request, max_requests=self._max_requests, cancel=cancel)
                with charged(reply.requests, reply.size):
                    stretch = read_stretch(reply.answer)
            requests, traffic = requests + reply.requests, traffic + reply.size
            entries.extend(stretch.entries)
            # A stretch without a place, or a cursor that came before, would never end.
            if len(entries) >= size or not stretch.entries or stretch.cursor in (None, *cursors):
                return tuple(entries)
            cursors.append(stretch.cursor)
