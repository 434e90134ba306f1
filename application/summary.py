"""The summary of a run, counted from its outcomes in constant memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from application.ports import Failure, JobCounts, Outcome, Status
from shared.clock import Clock

LISTED_FAILURES: Final = 100


@dataclass(frozen=True, slots=True)
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

    fetched: int
    fresh: int
    incomplete: int
    failed: int
    minor: int
    reasons: tuple[tuple[str, int], ...]
    failures: tuple[Failure, ...]
    retried: int
    cancelled: int
    saved: int
    pending: int
    requests: int
    size: int
    elapsed: float
    busy: float
    workers: int

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
        self._workers = workers
        self._begin = clock.monotonic()
        self._counts: Counter[Status] = Counter()
        self._reasons: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._fresh = self._incomplete = self._minor = self._retried = 0
        self._requests = self._size = self._milliseconds = 0

    def add(self, outcome: Outcome) -> None:
        """Counts one outcome."""
        self._requests += outcome.requests
        self._size += outcome.size
        self._milliseconds += outcome.milliseconds
        if outcome.status is Status.FAILED and outcome.retry:
            self._retried += 1
            return
        self._counts[outcome.status] += 1
        if outcome.status is Status.COMPLETED:
            self._fresh += outcome.fresh
            self._incomplete += bool(outcome.missing)
        elif outcome.status is Status.FAILED:
            self._reasons[outcome.reason] += 1
            self._minor += outcome.minor
            if len(self._failures) < LISTED_FAILURES:
                self._failures.append(Failure(outcome.job.key, outcome.reason, outcome.detail))

    def summary(self, counts: JobCounts) -> Summary:
        """The totals up to now, with the ``counts`` of the whole run."""
        return Summary(
            fetched=self._counts[Status.COMPLETED] - self._fresh,
            fresh=self._fresh,
            incomplete=self._incomplete,
            failed=self._counts[Status.FAILED],
            minor=self._minor,
            reasons=tuple(self._reasons.most_common()),
            failures=tuple(self._failures),
            retried=self._retried,
            cancelled=self._counts[Status.CANCELLED],
            saved=counts.completed,
            pending=counts.pending,
            requests=self._requests,
            size=self._size,
            elapsed=self._clock.monotonic() - self._begin,
            busy=self._milliseconds / 1000,
            workers=self._workers,
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
