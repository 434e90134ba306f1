"""The job log of one run, open for writing."""

from __future__ import annotations

import errno
import glob
import json
import logging
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from application.ports.runs import Failure, Job, JobCounts, Outcome, RunIdentity, Status
from application.records import parse_timestamp, timestamp
from domain.errors import StoreUnavailable, UsageError
from infrastructure.data_dir import DiskWait
from infrastructure.joblog import lines
from infrastructure.joblog.state import (
    KeySet,
    State,
    completed,
    failures,
    follow,
    identity_of,
    listed,
    lock_path,
    read_state,
)
from shared.atomic import sync, write_atomically
from shared.clock import Clock
from shared.secret import mask, split_user_info

_log = logging.getLogger(__name__)

_KEPT: Final = 10  # logs of earlier runs
_MAX_HEAD: Final = 1 << 16  # bytes of the first line
_LOCK_SECONDS: Final = 1.0  # `status` takes the lock for a moment to see whether it is free
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
        self._file.seek(max(0, self._size - 1))
        self._torn = self._size > 0 and self._file.read(1) != b"\n"
        if self._torn:
            _log.warning("%s ended in a torn line; it stays there, and new lines stand below it", path)
            self.append(b"", durable=True)

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

    def _cut_back(self) -> None:
        """Removes a partly written line; if that fails, the next append ends it first."""
        try:
            self._file.truncate(self._size)
        except OSError as error:
            self._size = self._file.seek(0, os.SEEK_END)
            self._torn = True
            _log.warning("half a line stays at the end of %s: %s", self._path, error)

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            "job log", f"cannot write {self._path}: {error.strerror}; run the same command again to continue"
        )


class JobLogFile:
    """A ``JobLog`` on a file: resumes the unfinished run in it, or begins a new one.

    A new run gets a new file; the old one stays beside it as
    ``joblog-<time>-<run>.jsonl``, the last ten of them. The state changes only by
    lines that were written to the file.

    Args:
        path: of the log; its folder is made.
        identity: what the run works on.
        version: of this program, for the record.
        fresh: always begin a new run.
        retry_failed: resume the last run, finished or not, and retry the jobs that failed for good.
        disk_wait: waits while the disk is full; by default there is no waiting.

    Raises:
        UsageError: another process writes this log; it holds an unfinished
            other run; it is not a job log, or one of a newer program; it cannot be read or written.
        StoreUnavailable: the disk is full or fails.
    """

    def __init__(
        self,
        path: Path,
        identity: RunIdentity,
        *,
        version: str,
        clock: Clock,
        fresh: bool = False,
        retry_failed: bool = False,
        disk_wait: DiskWait | None = None,
    ) -> None:
        self._identity = identity
        self._version = version
        self._clock = clock
        self._disk_wait = disk_wait or DiskWait()
        self._writing = threading.Lock()
        self._closed = False
        with ExitStack() as stack:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._path = path = path.resolve()
                self._lock = FileLock(lock_path(path), timeout=_LOCK_SECONDS, mode=0o600, thread_local=False)
                self._lock.acquire()
                stack.callback(self._lock.release)
                _mask_user_info(path)
                self._state, end = read_state(path)
                _report(path, self._state)
                self.resumed = not fresh and _resumes(path, self._state, identity, retry_failed=retry_failed)
                if not self.resumed:
                    if self._state.run is not None:
                        _archive(path, self._state.run)
                    write_atomically(path, lines.encode(self._run_line()), mode=0o600)
                    self._state, end = read_state(path)
                self._file = AppendFile(path, clock)
                stack.callback(self._file.close)
                with path.open("rb") as reading:
                    follow(reading, self._state, end)  # the torn line, now that it has an end
            except Timeout as error:
                raise UsageError(
                    f"another process is writing {path}: watch it with `python main.py status`, wait for its end, "
                    "or give this run another DATA_DIR or --joblog"
                ) from error
            except OSError as error:
                raise _unusable(path, error) from error
            if self.resumed:
                self._append(self._line("resumed", version=version, pid=os.getpid()), durable=True)
                if retry_failed:
                    self._append(self._line("reopened", count=len(self._state.failed)), durable=True)
            stack.pop_all()

    @property
    def run(self) -> str:
        """The run's id."""
        return self._state.run_id or ""

    @property
    def listed(self) -> bool:
        return self._state.whole

    @property
    def counts(self) -> JobCounts:
        return self._state.counts

    def list(self, jobs: Iterable[Job]) -> int:
        known = KeySet()
        if self._state.has_outcomes:
            _log.warning("the list in %s is damaged; missing jobs are added at its end", self._path)
            for line in listed(self._path, self._state):
                known.add(line.id)
        elif self._state.listed:
            self._append(self._run_line(), durable=True)
        wanted = _without_repeats(jobs, known)
        numbers = self._state.listed.free()
        common = self._line("job")
        name = Path(self._identity.subject).name
        while batch := [*islice(wanted, _BATCH)]:
            numbered = [(next(numbers), job) for job in batch]
            if numbered[-1][0] >= lines.MAX_JOBS:
                raise UsageError(f"the list has more than {lines.MAX_JOBS:,} jobs: split it")
            self._append(*(common | _listed_job(seq, job) | {"list": name} for seq, job in numbered), durable=False)
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
        state = self._state
        if not state.whole:
            raise ValueError("the list of jobs is incomplete: list them first")
        return (
            Job(
                line.seq,
                line.id,
                line.rank,
                attempt=state.tries.get(line.seq, 0) + 1,
                spent=state.spent.get(line.seq, 0),
                label=line.label,
            )
            for line in listed(self._path, state, but=state.done)
        )

    def reopen(self, stored: Iterable[str]) -> int:
        missing = dict(completed(self._path, self._state))  # of this run only
        if missing:
            for imdb_id in stored:
                missing.pop(imdb_id, None)
        common = self._line("lost")
        lost = iter(missing.values())
        while batch := [*islice(lost, _BATCH)]:
            self._append(*(common | {"seq": line.seq, "id": line.id} for line in batch), durable=True)
        return len(missing)

    def failures(self) -> Iterator[Failure]:
        return failures(self._path, self._state)

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
            self._append(self._line("shutdown", reason=reason, pending=self._state.counts.pending), durable=True)
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

    def _run_line(self) -> dict[str, Any]:
        """The first line of a new run, with a new id."""
        return {
            "kind": "run",
            "ts": timestamp(self._clock.now()),
            "run": secrets.token_hex(4),
            "program": lines.PROGRAM,
            "version": self._version,
            "format": lines.FORMAT,
            "work": self._identity.work,
            "subject": self._identity.subject,
            "site": self._identity.site,
            "limit": self._identity.limit,
            "pid": os.getpid(),
        }

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


