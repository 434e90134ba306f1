"""A job log in memory, for tests of what uses one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from application.ports.runs import Failure, Job, JobCounts, Outcome, Status


@dataclass
class MemoryJobLog:
    """Satisfies ``JobLog``. ``reopened()`` is what another process would find."""

    resumed: bool = False
    jobs_by_seq: dict[int, Job] = field(default_factory=dict)
    whole: bool = False
    completed: set[int] = field(default_factory=set)
    moved: dict[int, str] = field(default_factory=dict)
    failed: dict[int, Failure] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    reason: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def listed(self) -> bool:
        return self.whole

    @property
    def counts(self) -> JobCounts:
        return JobCounts(len(self.jobs_by_seq), len(self.completed), len(self.failed))

    @property
    def begun(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def jobs(self) -> Iterator[Job]:
        return (self.jobs_by_seq[seq] for seq in sorted(self.jobs_by_seq))

    def list(self, jobs: Iterable[Job]) -> int:
        keys: set[str] = set()
        for job in jobs:
            if job.key.strip() and job.key not in keys:
                self.jobs_by_seq[len(keys)] = Job(len(keys), job.key, job.rank, label=job.label)
                keys.add(job.key)
        self.whole = True
        return len(self.jobs_by_seq)

    def pending(self) -> Iterator[Job]:
        if not self.whole:
            raise ValueError("the list of jobs is incomplete: list them first")
        return (
            job for seq, job in sorted(self.jobs_by_seq.items()) if seq not in self.completed and seq not in self.failed
        )

    def reopen(self, stored: Iterable[str]) -> int:
        kept = set(stored)
        lost = {seq for seq in self.completed if self.moved.get(seq, self.jobs_by_seq[seq].key) not in kept}
        self.completed -= lost
        return len(lost)

    def failures(self) -> Iterator[Failure]:
        return iter([*self.failed.values()])

    def started(self, job: Job) -> None:
        with self._lock:
            self.taken.append(job.seq)

    def record(self, outcome: Outcome) -> None:
        seq, job = outcome.job.seq, outcome.job
        spent = job.spent + outcome.requests
        if outcome.status is Status.COMPLETED:
            self.completed.add(seq)
            if outcome.saved_as:
                self.moved[seq] = outcome.saved_as
            self.failed.pop(seq, None)
        elif outcome.status is Status.CANCELLED:
            self.jobs_by_seq[seq] = replace(self.jobs_by_seq[seq], spent=spent)
        elif outcome.retry:
            attempt = job.attempt + (not outcome.blocked and not outcome.unavailable)
            self.jobs_by_seq[seq] = replace(self.jobs_by_seq[seq], attempt=attempt, spent=spent)
        else:
            self.failed[seq] = Failure(job.key, outcome.reason, outcome.detail)

    def close(self, reason: str) -> None:
        self.reason = self.reason or reason

    def reopened(self) -> MemoryJobLog:
        if self.whole and not self.counts.pending:
            return MemoryJobLog()
        return replace(self, resumed=True, reason=None, taken=[])
