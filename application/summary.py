"""What a run came to: counted from outcomes, in memory that does not grow with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from application.ports import Failure, Outcome, Status
from shared.clock import Clock

LISTED_FAILURES: Final = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of a run, or of one sitting of a run that was continued.

    Attributes:
        saved: jobs that were completed.
        partial: those of them whose source could not tell every field.
        failed: jobs that failed for good.
        reasons: failures for good by error class, most frequent first.
        failures: the first of them, at most ``LISTED_FAILURES``.
        retried: failures after which the job stayed pending.
        cancelled: jobs cut off by the end of the run; they stay pending.
        requests: HTTP requests, whatever came of them.
        size: body bytes over the wire.
        elapsed: wall time in seconds.
        busy: seconds summed over all jobs.
        workers: how many jobs could run at the same time.
    """

    saved: int
    partial: int
    failed: int
    reasons: tuple[tuple[str, int], ...]
    failures: tuple[Failure, ...]
    retried: int
    cancelled: int
    requests: int
    size: int
    elapsed: float
    busy: float
    workers: int

    @property
    def pages_per_second(self) -> float:
        """Jobs completed in a second of wall time."""
        return _ratio(self.saved, self.elapsed)

    @property
    def speed_up(self) -> float:
        """How many times longer the same jobs would have taken one after the other."""
        return _ratio(self.busy, self.elapsed)

    @property
    def utilisation(self) -> float:
        """The share of the workers' time that was spent in jobs, 0 to 1."""
        return min(1.0, _ratio(self.busy, self.elapsed * self.workers))

    def as_dict(self) -> dict[str, Any]:
        """Everything above in types that JSON knows."""
        return {
            "saved": self.saved,
            "partial": self.partial,
            "failed": self.failed,
            "reasons": dict(self.reasons),
            "failures": [{"id": each.key, "reason": each.reason, "detail": each.detail} for each in self.failures],
            "retried": self.retried,
            "cancelled": self.cancelled,
            "requests": self.requests,
            "bytes": self.size,
            "elapsed_seconds": round(self.elapsed, 3),
            "pages_per_second": round(self.pages_per_second, 3),
            "speed_up": round(self.speed_up, 2),
            "utilisation": round(self.utilisation, 3),
            "workers": self.workers,
        }


class Totals:
    """Adds outcomes up; the wall time counts from here. For one thread.

    An outcome that may be retried counts as a retry and not as a failure: the
    job is pending, and whatever becomes of it arrives as another outcome.
    """

    def __init__(self, clock: Clock, workers: int) -> None:
        self._clock = clock
        self._workers = workers
        self._begin = clock.monotonic()
        self._counts: Counter[Status] = Counter()
        self._reasons: Counter[str] = Counter()
        self._failures: list[Failure] = []
        self._partial = self._retried = self._requests = self._size = self._milliseconds = 0

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self._requests += outcome.requests
        self._size += outcome.size
        self._milliseconds += outcome.milliseconds
        if outcome.status is Status.FAILED and outcome.retry:
            self._retried += 1
            return
        self._counts[outcome.status] += 1
        if outcome.status is Status.COMPLETED:
            self._partial += bool(outcome.missing)
        elif outcome.status is Status.FAILED:
            self._reasons[outcome.reason] += 1
            if len(self._failures) < LISTED_FAILURES:
                self._failures.append(Failure(outcome.job.key, outcome.reason, outcome.detail))

    def summary(self) -> Summary:
        """The totals up to now."""
        return Summary(
            saved=self._counts[Status.COMPLETED],
            partial=self._partial,
            failed=self._counts[Status.FAILED],
            reasons=tuple(self._reasons.most_common()),
            failures=tuple(self._failures),
            retried=self._retried,
            cancelled=self._counts[Status.CANCELLED],
            requests=self._requests,
            size=self._size,
            elapsed=self._clock.monotonic() - self._begin,
            busy=self._milliseconds / 1000,
            workers=self._workers,
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
