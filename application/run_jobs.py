"""The engine: takes jobs from the log, executes them, and records each outcome.

Scraping, parsing saved pages and fetching posters differ only in their ``work``.
Everything here runs on the calling thread, except the work itself.
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
        retries: number of retries within a run at most.
        max_requests: HTTP requests that a job may cost in a run; without any left there is no retry.
        delay: seconds before the first retry; each further delay doubles.
        max_delay: seconds between two tries at most.
    """

    retries: int
    max_requests: int
    delay: float
    max_delay: float

    def allows(self, outcome: Outcome) -> bool:
        """Tells whether the job may be retried in this run."""
        if outcome.status is not Status.FAILED or not outcome.retry or outcome.blocked or outcome.unavailable:
            return False
        spent = outcome.job.spent + outcome.requests
        return outcome.job.attempt <= self.retries and spent < self.max_requests

    def wait(self, attempt: int) -> float:
        """Gives the seconds between this attempt and the next."""
        return float(min(self.delay * 2 ** (attempt - 1), self.max_delay))


class _Queue(Iterator[Job | None]):
    """Yields the listed jobs, and between them the jobs whose retry is due."""

    def __init__(self, listed: Iterator[Job], rule: RetryRule, clock: Clock, cancel: threading.Event) -> None:
        self._listed = listed
        self._rule = rule
        self._clock = clock
        self._cancel = cancel
        self._retries: list[tuple[float, int, Job]] = []
        self._in_flight = 0

    def __next__(self) -> Job | None:
        job = self._due() or next(self._listed, None)
        if job is None and self._in_flight:
            return None  # one of the jobs in flight may be retried
        if job is None and self._retries:
            # Only retries are left and nothing is in flight that this wait could delay.
            self._cancel.wait(self._retries[0][0] - self._clock.monotonic())
            job = None if self._cancel.is_set() else heapq.heappop(self._retries)[2]
        if job is None:
            raise StopIteration
        self._in_flight += 1
        return job

    def settle(self, outcome: Outcome) -> Outcome:
        """Queues a failed job again if the rule allows it; returns the outcome to record."""
        self._in_flight -= 1
        if self._rule.allows(outcome):
            job = replace(outcome.job, attempt=outcome.job.attempt + 1, spent=outcome.job.spent + outcome.requests)
            due = self._clock.monotonic() + self._rule.wait(outcome.job.attempt)
            heapq.heappush(self._retries, (due, job.seq, job))
            return outcome
        # No try is left in this run. After a block or the loss of a store the job stays pending.
        return replace(outcome, retry=outcome.blocked or outcome.unavailable or outcome.status is Status.CANCELLED)

    def _due(self) -> Job | None:
        if self._retries and self._retries[0][0] <= self._clock.monotonic():
            return heapq.heappop(self._retries)[2]
        return None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        message: the reason in one line where it ended early.
        edited: another program changed files of a store meanwhile.
    """

    stop_reason: StopReason
    summary: Summary
    message: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True)
class RunContext:
    """Executes the jobs of a log, whatever their work is.

    Attributes:
        executor: executes the jobs, ``workers`` at a time.
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
        """Executes every pending job of the log, with the progress display.

        Stops early when the site blocks the program or a store is unavailable; the
        other jobs stay pending in the log. The caller closes the log after it has
        finalized the stores.
        """
        self.progress.begin(label, self.job_log.counts.pending)
        try:
            return self._execute(work)
        finally:
            self.progress.end()

    def _execute(self, work: Callable[[Job], Outcome]) -> RunResult:
        queue = _Queue(self.job_log.pending(), self.rule, self.clock, self.cancel)
        totals = Totals(self.clock, self.workers)
        stop_reason, message = StopReason.FINISHED, ""
        worker = Worker(work, progress=self.progress, job_log=self.job_log, clock=self.clock, scope=self.scope)
        for outcome in self.executor.execute(queue, worker, self.cancel):
            settled = queue.settle(outcome)
            self.job_log.record(settled)
            totals.add(settled)
            self.progress.done(settled)
            if (settled.blocked or settled.unavailable) and stop_reason is StopReason.FINISHED:
                stop_reason = StopReason.BLOCKED if settled.blocked else StopReason.STORE
                message = settled.detail
                self.cancel.set()
        if self.cancel.is_set() and stop_reason is StopReason.FINISHED:
            stop_reason = StopReason.INTERRUPTED
        return RunResult(stop_reason, totals.summary(self.job_log.counts), message)
