"""The engine: takes jobs from the log, executes them, and records each outcome.

Scraping, parsing saved pages and fetching posters differ only in their ``work``.
Everything here runs on the calling thread, except the work itself.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any, Final

from application.ports.runs import Failure, Job, JobCounts, JobExecutor, JobLog, Outcome, Progress, Status
from domain.errors import Blocked, Cancelled, FilmledgerError, StoreUnavailable, UnusablePicture
from shared.clock import Clock
from shared.logs import job_log_scope, log_event

log = logging.getLogger(__name__)

# --- totals of the outcomes -----------------------------------------------------

LISTED_FAILURES: Final = 100


@dataclass(slots=True)
class Summary:
    """The totals of one process's part of a run.

    Attributes:
        fetched: jobs completed with new data.
        fresh: jobs completed without a request, because the saved record is recent enough.
        incomplete: completed jobs whose source lacked fields.
        failed: jobs that failed for good.
        minor: how many of them leave the record complete; they do not make the run a failure.
        reasons: failures for good by error class, most frequent first.
        failures: the first of them, at most ``LISTED_FAILURES``.
        retried: failures after which the job stayed pending.
        cancelled: jobs that the end of the run interrupted; they are pending.
        saved: completed jobs of the whole run, including those of earlier processes.
        pending: jobs of the whole run that remain.
        requests: HTTP requests, failed ones included.
        size: body bytes received.
        elapsed: wall time in seconds.
        busy: seconds summed over all jobs.
        workers: how many jobs could run at the same time.
    """

    fetched: int = 0
    fresh: int = 0
    incomplete: int = 0
    failed: int = 0
    minor: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    failures: tuple[Failure, ...] = ()
    retried: int = 0
    cancelled: int = 0
    saved: int = 0
    pending: int = 0
    requests: int = 0
    size: int = 0
    elapsed: float = 0
    busy: float = 0
    workers: int = 1

    @property
    def rate(self) -> float:
        """Jobs fetched per second of wall time."""
        return _ratio(self.fetched, self.elapsed)

    @property
    def utilisation(self) -> float:
        """The share of the workers' time spent in jobs, 0 to 1."""
        return min(1.0, _ratio(self.busy, self.elapsed * self.workers))

    def as_dict(self) -> dict[str, Any]:
        """All of it in JSON types."""
        return {
            "fetched": self.fetched,
            "fresh": self.fresh,
            "incomplete": self.incomplete,
            "failed": self.failed,
            "failed_by_reason": dict(self.reasons),
            "failures": [{"id": each.key, "reason": each.reason, "detail": each.detail} for each in self.failures],
            "retried": self.retried,
            "cancelled": self.cancelled,
            "saved": self.saved,
            "pending": self.pending,
            "requests": self.requests,
            "bytes": self.size,
            "elapsed_seconds": round(self.elapsed, 3),
            "rate_per_second": round(self.rate, 3),
            "utilisation": round(self.utilisation, 3),
            "workers": self.workers,
        }


class Totals:
    """Sums up outcomes; wall time counts from construction. Not thread-safe.

    A failure that may be retried counts as a retry: its job is pending and
    ends with another outcome.
    """

    def __init__(self, clock: Clock, workers: int) -> None:
        self._clock = clock
        self._begin = clock.monotonic()
        self._sums = Summary(workers=workers)
        self._reasons: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._milliseconds = 0

    def add(self, outcome: Outcome) -> None:
        """Counts one outcome."""
        sums = self._sums
        sums.requests += outcome.requests
        sums.size += outcome.size
        self._milliseconds += outcome.milliseconds
        if outcome.status is Status.CANCELLED:
            sums.cancelled += 1
        elif outcome.status is Status.COMPLETED:
            sums.fetched += not outcome.fresh
            sums.fresh += outcome.fresh
            sums.incomplete += bool(outcome.missing)
        elif outcome.retry:
            sums.retried += 1
        else:
            sums.failed += 1
            sums.minor += outcome.minor
            self._reasons[outcome.reason] += 1
            if len(self._failures) < LISTED_FAILURES:
                self._failures.append(Failure(outcome.job.key, outcome.reason, outcome.detail))

    def summary(self, counts: JobCounts) -> Summary:
        """The totals up to now, with the ``counts`` of the whole run."""
        return replace(
            self._sums,
            reasons=tuple(self._reasons.most_common()),
            failures=tuple(self._failures),
            saved=counts.completed,
            pending=counts.pending,
            elapsed=self._clock.monotonic() - self._begin,
            busy=self._milliseconds / 1000,
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


# --- one job --------------------------------------------------------------------


def failed(job: Job, error: FilmledgerError, *, requests: int = 0, size: int = 0) -> Outcome:
    """Makes the outcome of a job that ended in an error of this program.

    When a store is unavailable, the site refuses, or the run was stopped, the job
    stays pending, because it is not the cause.

    Args:
        requests, size: used before the error; those of the error itself are added.
    """
    return Outcome(
        job,
        Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED,
        str(error),
        type(error).__name__,
        retry=error.retry or isinstance(error, Blocked | Cancelled),
        minor=isinstance(error, UnusablePicture),
        blocked=isinstance(error, Blocked),
        unavailable=isinstance(error, StoreUnavailable),
        requests=requests + error.requests,
        size=size + error.size,
    )


# --- all jobs -------------------------------------------------------------------


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
    """

    executor: JobExecutor
    workers: int
    job_log: JobLog
    progress: Progress
    rule: RetryRule
    clock: Clock
    cancel: threading.Event

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
        for outcome in self.executor.execute(queue, partial(self.attempt, work), self.cancel):
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

    def attempt(self, work: Callable[[Job], Outcome], job: Job) -> Outcome:
        """Executes one job in a worker thread: any error becomes its outcome. Never raises."""
        began = self.clock.monotonic()
        with job_log_scope(job.key):
            try:
                self.progress.started(job)
                self.job_log.started(job)
                outcome = work(job)
            except FilmledgerError as error:
                outcome = failed(job, error)
            except Exception as error:
                log.exception("%s failed unexpectedly", job.key)
                outcome = Outcome(job, Status.FAILED, f"{type(error).__name__}: {error}", type(error).__name__)
            if outcome.status is Status.FAILED:
                log_event(
                    log,
                    "title_failed",
                    "%s failed: %s",
                    job.key,
                    outcome.detail,
                    id=job.key,
                    rank=job.rank,
                    attempt=job.attempt,
                    reason=outcome.reason,
                    detail=outcome.detail,
                    retry=outcome.retry,
                )
        return replace(outcome, milliseconds=round((self.clock.monotonic() - began) * 1000))