def _without_repeats(jobs: Iterable[Job], known: KeySet) -> Iterator[Job]:
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
        counts = ", ".join(f"{count} {problem}" for problem, count in problems.most_common())
        _log.warning("jobs left out of the list: %s", counts)


def _problem(key: str) -> str:
    if not key.strip():
        return "empty"
    if len(key) > _MAX_KEY:
        return f"longer than {_MAX_KEY} characters"
    try:
        key.encode()
    except UnicodeEncodeError:
        return "not writable as UTF-8"
    return ""


def _mask_user_info(path: Path) -> None:
    """Overwrites the user information in the site's address, which version 0.1 wrote; here and in archived logs.

    The length stays: `status` may be reading the file.
    """
    if not path.is_file():
        return
    archived = path.parent.glob(f"{glob.escape(path.stem)}-*{glob.escape(path.suffix)}")
    for log_file in (path, *archived):
        with log_file.open("rb") as file:
            line = file.readline(_MAX_HEAD)
        if b"@" not in line:
            continue
        try:
            written = split_user_info(json.loads(line)["site"])[1].reveal()
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # not a job log; the next step reports it
        secret = json.dumps(written, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")
        if written.strip("*") and (place := line.find(secret)) >= 0:
            with log_file.open("r+b") as file:
                file.seek(place)
                file.write(b"*" * len(secret))


def _resumes(path: Path, state: State, identity: RunIdentity, *, retry_failed: bool) -> bool:
    if state.run is None:
        if retry_failed:
            raise UsageError(f"{path} holds no run whose failures can be retried")
        return False
    logged = identity_of(state.run)
    unfinished = not state.whole or state.counts.pending > 0
    if logged == identity:
        return unfinished or retry_failed
    if retry_failed or (unfinished and (state.whole or state.has_outcomes)):
        raise UsageError(
            f"{path} holds another run, {logged} ({_progress(state)}): continue with the command that began it, "
            "begin a new run with --fresh, or name another log with --joblog"
        )
    return False


def _report(path: Path, state: State) -> None:
    if state.unreadable or state.orphan_lines:
        _log.warning(
            "%s: %d lines cannot be read and %d belong to no job of it; they are skipped",
            path, state.unreadable, state.orphan_lines,
        )  # fmt: skip


def _progress(state: State) -> str:
    return f"{len(state.done)} of {len(state.listed)} done" if state.whole else "its list is incomplete"


def _archive(path: Path, run: lines.RunLine) -> None:
    stamp = re.sub(r"[^0-9]", "", run.ts)[:14] or "undated"
    name = re.sub(r"[^0-9a-z]", "", run.run)[:16] or "unnamed"
    path.replace(path.with_name(f"{path.stem}-{stamp}-{name}{path.suffix}"))
    ours = re.compile(re.escape(path.stem) + r"-[0-9]{14}-[0-9a-f]{8}" + re.escape(path.suffix))
    archived = sorted(each for each in path.parent.iterdir() if ours.fullmatch(each.name))
    for old in archived[:-_KEPT]:
        old.unlink(missing_ok=True)


def _unusable(path: Path, error: OSError) -> UsageError | StoreUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return StoreUnavailable("job log", f"cannot use {path}: {error.strerror}; nothing was changed")
    return UsageError(f"cannot use the job log {path}: {error.strerror}; name another with --joblog or DATA_DIR")
