"""A scraping run: list the titles, carry the jobs out, leave the stores in their final form."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from application.ports import Job, JobExecutor, JobLog, MovieRepository, Outcome, Progress, Run, RunHistory
from application.run_jobs import RetryRule, RunResult, StopReason, run_jobs
from domain.chart import ChartEntry, ChartName
from domain.errors import StoreError
from shared.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunContext:
    """Those who carry a run out, whatever its work is.

    Attributes:
        executor: has the jobs done, ``workers`` at a time.
        job_log: remembers them.
        progress: shows them.
        rule: when a failed one is tried again.
        cancel: stops them.
        scope: entered around each, so that its log lines stay together.
    """

    executor: JobExecutor
    workers: int
    job_log: JobLog
    progress: Progress
    rule: RetryRule
    clock: Clock
    cancel: threading.Event
    scope: Callable[[Job], AbstractContextManager[object]] = nullcontext

    def carry_out(self, label: str, work: Callable[[Job], Outcome]) -> RunResult:
        """Have every pending job done; the face is up for as long."""
        self.progress.begin(label, self.job_log.counts.pending)
        try:
            return run_jobs(
                work,
                executor=self.executor,
                job_log=self.job_log,
                progress=self.progress,
                rule=self.rule,
                clock=self.clock,
                cancel=self.cancel,
                workers=self.workers,
                scope=self.scope,
            )
        finally:
            self.progress.end()


def scrape(
    crew: RunContext, store: MovieRepository, work: Callable[[Job], Outcome], *, history: RunHistory, run: Run
) -> RunResult:
    """Do all pending jobs; then renew the ranks, write the run down, and bring both stores into their final form.

    A run that goes on takes again what a store has lost meanwhile: an edited file, another database.
    However the run ends, what was saved is brought into its final form.

    Args:
        crew: carries the jobs out.
        store: both stores in one.
        work: scrapes one title.
        history: remembers the run.
        run: what it is of.

    Raises:
        StoreError: a store failed after the jobs were done.
    """
    places = [ChartEntry(job.rank, job.key) for job in crew.job_log.jobs() if job.rank is not None] if run.chart else []
    if crew.job_log.resumed and (lost := crew.job_log.reopen(set(store.ids()))):
        log.warning("%d titles that were done are not in both stores: they are fetched again", lost)
    history.begin(run, places)
    ended = crew.carry_out(run.chart or "titles", work)
    if ended.ending is StopReason.STORE:
        _finish_what_is_there(store)
        return ended
    try:
        counts = crew.job_log.counts
        whole = run.chart is not None and run.asked == ChartName(run.chart).size == counts.completed
        history.end(run, saved=counts.completed, failed=counts.failed, complete=whole, finished_at=crew.clock.now())
    except StoreError:
        _finish_what_is_there(store)
        raise
    store.finalize()
    return ended


def _finish_what_is_there(store: MovieRepository) -> None:
    """One store has gone; the other is still to be left in order. The run reports the loss already."""
    try:
        store.finalize()
    except StoreError as error:
        log.info("after the loss of a store: %s", error)
