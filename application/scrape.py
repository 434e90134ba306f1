"""Runs over a list of titles: lists the jobs, and saves the titles or passes them on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from application.ports.runs import Job, JobExecutor, Outcome, Run, RunHistory, Status
from application.ports.sources import TitleSource
from application.ports.stores import MovieRepository
from application.run_jobs import RunContext, RunResult, StopReason
from domain.chart import ChartEntry, chart_size
from domain.errors import FilmledgerError, StoreError
from domain.fields import Table
from domain.movie import Movie

if TYPE_CHECKING:
    from application.listed_titles import ListedTitle

log = logging.getLogger(__name__)

# --- jobs -----------------------------------------------------------------------

_SERIES_ID: Final = Table.MOVIES.column_index("series_id")


def jobs_of_chart(entries: Iterable[ChartEntry]) -> Iterator[Job]:
    """A job for each entry, in the given order."""
    return (Job(seq, entry.imdb_id, entry.rank, label=entry.title) for seq, entry in enumerate(entries))


def with_episodes(jobs: Iterable[Job], episodes: Callable[[str], Iterable[tuple[str, str]]]) -> Iterator[Job]:
    """Each job, followed by one for each episode if it is a series; a title is listed once. Streams.

    Args:
        episodes: id and title of each episode of a series; nothing for other titles.
    """
    seen: set[str] = set()
    for job in jobs:
        if job.key in seen:  # an episode that was listed with its series
            continue
        for one in chain((job,), (Job(0, imdb_id, label=title) for imdb_id, title in episodes(job.key))):
            if one.key not in seen:
                yield replace(one, seq=len(seen))
                seen.add(one.key)


class StoredEpisodes:
    """The episodes in the stores, read on first use."""

    def __init__(self, store: MovieRepository) -> None:
        self._store = store
        self._firsts: dict[str, str] | None = None

    def first(self, series_id: str) -> str | None:
        """The id of one episode of this series."""
        if self._firsts is None:
            pairs = ((row[_SERIES_ID], str(row[0])) for row in self._store.rows(Table.MOVIES))
            self._firsts = {series: imdb_id for series, imdb_id in pairs if series is not None}
        return self._firsts.get(series_id)


def jobs_of_titles(titles: Iterable[ListedTitle]) -> Iterator[Job]:
    """A job for each title of a list, in its order. Streams."""
    return (Job(seq, title.imdb_id) for seq, title in enumerate(titles))


# --- to the stores --------------------------------------------------------------


def scrape(
    context: RunContext, store: MovieRepository, work: Callable[[Job], Outcome], *, history: RunHistory, run: Run
) -> RunResult:
    """Executes all pending jobs, renews the ranks, records the run, and finalizes the stores.

    A resumed run also fetches the titles that a store has lost meanwhile, because a file
    was edited or the database is another one. The stores are finalized after any end.

    Raises:
        StoreError: a store failed after the jobs were done.
    """
    places = (
        [ChartEntry(job.rank, job.key) for job in context.job_log.jobs() if job.rank is not None] if run.chart else []
    )
    if context.job_log.resumed and (lost := context.job_log.reopen(store.ids())):
        log.warning("%d titles that were done are not in every store: they are fetched again", lost)
    history.begin(run, places)
    result = context.execute(run.chart or "titles", work)
    if result.stop_reason is StopReason.STORE:
        _finalize_other_stores(store)
        return result
    try:
        counts = context.job_log.counts
        whole = run.chart is not None and len(places) == chart_size(run.chart) == counts.completed
        history.end(run, saved=counts.completed, failed=counts.failed, complete=whole, finished_at=context.clock.now())
    except StoreError:
        _finalize_other_stores(store)
        raise
    store.finalize()
    return result


def _finalize_other_stores(store: MovieRepository) -> None:
    """Finalizes the remaining stores; the run reports the loss of the other one."""
    try:
        store.finalize()
    except StoreError as error:
        log.info("finalizing after the loss of a store: %s", error)


# --- without stores -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadMovie:
    """One title of the list: its movie, or the reason why it could not be read."""

    imdb_id: str
    movie: Movie | None
    error: FilmledgerError | None = None


def read_movies(
    jobs: Iterator[Job],
    titles: TitleSource,
    executor: JobExecutor,
    *,
    ahead: int,
    max_requests: int,
    cancel: threading.Event,
) -> Generator[ReadMovie, None, None]:
    """Yields each title in the order of the list, as soon as it and all before it are read.

    Closing the iterator cancels the titles that are being fetched.

    Args:
        jobs: the list, with ``seq`` counting from 0.
        ahead: maximum number of titles fetched in advance.
        max_requests: maximum HTTP requests for one title.
        cancel: ends every wait; set when the iterator is closed.
    """
    read: dict[int, ReadMovie] = {}
    position = 0

    def listed() -> Iterator[Job | None]:
        started = 0
        try:
            for job in jobs:
                while started - position >= ahead:
                    yield None
                started += 1
                yield job
        except BaseException:
            cancel.set()  # titles in flight are no longer needed
            raise

    def work(job: Job) -> Outcome:
        try:
            fetched = titles.title(job.key, max_requests=max_requests, cancel=cancel)
        except FilmledgerError as error:
            read[job.seq] = ReadMovie(job.key, None, error)
            return Outcome(job, Status.FAILED, str(error))
        read[job.seq] = ReadMovie(job.key, replace(fetched.movie, rank=job.rank))
        return Outcome(job, Status.COMPLETED, fetched.movie.title)

    with closing(executor.execute(listed(), work, cancel)) as outcomes:
        try:
            for _ in outcomes:
                while position in read:
                    yield read.pop(position)
                    position += 1
        finally:
            cancel.set()
