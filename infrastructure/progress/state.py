"""The state of a run that every progress display draws from."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import msgspec

from application.ports.runs import Job, Outcome, Status
from shared.clock import Clock

_WINDOW: Final = 20  # samples, at most one a second: the rate covers the last 20 seconds


class ActiveJob(msgspec.Struct, frozen=True):
    """A job in progress, its current phase, and the seconds since a worker took it."""

    job: Job
    phase: str
    attempt: int
    seconds: float


class ProgressSnapshot(msgspec.Struct, frozen=True):
    """A run at one moment.

    Attributes:
        done: jobs completed or failed for good, ``failed`` included.
        retried: failures whose job stays pending.
        rate: jobs done per second, over the last 20 seconds.
        byte_rate: body bytes per second, over the last 20 seconds.
        left: seconds until all jobs are done at this rate; ``None`` while it is unknown.
        active: jobs that workers have in hand, longest-running first.
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
    active: tuple[ActiveJob, ...]


class ProgressState:
    """Counts that many threads write and a display reads. Memory: one entry for each active job."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._active: dict[int, tuple[Job, str, int, float]] = {}
        self._reset("", 0)

    def begin(self, label: str, total: int) -> None:
        """Starts a run: all counts are zero."""
        with self._lock:
            self._reset(label, total)

    def started(self, job: Job) -> None:
        """Adds the job to the active ones."""
        with self._lock:
            self._active[job.seq] = (job, "", job.attempt, self._clock.monotonic())

    def phase(self, job: Job, phase: str, attempt: int) -> None:
        """Sets the job's phase; an unknown job counts as started now."""
        now = self._clock.monotonic()
        with self._lock:
            since = self._active[job.seq][3] if job.seq in self._active else now
            self._active[job.seq] = (job, phase, attempt, since)

    def done(self, outcome: Outcome) -> None:
        """Counts a job that has ended; one that stays pending is not done."""
        now = self._clock.monotonic()
        with self._lock:
            self._active.pop(outcome.job.seq, None)
            self._size += outcome.size
            if outcome.status is Status.FAILED and outcome.retry:
                self._retried += 1
            elif outcome.status is not Status.CANCELLED:
                self._done += 1
                self._failed += outcome.status is Status.FAILED
            if now - self._samples[-1][0] >= 1:
                self._samples.append((now, self._done, self._size))

    def counts(self) -> tuple[int, int]:
        """Jobs done and jobs in total; cheaper than a snapshot."""
        with self._lock:
            return self._done, self._total

    def snapshot(self) -> ProgressSnapshot:
        """The run as it is now."""
        now = self._clock.monotonic()
        with self._lock:
            since, done, size = self._samples[0]
            span = now - since
            rate = (self._done - done) / span if span > 0 else 0.0
            left = (self._total - self._done) / rate if rate else None
            active = sorted(self._active.values(), key=lambda entry: entry[3])
            return ProgressSnapshot(
                label=self._label,
                total=self._total,
                done=self._done,
                failed=self._failed,
                retried=self._retried,
                elapsed=now - self._begin,
                rate=rate,
                byte_rate=(self._size - size) / span if span > 0 else 0.0,
                left=left if self._done < self._total else 0.0,
                active=tuple(ActiveJob(job, phase, attempt, now - at) for job, phase, attempt, at in active),
            )

    def _reset(self, label: str, total: int) -> None:
        self._label = label
        self._total = total
        self._done = self._failed = self._retried = self._size = 0
        self._begin = self._clock.monotonic()
        self._active.clear()
        self._samples = deque([(self._begin, 0, 0)], _WINDOW)
