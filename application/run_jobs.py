"""The engine: takes jobs from the log, has them carried out, writes down what came of each.

Scraping, parsing saved pages and fetching posters differ only in the work they
hand in. Everything here runs on the calling thread, except the work itself.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum

from application.ports import Job, JobExecutor, JobLog, Outcome, Progress, Status
from application.summary import Summary, Totals
from application.worker import Worker
from shared.clock import Clock


class StopReason(StrEnum):
    """Why a run ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    BLOCKED = "blocked"
    STORE = "store unavailable"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """When a failed job is queued again.

    Attributes:
        retries: how often at most within a run.
        max_requests: HTTP requests a job may cost in a run; none left, no retry.
        delay: seconds before the first retry; each further wait doubles.
        longest: the most seconds between two tries.
    """

    retries: int
    max_requests: int
    delay: float
    longest: float

    def allows(self, outcome: Outcome) -> bool:
        """Whether the job may be tried again in this run."""
        if outcome.status is not Status.FAILED or not outcome.retry or outcome.blocked or outcome.unavailable:
            return False
        spent = outcome.job.spent + outcome.requests
        return outcome.job.attempt <= self.retries and spent < self.max_requests

    def wait(self, attempt: int) -> float:
        """Seconds between this attempt and the next."""
        return float(min(self.delay * 2 ** (attempt - 1), self.longest))


class _Queue(Iterator[Job | None]):
    """The listed jobs, and between them those whose retry is due."""

    def __init__(self, listed: Iterator[Job], rule: RetryRule, clock: Clock, cancel: threading.Event) -> None:
        self._listed = listed
        self._rule = rule
        self._clock = clock
        self._cancel = cancel
        self._again: list[tuple[float, int, Job]] = []
        self._in_flight = 0

    def __next__(self) -> Job | None:
        job = self._due() or next(self._listed, None)
        if job is None and self._in_flight:
            return None  # one of those may come back
        if job is None and self._again:
            # The last ones, all waiting: nothing else is under way that this wait could hold up.
            self._cancel.wait(self._again[0][0] - self._clock.monotonic())
            job = None if self._cancel.is_set() else heapq.heappop(self._again)[2]
        if job is None:
            raise StopIteration
        self._in_flight += 1
        return job

    def settle(self, outcome: Outcome) -> Outcome:
        """Take back a job that has ended; queue it again if the rule allows."""
        self._in_flight -= 1
        if self._rule.allows(outcome):
            job = replace(outcome.job, attempt=outcome.job.attempt + 1, spent=outcome.job.spent + outcome.requests)
            due = self._clock.monotonic() + self._rule.wait(outcome.job.attempt)
            heapq.heappush(self._again, (due, job.seq, job))
            return outcome
        # Its tries in this run are used up; a block or a lost store is no fault of the job, which stays pending.
        return replace(outcome, retry=outcome.blocked or outcome.unavailable or outcome.status is Status.CANCELLED)

    def _due(self) -> Job | None:
        if self._again and self._again[0][0] <= self._clock.monotonic():
            return heapq.heappop(self._again)[2]
        return None


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that is over."""

    ending: StopReason
    summary: Summary
    message: str = ""


def run_jobs(
    work: Callable[[Job], Outcome],
    *,
    executor: JobExecutor,
    job_log: JobLog,
    progress: Progress,
    rule: RetryRule,
    clock: Clock,
    cancel: threading.Event,
    workers: int,
    scope: Callable[[Job], AbstractContextManager[object]] = nullcontext,
) -> RunResult:
    """Carry out every pending job of the log.

    Ends early when the site blocks us or a store has gone away; what was not
    done stays pending in the log. The log is left open: the caller closes it
    once the stores are in their final form.
    """
    queue = _Queue(job_log.pending(), rule, clock, cancel)
    totals = Totals(clock, workers)
    ending, message = StopReason.FINISHED, ""
    worker = Worker(work, progress=progress, job_log=job_log, clock=clock, scope=scope)
    for outcome in executor.execute(queue, worker, cancel):
        settled = queue.settle(outcome)
        job_log.record(settled)
        totals.add(settled)
        progress.done(settled)
        if (settled.blocked or settled.unavailable) and ending is StopReason.FINISHED:
            ending = StopReason.BLOCKED if settled.blocked else StopReason.STORE
            message = settled.detail
            cancel.set()
    if cancel.is_set() and ending is StopReason.FINISHED:
        ending = StopReason.INTERRUPTED
    return RunResult(ending, totals.summary(job_log.counts), message)
