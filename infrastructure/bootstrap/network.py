"""Composes the network layer and the title sources from the settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from application.ports.runs import Job
from application.ports.sources import ChartSource, EpisodeSource, TitleSource
from application.run_jobs import RetryRule
from shared.clock import Clock, SystemClock
from shared.settings import Settings

if TYPE_CHECKING:
    from application.scrape import ReadMovie
    from domain.chart import ChartName
    from infrastructure.http import Downloader, NetworkOptions
    from infrastructure.scraper.graphql import GraphqlClient
    from infrastructure.scraper.sources import PeopleSource

GRACE_SECONDS: Final = 5.0  # for answers in flight when a run is stopped
_MAX_AHEAD: Final = 10  # titles that `read_titles` fetches in advance; its consumer may stop at any time
ROBOTS_CACHE: Final = "robots.json"


class Sources(msgspec.Struct, frozen=True):
    """The sources of charts and titles."""

    charts: Mapping[str, ChartSource]
    titles: TitleSource


def retry_rule(settings: Settings) -> RetryRule:
    """When a failed job is queued again."""
    return RetryRule(
        retries=settings.batch_retries if settings.backoff_and_retry else 0,
        max_requests=settings.max_requests,
        delay=settings.backoff_factor,
        max_delay=settings.max_backoff_seconds,
    )


def network_options(settings: Settings) -> NetworkOptions:
    """The network settings.

    Raises:
        UsageError: values that cannot be used, all of them named.
    """
    from infrastructure.http import NetworkOptions

    return NetworkOptions(
        base_url=settings.base_url,
        graphql_url=settings.graphql_url or settings.graphql,
        datasets_url=settings.datasets_url,
        backoff_and_retry=settings.backoff_and_retry,
        backoff_factor=settings.backoff_factor,
        max_backoff_seconds=settings.max_backoff_seconds,
        max_backoff_retries=settings.max_backoff_retries,
        retry_status_codes=frozenset(int(code) for code in settings.retry_status_codes.split(",")),
        max_wait_per_title=settings.max_wait_per_title_seconds,
        max_wait_per_run=settings.max_wait_per_run_seconds,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        request_deadline=settings.request_deadline_seconds,
        max_body_bytes=settings.max_body_mb * 1024 * 1024,
        requests_per_second=settings.requests_per_second,
        respect_robots=settings.respect_robots,
        max_block_wait_seconds=settings.max_block_wait_seconds,
        proxy_host=settings.proxy_host,
        proxy_port=settings.proxy_port,
        proxy_user=settings.proxy_user,
        proxy_pass=settings.proxy_pass,
        proxies=settings.proxies or None,
        proxy_file=settings.proxy_file,
        allow_direct_fallback=settings.allow_direct_fallback,
        rotate_after_requests=settings.rotate_after_requests,
        use_tor=settings.use_tor,
        tor_host=settings.tor_host,
        tor_proxy_port=settings.tor_proxy_port,
        tor_control_port=settings.tor_control_port,
        tor_password=settings.tor_password,
        tor_circuits=settings.tor_circuits,
        authorities=None if settings.ca_file is None else str(settings.ca_file),
    )


@contextmanager
def downloader(settings: Settings, *, grace: float = 0.0, keep_robots: bool = True) -> Iterator[Downloader]:
    """The network with all its routes.

    Args:
        grace: seconds that a request in flight may still take once its run was cancelled.
        keep_robots: keep robots.txt in the data directory for later runs, if there is one.

    Raises:
        UsageError: a proxy cannot be read, the list of them is empty, or Tor is not ready.
    """
    from infrastructure.http import build_downloader

    options = replace(network_options(settings), cancel_grace=grace)
    if keep_robots:
        from infrastructure.data_dir import DataDir

        options = replace(options, robots_cache=DataDir(settings.data_dir).state / ROBOTS_CACHE)
    with closing(build_downloader(options)) as opened:
        yield opened


def sources(
    settings: Settings,
    downloader: Downloader,
    clock: Clock,
    keep: Callable[[str, bytes], object] | None = None,
    data_files: TitleSource | None = None,
) -> Sources:
    """Composes pages, GraphQL and data files as DETAIL_SOURCE requires.

    Args:
        keep: called with each title page.
        data_files: used once all others refuse; the only source of titles with DETAIL_SOURCE=datasets.
    """
    from infrastructure.scraper.sources import (
        AutoTitleSource,
        FullCreditsSource,
        GraphqlChartSource,
        GraphqlTitleSource,
        PageChartSource,
        PageTitleSource,
    )

    last = data_files is None  # only the last source waits when the site refuses
    client = graphql_client(settings, downloader, patient=last)
    most = settings.max_requests
    pages, graphql = settings.detail_source != "graphql", settings.detail_source != "page"
    charts: dict[str, ChartSource] = {}
    if pages:
        charts["page"] = PageChartSource(downloader, settings.site, max_requests=most, patient=last and not graphql)
    if graphql:
        charts["graphql"] = GraphqlChartSource(client, max_requests=most)
    by_page = PageTitleSource(downloader, settings.site, clock, patient=last and not graphql, keep=keep)
    by_graphql = GraphqlTitleSource(client, clock, batch_size=settings.graphql_batch_size)
    impatient = GraphqlTitleSource(
        graphql_client(settings, downloader, patient=False), clock, batch_size=settings.graphql_batch_size
    )
    titles: TitleSource = AutoTitleSource(by_page, by_graphql, gaps=impatient)
    if not (pages and graphql):
        titles = by_page if pages else by_graphql
    if settings.full_credits:
        titles = FullCreditsSource(titles, client)
    if data_files is not None:
        titles = AutoTitleSource(titles, data_files, ("pages and GraphQL", "data files"))
        if settings.detail_source == "datasets":
            titles = data_files
    return Sources(charts, titles)


def graphql_client(settings: Settings, downloader: Downloader, *, patient: bool = True) -> GraphqlClient:
    """The GraphQL client, with the headers of the settings; ``patient`` waits and probes when the server refuses."""
    from infrastructure.scraper.graphql import GraphqlClient

    headers = {
        "Referer": settings.graphql_referer,
        "Origin": settings.graphql_origin,
        "x-imdb-client-name": settings.graphql_client_name,
    }
    return GraphqlClient(downloader, settings.graphql, headers=headers, patient=patient)


def episode_source(
    settings: Settings,
    downloader: Downloader,
    clock: Clock,
    data_files: EpisodeSource | None,
    stored: Callable[[str], str | None],
) -> EpisodeSource:
    """The source of episode lists: GraphQL, data files if they are used, pages.

    Args:
        data_files: used after GraphQL, or alone with DETAIL_SOURCE=datasets.
        stored: gives the id of a stored episode of a series, whose page links to the others.
    """
    from infrastructure.scraper.episode_sources import AutoEpisodeSource, GraphqlEpisodeSource, PageEpisodeSource

    if data_files is not None and settings.detail_source == "datasets":
        return data_files
    most = settings.max_requests
    sources: dict[str, EpisodeSource] = {
        "GraphQL": GraphqlEpisodeSource(graphql_client(settings, downloader, patient=False), max_requests=most)
    }
    if data_files is not None:
        sources["data files"] = data_files
    sources["title pages"] = PageEpisodeSource(downloader, settings.site, clock, max_requests=most, stored=stored)
    return AutoEpisodeSource(sources)


def people_source(settings: Settings, downloader: Downloader, clock: Clock) -> PeopleSource:
    """The source of details of people."""
    from infrastructure.scraper.sources import PeopleSource

    return PeopleSource(graphql_client(settings, downloader), clock, batch_size=settings.graphql_batch_size)


def block_advice() -> str:
    """The advice that the network layer adds to the message of a block."""
    from infrastructure.http.limit import ADVICE

    return ADVICE


def read_titles(
    settings: Settings, chart: ChartName, listed: Iterator[Job] | None, limit: int | None
) -> Generator[ReadMovie, None, None]:
    """Reads the titles of a chart, or the listed ones, in order; closing the iterator stops the fetching.

    Raises:
        ChartError: the chart is not complete.
        UsageError: settings that cannot be used.
    """
    from application.charts import read_chart
    from application.scrape import jobs_of_chart, read_movies
    from infrastructure.executors import job_executor

    cancel = threading.Event()
    ahead = min(settings.threads, _MAX_AHEAD)
    with downloader(settings) as network:
        found = sources(settings, network, SystemClock())
        jobs = listed
        if jobs is None:
            jobs = islice(jobs_of_chart(read_chart(found.charts, chart, cancel, first=limit)), limit)
        yield from read_movies(
            jobs,
            found.titles,
            job_executor(ahead),
            ahead=ahead,
            max_requests=settings.max_requests,
            cancel=cancel,
        )
