"""A scraping run: list the titles, carry the jobs out, leave the stores in their final form."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from application.ports import Job, JobExecutor, JobLog, MovieRepository, Outcome, Progress, Run, RunHistory
from application.run_jobs import RetryRule, RunResult, StopReason, run_jobs
from domain.chart import ChartEntry, chart_size
from domain.errors import StoreError
from shared.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every run needs, whatever its work is.

    Attributes:
        executor: executes the jobs, ``workers`` at a time.
        job_log: records them.
        progress: displays them.
        rule: decides on retries.
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

    def execute(self, label: str, work: Callable[[Job], Outcome]) -> RunResult:
        """Executes every pending job, with the progress display."""
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
    context: RunContext, store: MovieRepository, work: Callable[[Job], Outcome], *, history: RunHistory, run: Run
) -> RunResult:
    """Executes all pending jobs, renews the ranks, records the run, and finalizes the stores.

    A resumed run fetches again the titles that a store has lost meanwhile, because a file
    was edited or the database is another one. The stores are finalized after any end.

    Args:
        context: executes the jobs.
        store: all stores in one.
        work: scrapes one title.
        history: records the run.
        run: the run to record.

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
    """Finalizes the stores that are left; the run reports the loss of the other one."""
    try:
        store.finalize()
    except StoreError as error:
        log.info("finalizing after the loss of a store: %s", error)
