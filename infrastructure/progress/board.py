"""What there is to show of a run, whatever shows it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from application.ports import Job, Outcome, Status
from shared.clock import Clock

_WINDOW: Final = 20  # samples, one a second at most: the rate is that of the last 20 seconds


@dataclass(frozen=True, slots=True)
class Busy:
    """One worker: what it has in hand, what it does, for how many seconds it has had it."""

    key: str
    phase: str
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one moment.

    Attributes:
        done: jobs completed or failed for good; ``failed`` are some of them.
        retried: failures whose job will be, or may be, tried again.
        rate: jobs done in a second, of late.
        byte_rate: body bytes in a second, of late.
        left: seconds until all is done at this rate; ``None`` when nobody can tell.
        busy: one for each worker that has a job, longest at it first.
    """

    label: str
    total: int
    done: int
    failed: int
    retried: int
    elapsed: float
    rate: float
    byte_rate: float
    left: float | None
    busy: tuple[Busy, ...]


class Board:
    """Counts that many threads write and a face reads. Memory: one entry for each busy worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._busy: dict[int, tuple[Job, str, int, float]] = {}
        self._reset("", 0)

    def begin(self, label: str, total: int) -> None:
        """Start from nothing."""
        with self._lock:
            self._reset(label, total)

    def started(self, job: Job) -> None:
        """A worker has taken the job."""
        with self._lock:
            self._busy[job.seq] = (job, "", job.attempt, self._clock.monotonic())

    def phase(self, job: Job, phase: str, attempt: int) -> None:
        """A worker does something else now; unknown jobs are taken as started."""
        now = self._clock.monotonic()
        with self._lock:
            since = self._busy[job.seq][3] if job.seq in self._busy else now
            self._busy[job.seq] = (job, phase, attempt, since)

    def done(self, outcome: Outcome) -> None:
        """A job has ended; one that may be retried counts as not done."""
        now = self._clock.monotonic()
        with self._lock:
            self._busy.pop(outcome.job.seq, None)
            self._size += outcome.size
            if outcome.status is Status.FAILED and outcome.retry:
                self._retried += 1
            elif outcome.status is not Status.CANCELLED:
                self._done += 1
                self._failed += outcome.status is Status.FAILED
            if now - self._samples[-1][0] >= 1:
                self._samples.append((now, self._done, self._size))

    def counts(self) -> tuple[int, int]:
        """How many are done, and of how many; cheaper than a snapshot."""
        with self._lock:
            return self._done, self._total

    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        now = self._clock.monotonic()
        with self._lock:
            since, done, size = self._samples[0]
            span = now - since
            rate = (self._done - done) / span if span > 0 else 0.0
            left = (self._total - self._done) / rate if rate else None
            busy = sorted(self._busy.values(), key=lambda entry: entry[3])
            return Snapshot(
                label=self._label,
                total=self._total,
                done=self._done,
                failed=self._failed,
                retried=self._retried,
                elapsed=now - self._begin,
                rate=rate,
                byte_rate=(self._size - size) / span if span > 0 else 0.0,
                left=left if self._done < self._total else 0.0,
                busy=tuple(Busy(job.key, phase, attempt, now - at) for job, phase, attempt, at in busy),
            )

    def _reset(self, label: str, total: int) -> None:
        self._label = label
        self._total = total
        self._done = self._failed = self._retried = self._size = 0
        self._begin = self._clock.monotonic()
        self._busy.clear()
        self._samples = deque([(self._begin, 0, 0)], _WINDOW)
