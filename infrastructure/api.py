"""The Python face: movies one after the other, without stores, and a page's movie.

::

    from infrastructure.api import parse_title, scrape

    for movie in scrape(chart="top250", limit=5):
        print(movie.rank, movie.title, movie.rating)

Settings come from the environment and ``.env``, as they do for the program:
its rate limit, retries, routes and robots.txt hold here too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from application.list_jobs import jobs_of_chart, jobs_of_lines
from application.ports import Job
from application.read_chart import read_chart
from domain.chart import ChartName
from domain.errors import FilmledgerError, UsageError
from domain.movie import Movie
from infrastructure.bootstrap.network import downloader, sources
from shared.clock import SystemClock
from shared.settings import Settings, SettingsError, check, load

__all__ = ["Movie", "Settings", "parse_title", "scrape"]

MAX_AHEAD: Final = 10  # titles fetched before they are asked for; a consumer may stop at any time


def scrape(
    chart: str = "top250",
    *,
    ids: Iterable[str] | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
    on_error: Callable[[str, FilmledgerError], object] | None = None,
) -> Iterator[Movie]:
    """The movies of a chart in rank order, or those of a list in its order, as they are read.

    Nothing is stored. The first movie comes as soon as it is there, while the
    next ones are being fetched; leaving the loop stops the fetching.

    Args:
        chart: ``top250``, ``toptv``, ``moviemeter`` or ``bottom100``.
        ids: IMDb ids or title addresses instead of a chart; these movies have no rank.
        limit: the first so many only.
        settings: read from the environment and ``.env`` unless given.
        on_error: told each title that could not be read, and why; the loop goes on. Without it the error is raised.

    Raises:
        UsageError: no such chart, no such id, a limit below 1, or settings that cannot be used; all but a wrong
            id before the first movie is asked for.
        ChartError: the chart is not whole.
        SourceError: a title could not be fetched or read.
        InvalidMovie: its page holds values that cannot be true.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit {limit} is below 1")
    if chart not in list(ChartName):
        raise UsageError(f"{chart!r} is no chart; allowed: {', '.join(ChartName)}")
    listed = None if ids is None else islice(jobs_of_lines(ids, _refuse), limit)
    return _movies(ChartName(chart), listed, limit, _usable(settings), on_error)


def parse_title(html: str | bytes, *, imdb_id: str | None = None) -> Movie:
    """The movie of a saved title page; no network.

    ``None`` in a field may mean that this page could not tell it:
    ``infrastructure.scraper.title_page.parse_title`` names those fields.

    Args:
        html: the page as it was saved.
        imdb_id: the title it should be; any other is refused.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: the page of something else.
        UnknownLayout: nothing in the page is where it is known to be.
        WrongTitle: the page of another title.
        InvalidMovie: the page says what cannot be true.
    """
    from infrastructure.scraper.title_page import parse_title

    body = html.encode("utf-8", "surrogatepass") if isinstance(html, str) else html
    return parse_title(body, imdb_id=imdb_id, scraped_at=datetime.now(UTC)).movie


def _movies(
    chart: ChartName,
    listed: Iterator[Job] | None,
    limit: int | None,
    settings: Settings,
    on_error: Callable[[str, FilmledgerError], object] | None,
) -> Iterator[Movie]:
    cancel = threading.Event()
    ahead = min(settings.threads, MAX_AHEAD)
    with downloader(settings) as network:
        found = sources(settings, network, SystemClock())

        def read(job: Job) -> Movie:
            title = found.titles.title(job.key, max_requests=settings.max_requests, cancel=cancel)
            return replace(title.movie, rank=job.rank)

        jobs = listed
        if jobs is None:
            jobs = islice(jobs_of_chart(read_chart(found.charts, chart, cancel, first=limit)), limit)
        executor = ThreadPoolExecutor(ahead, thread_name_prefix="scrape")
        under_way: deque[tuple[str, Future[Movie]]] = deque()
        try:
            while True:
                under_way.extend((job.key, executor.submit(read, job)) for job in islice(jobs, ahead - len(under_way)))
                if not under_way:
                    return
                key, future = under_way.popleft()
                try:
                    movie = future.result()
                except FilmledgerError as error:
                    if on_error is None:
                        raise
                    on_error(key, error)
                    continue
                yield movie
        finally:
            cancel.set()
            executor.shutdown(cancel_futures=True)


def _usable(settings: Settings | None) -> Settings:
    try:
        if settings is None:
            return load(env_file=Path(".env")).settings
        check(settings)
        return settings
    except SettingsError as error:
        raise UsageError("; ".join(error.problems)) from error


def _refuse(complaint: str) -> None:
    raise UsageError(complaint.removesuffix("; skipped"))
