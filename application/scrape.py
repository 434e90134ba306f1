"""A scraping run: lists the titles, executes the jobs, finalizes the stores."""

from __future__ import annotations

import logging
from collections.abc import Callable

from application.ports import Job, MovieRepository, Outcome, Run, RunHistory
from application.run_jobs import RunContext, RunResult, StopReason
from domain.chart import ChartEntry, chart_size
from domain.errors import StoreError

log = logging.getLogger(__name__)


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
