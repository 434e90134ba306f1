"""The job log of one run, open for writing, and its list of jobs, streamed from the file."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from filelock import BaseFileLock

from application.ports.runs import Failure, Job, JobCounts, Outcome, RunIdentity, Status
from application.records import parse_timestamp, timestamp
from domain.errors import StoreUnavailable, UsageError
from infrastructure.data_dir import DiskWait
from infrastructure.joblog import lines
from infrastructure.joblog.bitmap import Bitmap, KeySet
from infrastructure.joblog.lines import LONGEST_LINE, pieces
from infrastructure.joblog.state import State
from shared.atomic import sync
from shared.clock import Clock
from shared.secret import mask

log = logging.getLogger(__name__)

_NAME: Final = "job log"
_MAX_KEY: Final = 10_000
_BATCH: Final = 8192
_MAX_DETAIL: Final = 1_000
_MAX_LABEL: Final = 200


class AppendFile:
    """Appends whole lines to an existing file; a torn last line is ended first.

    An appended line survives the end of the process at once and a power failure
    after the next sync. Appending a durable line syncs unless the last sync was less
    than ``sync_seconds`` ago; closing always syncs. For one thread.

    Raises:
        OSError: the file cannot be opened for writing.
        StoreUnavailable: its torn line cannot be ended.
    """

    def __init__(self, path: Path, clock: Clock, *, sync_seconds: float = 0.2) -> None:
        self._path = path
        self._clock = clock
        self._sync_seconds = sync_seconds
        self._file = path.open("ab+", buffering=0)
        self._size = self._file.seek(0, os.SEEK_END)
        self._synced_at = clock.monotonic()
        self._dirty = False
        self._torn = self._size > 0 and self._last_byte() != b"\n"
        if self._torn:
            log.warning("%s ended in a torn line; it stays there, and new lines stand below it", path)
            self.append(b"", durable=True)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def append(self, data: bytes, *, durable: bool) -> int:
        """Appends whole lines; returns the byte at which they begin.

        Raises:
            StoreUnavailable: the lines were not written: full disk, failing device.
        """
        begin = self._size + self._torn
        data = b"\n" + data if self._torn else data
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:] if written else data)
        except OSError as error:
            self._cut_back()
            raise self._unavailable(error) from error
        self._size += len(data)
        self._torn = False
        if durable:
            self._dirty = True
            if self._clock.monotonic() - self._synced_at >= self._sync_seconds:
                self.sync()
        return begin

    def sync(self) -> None:
        """Writes durable lines that are not on the device yet.

        Raises:
            StoreUnavailable: the device failed.
        """
        if not self._dirty:
            return
        try:
            sync(self._file.fileno())
        except OSError as error:
            raise self._unavailable(error) from error
        self._dirty = False
        self._synced_at = self._clock.monotonic()

    def close(self) -> None:
        """Syncs and closes the file. May be called again.

        Raises:
            StoreUnavailable: the device failed; the file is closed all the same.
        """
        if self._file.closed:
            return
        try:
            self.sync()
        finally:
            self._file.close()

    def _last_byte(self) -> bytes:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1)

    def _cut_back(self) -> None:
        """Removes a partly written line; if that fails, the next append ends it first."""
        try:
            self._file.truncate(self._size)
        except OSError as error:
            self._size = self._file.seek(0, os.SEEK_END)
            self._torn = True
            log.warning("half a line stays at the end of %s: %s", self._path, error)

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            _NAME, f"cannot write {self._path}: {error.strerror}; run the same command again to continue"
        )


def listed(path: Path, state: State, *, but: Bitmap | None = None) -> Iterator[lines.JobLine]:
    """Yields the jobs of the list, in its order, each once, without those in ``but`` at that time."""
    run = state.run.run if state.run else None
    given = Bitmap() if state.orphan_lines else None  # without orphan lines no job is listed twice
    with path.open("rb") as file:
        for block in state.blocks.copy():
            if but is not None and but.covers(block.low, block.high):
                continue
            for piece in pieces(file, block.start, block.stop):
                found = [line for line in piece.lines if isinstance(line, lines.JobLine) and line.run == run]
                for line in found:
                    if (but is None or line.seq not in but) and (given is None or given.add(line.seq)):
                        yield line


def pending(path: Path, state: State) -> Iterator[Job]:
    """Yields the jobs that are not done, with their tries and requests so far."""
    for line in listed(path, state, but=state.done):
        yield Job(
            line.seq,
            line.id,
            line.rank,
            attempt=state.tries.get(line.seq, 0) + 1,
            spent=state.spent.get(line.seq, 0),
            label=line.label,
        )


def without_repeats(jobs: Iterable[Job], known: KeySet) -> Iterator[Job]:
    """Yields the jobs with a valid key that is not known yet; one warning counts the others by problem."""
    problems: Counter[str] = Counter()
    for job in jobs:
        if problem := _problem(job.key):
            problems[problem] += 1
        elif known.add(job.key):
            yield job
        else:
            problems["repeated"] += 1
    if problems:
        told = ", ".join(f"{count} {problem}" for problem, count in problems.most_common())
        log.warning("jobs left out of the list: %s", told)


def _problem(key: str) -> str:
    if not key.strip():
        return "empty"
    if len(key) > _MAX_KEY:
        return f"longer than {_MAX_KEY} characters"
    return "" if key.isascii() or _is_text(key) else "not writable as UTF-8"


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


class _FailedInFull(lines.FailedLine, tag="failed"):
    id: str = ""
    detail: str = ""


_decode: Final = msgspec.json.Decoder(_FailedInFull | lines.ReopenedLine).decode


def failures(path: Path, state: State) -> Iterator[Failure]:
    """Yields the jobs that have failed for good, in the order in which they failed."""
    run = state.run.run if state.run else None
    given = Bitmap()
    reopened = 0
    with path.open("rb") as file:
        while text := file.readline(LONGEST_LINE):
            if b'"failed"' not in text and b'"reopened"' not in text:
                continue
            try:
                line = _decode(text)
            except lines.DAMAGE:
                continue  # counted when the log was read
            if line.run != run:
                continue
            if isinstance(line, lines.ReopenedLine):
                reopened += 1
                continue
            counts = reopened == state.reopened and line.retry is False and line.seq in state.failed
            if counts and given.add(line.seq):
                yield Failure(line.id, line.error, line.detail)


def run_line(identity: RunIdentity, *, version: str, clock: Clock) -> dict[str, Any]:
    """Makes the first line of a new run, with a new id."""
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
    """A ``JobLog`` on a file; ``open_job_log`` opens it.

    The state changes only by lines that were written to the file.
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
        if self._state.has_outcomes:
            log.warning("the list in %s is damaged; missing jobs are added at its end", self._path)
            for line in listed(self._path, self._state):
                known.add(line.id)
        elif self._state.listed:
            self._append(run_line(self._identity, version=self._version, clock=self._clock), durable=True)
        wanted = without_repeats(jobs, known)
        numbers = self._state.listed.free()
        common: dict[str, Any] = {"kind": "job", "ts": timestamp(self._clock.now()), "run": self.run}
        name = Path(self._identity.subject).name
        while batch := [*islice(wanted, _BATCH)]:
            numbered = [(next(numbers), job) for job in batch]
            if numbered[-1][0] >= lines.MAX_JOBS:
                raise UsageError(f"the list has more than {lines.MAX_JOBS:,} jobs: split it")
            self._append(
                *(common | _listed_job(seq, job) | {"list": name} for seq, job in numbered),
                durable=False,
            )
        self._append(self._line("resolved", total=len(self._state.listed)), durable=True)
        self._file.sync()
        return len(self._state.listed)

    @property
    def begun(self) -> datetime:
        assert self._state.run is not None  # noqa: S101 - the file begins with the run's line
        return parse_timestamp(self._state.run.ts)

    def jobs(self) -> Iterator[Job]:
        return (Job(line.seq, line.id, line.rank, label=line.label) for line in listed(self._path, self._state))

    def pending(self) -> Iterator[Job]:
        if not self._state.whole:
            raise ValueError("the list of jobs is incomplete: list them first")
        return pending(self._path, self._state)

    def reopen(self, stored: Iterable[str]) -> int:
        state, reopened = self._state, 0
        done = (line for line in listed(self._path, state) if line.seq in state.done and line.seq not in state.failed)
        missing = {state.moved.get(line.seq, line.id): line for line in done}  # of this run only
        if missing:
            for imdb_id in stored:
                missing.pop(imdb_id, None)
        common = {"kind": "lost", "ts": timestamp(self._clock.now()), "run": self.run}
        lost = iter(missing.values())
        while batch := [*islice(lost, _BATCH)]:
            self._append(*(common | {"seq": line.seq, "id": line.id} for line in batch), durable=True)
            reopened += len(batch)
        return reopened

    def failures(self) -> Iterator[Failure]:
        return failures(self._path, self._state)

    def resume(self, *, retry_failed: bool) -> None:
        """Records that this process resumes the run; with ``retry_failed``, permanent failures are pending again."""
        self._append(self._line("resumed", version=self._version, pid=os.getpid()), durable=True)
        if retry_failed:
            self._append(self._line("reopened", count=len(self._state.failed)), durable=True)

    def started(self, job: Job) -> None:
        self._append(self._line("started", seq=job.seq), durable=False)

    def record(self, outcome: Outcome) -> None:
        self._append(self._ended(outcome), durable=outcome.status is not Status.CANCELLED)

    def close(self, reason: str) -> None:
        """Records why the run ended, closes the file and releases the lock. May be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            self._append(self._line("shutdown", reason=reason, pending=self._state.pending), durable=True)
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
        # After a block or the loss of a store, the try does not count, because the job is not the cause.
        tries = job.attempt - (outcome.blocked or outcome.unavailable)
        return self._line(
            "failed",
            **common,
            error=outcome.reason,
            detail=mask(outcome.detail)[:_MAX_DETAIL],
            retry=tries if outcome.retry else False,
            spent=job.spent + outcome.requests,
            **figures,
        )

    def _line(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {"kind": kind, "ts": timestamp(self._clock.now()), "run": self.run, **fields}

    def _append(self, *written: dict[str, Any], durable: bool) -> None:
        data = lines.encode(*written)
        with self._writing:
            start = self._disk_wait(lambda: self._file.append(data, durable=durable))
            self._state.feed(start, start + len(data), *lines.decode(data))


def _listed_job(seq: int, job: Job) -> dict[str, Any]:
    line: dict[str, Any] = {"seq": seq, "id": job.key, "rank": job.rank}
    label = job.label[:_MAX_LABEL].encode("utf-8", "replace").decode()
    return line | {"label": label} if label else line
