"""The job log of one run, open for writing."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from filelock import BaseFileLock

from application.ports import Failure, Job, JobCounts, Outcome, Status
from application.records import parse_timestamp, timestamp
from application.status import RunIdentity
from domain.errors import UsageError
from infrastructure.data_dir.disk_wait import DiskWait
from infrastructure.joblog import checkpoint, lines, listing
from infrastructure.joblog.append_file import AppendFile
from infrastructure.joblog.keys import KeySet
from infrastructure.joblog.state import State
from shared.clock import Clock
from shared.masking import mask

log = logging.getLogger(__name__)

CHECKPOINT_FROM: Final = 8 << 20  # a shorter log is read in a fraction of a second
CHECKPOINT_EVERY: Final = 250_000  # outcomes
_BATCH: Final = 8192
_LONGEST_DETAIL: Final = 1_000
_MAX_LABEL: Final = 200


def run_line(identity: RunIdentity, *, version: str, clock: Clock) -> dict[str, Any]:
    """The first line of a new run, with a new id."""
    return {
        "kind": "run",
        "ts": timestamp(clock.now()),
        "run": secrets.token_hex(4),
        "program": lines.PROGRAM,
        "version": version,
        "format": lines.FORMAT,
        "work": identity.work,
        "subject": identity.subject,
        "site": identity.site,
        "limit": identity.limit,
        "pid": os.getpid(),
    }


class JobLogFile:
    """A ``JobLog`` on a file. Made by ``open_job_log``.

    The state only ever changes through lines that stand in the file.
    """

    def __init__(
        self,
        path: Path,
        file: AppendFile,
        state: State,
        lock: BaseFileLock,
        *,
        identity: RunIdentity,
        version: str,
        clock: Clock,
        resumed: bool,
        disk_wait: DiskWait,
    ) -> None:
        self._path = path
        self._file = file
        self._state = state
        self._lock = lock
        self._identity = identity
        self._version = version
        self._clock = clock
        self._resumed = resumed
        self._disk_wait = disk_wait
        self._list_name = Path(identity.subject).name
        self._writing = threading.Lock()
        self._since_checkpoint = 0
        self._closed = False

    @property
    def run(self) -> str:
        """The run's id."""
        return self._state.run.run if self._state.run else ""

    @property
    def resumed(self) -> bool:
        return self._resumed

    @property
    def listed(self) -> bool:
        return self._state.whole

    @property
    def counts(self) -> JobCounts:
        state = self._state
        return JobCounts(len(state.listed), len(state.done) - len(state.failed), len(state.failed))

    def list(self, jobs: Iterable[Job]) -> int:
        known = KeySet()
        if self._state.touched:
            log.warning("the list in %s is damaged: what it lacks is added at its end", self._path)
            for line in listing.listed(self._path, self._state):
                known.add(line.id)
        elif self._state.listed:
            self._append(run_line(self._identity, version=self._version, clock=self._clock), matters=True)
        wanted = listing.without_repeats(jobs, known)
        numbers = self._state.listed.free()
        common: dict[str, Any] = {"kind": "job", "ts": timestamp(self._clock.now()), "run": self.run}
        name = Path(self._identity.subject).name
        while batch := [*islice(wanted, _BATCH)]:
            numbered = [(next(numbers), job) for job in batch]
            if numbered[-1][0] >= lines.MAX_JOBS:
                raise UsageError(f"the list has more than {lines.MAX_JOBS:,} jobs: split it")
            self._append(
                *(common | _listed_job(seq, job) | {"list": name} for seq, job in numbered),
                matters=False,
            )
        self._append(self._line("resolved", total=len(self._state.listed)), matters=True)
        self._file.sync()
        return len(self._state.listed)

    @property
    def begun(self) -> datetime:
        assert self._state.run is not None  # noqa: S101 - the file begins with the run's line
        return parse_timestamp(self._state.run.ts)

    def jobs(self) -> Iterator[Job]:
        return (Job(line.seq, line.id, line.rank, label=line.label) for line in listing.listed(self._path, self._state))

    def pending(self) -> Iterator[Job]:
        if not self._state.whole:
            raise ValueError("the list of jobs is not whole: list them first")
        return listing.pending(self._path, self._state)

    def reopen(self, kept: Container[str]) -> int:
        state, reopened = self._state, 0
        common = {"kind": "lost", "ts": timestamp(self._clock.now()), "run": self.run}
        lost = (
            line
            for line in listing.listed(self._path, state)
            if line.seq in state.done
            and line.seq not in state.failed
            and state.moved.get(line.seq, line.id) not in kept
        )
        while batch := [*islice(lost, _BATCH)]:
            self._append(*(common | {"seq": line.seq, "id": line.id} for line in batch), matters=True)
            reopened += len(batch)
        return reopened

    def failures(self) -> Iterator[Failure]:
        return listing.failures(self._path, self._state)

    def resume(self, *, retry_failed: bool) -> None:
        """Write down that this process goes on; ``retry_failed``: also with what had failed for good."""
        self._append(self._line("resumed", version=self._version, pid=os.getpid()), matters=True)
        if retry_failed:
            self._append(self._line("reopened", count=len(self._state.failed)), matters=True)

    def started(self, job: Job) -> None:
        self._append(self._line("started", seq=job.seq), matters=False)

    def record(self, outcome: Outcome) -> None:
        self._append(self._ended(outcome), matters=outcome.status is not Status.CANCELLED)
        self._since_checkpoint += 1
        if self._since_checkpoint >= CHECKPOINT_EVERY:
            self._checkpoint()

    def close(self, reason: str) -> None:
        """Write down why the run ended, let go of the file and of the lock. May be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            self._append(self._line("shutdown", reason=reason, pending=self._state.pending), matters=True)
            self._checkpoint()
        finally:
            try:
                self._file.close()
            finally:
                self._lock.release()

    def _ended(self, outcome: Outcome) -> dict[str, Any]:
        job = outcome.job
        common = {"seq": job.seq, "id": job.key}
        if outcome.status is Status.CANCELLED:
            return self._line("cancelled", **common, attempts=outcome.requests, spent=job.spent + outcome.requests)
        figures = {"bytes": outcome.size, "attempts": outcome.requests, "ms": outcome.milliseconds}
        if outcome.status is Status.COMPLETED:
            told = {"missing": outcome.missing, "saved_as": outcome.saved_as}
            extra = {name: value for name, value in told.items() if value}
            return self._line("completed", **common, **figures, source=outcome.source, **extra)
        # Neither a block nor a lost store is the job's fault: that try does not count.
        tries = job.attempt - (outcome.blocked or outcome.unavailable)
        return self._line(
            "failed",
            **common,
            error=outcome.reason,
            detail=mask(outcome.detail)[:_LONGEST_DETAIL],
            retry=tries if outcome.retry else False,
            spent=job.spent + outcome.requests,
            **figures,
        )

    def _line(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"kind": kind, "ts": timestamp(self._clock.now()), "run": self.run, **fields}

    def _append(self, *written: dict[str, Any], matters: bool) -> None:
        data = lines.encode(*written)
        with self._writing:
            start = self._disk_wait(lambda: self._file.append(data, matters=matters))
            self._state.feed(start, start + len(data), *lines.decode(data))

    def _checkpoint(self) -> None:
        self._since_checkpoint = 0
        if self._file.size < CHECKPOINT_FROM:
            return
        with self._writing, self._path.open("rb") as reading:
            checkpoint.save(self._path, reading, self._file.size, self._state)


def _listed_job(seq: int, job: Job) -> dict[str, Any]:
    line: dict[str, Any] = {"seq": seq, "id": job.key, "rank": job.rank}
    label = job.label[:_MAX_LABEL].encode("utf-8", "replace").decode()
    return line | {"label": label} if label else line
