"""Composes the reading of movies in order, without stores."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Final

from application.charts import read_chart
from application.ports.runs import Job
from application.scrape import ReadMovie, jobs_of_chart, read_movies
from domain.chart import ChartName
from infrastructure.bootstrap.network import downloader, sources
from infrastructure.executors import job_executor
from shared.clock import SystemClock
from shared.settings import Settings

MAX_AHEAD: Final = 10  # titles fetched in advance; a consumer may stop at any time


def read_titles(
    settings: Settings, chart: ChartName, listed: Iterator[Job] | None, limit: int | None
) -> Generator[ReadMovie, None, None]:
    """Reads the titles of a chart, or the listed ones, in order; closing the iterator stops the fetching.

    Raises:
        ChartError: the chart is not complete.
        UsageError: settings that cannot be used.
    """
    cancel = threading.Event()
    ahead = min(settings.threads, MAX_AHEAD)
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
