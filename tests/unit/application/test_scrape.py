"""A run as a whole: what it takes up again, and what it leaves behind when a store goes at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from application.ports import Job, Outcome, Run, Status
from application.run_jobs import RetryRule, RunContext, StopReason
from application.scrape import scrape
from domain.chart import ChartEntry
from domain.errors import StoreUnavailable
from infrastructure.executors import SerialExecutor
from shared.clock import FixedClock
from tests.support.joblog import MemoryJobLog
from tests.support.movies import imdb_id, movie
from tests.support.progress import RecordingProgress
from tests.support.repositories import InMemoryMovieRepository

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RUN = Run("demo", None, 3, NOW)


class History:
    """Satisfies ``RunHistory``; the end may be refused."""

    def __init__(self, refusal: StoreUnavailable | None = None) -> None:
        self._refusal = refusal
        self.saved = 0

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        pass

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.saved = saved


def _crew(job_log: MemoryJobLog) -> RunContext:
    return RunContext(
        executor=SerialExecutor(),
        workers=1,
        job_log=job_log,
        progress=RecordingProgress(),
        rule=RetryRule(0, 6, 0, 0),
        clock=FixedClock(NOW),
        cancel=threading.Event(),
    )


def _listed() -> MemoryJobLog:
    job_log = MemoryJobLog()
    job_log.list(Job(0, imdb_id(number)) for number in (1, 2, 3))
    return job_log


def test_what_a_store_has_lost_is_done_again_when_a_run_goes_on() -> None:
    store, done = InMemoryMovieRepository(), []

    def work(job: Job) -> Outcome:
        done.append(job.key)
        store.save(movie(int(job.key[2:])))
        return Outcome(job, Status.COMPLETED)

    job_log = _listed()
    for job in list(job_log.pending())[:2]:
        work(job)
        job_log.record(Outcome(job, Status.COMPLETED))
    emptied, history = InMemoryMovieRepository(), History()
    emptied.save(movie(2))
    store, done = emptied, []
    ended = scrape(_crew(job_log.reopened()), store, work, history=history, run=RUN)
    assert ended.stop_reason is StopReason.FINISHED
    assert done == [imdb_id(1), imdb_id(3)]
    assert history.saved == 3


def test_a_database_that_goes_at_the_end_leaves_the_other_store_in_order() -> None:
    store = InMemoryMovieRepository()
    gone = StoreUnavailable("postgres", "gone")
    with pytest.raises(StoreUnavailable, match="gone"):
        scrape(
            _crew(_listed()), store, lambda job: Outcome(job, Status.COMPLETED), history=History(gone), run=RUN
        )  # fmt: skip
    assert store.finished == 1
