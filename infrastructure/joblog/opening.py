"""Opens the job log: begins a new run or resumes the one in the file."""

from __future__ import annotations

import errno
import glob
import json
import logging
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from filelock import BaseFileLock, FileLock, Timeout

from application.ports.runs import RunIdentity
from domain.errors import StoreUnavailable, UsageError
from infrastructure.data_dir import DiskWait
from infrastructure.joblog import lines
from infrastructure.joblog.file import AppendFile, JobLogFile, run_line
from infrastructure.joblog.state import State, follow
from shared.atomic import write_atomically
from shared.clock import Clock
from shared.secret import split_user_info

log = logging.getLogger(__name__)

_KEPT: Final = 10  # logs of earlier runs
_MAX_HEAD: Final = 1 << 16  # bytes of the first line
_LOCK_SECONDS: Final = 1.0  # `status` takes the lock for a moment to see whether it is free


def open_job_log(
    path: Path,
    identity: RunIdentity,
    *,
    version: str,
    clock: Clock,
    fresh: bool = False,
    retry_failed: bool = False,
    disk_wait: DiskWait | None = None,
) -> JobLogFile:
    """Resumes the unfinished run of the log, or begins a new one.

    A new run gets a new file; the old one stays beside it as
    ``joblog-<time>-<run>.jsonl``, the last ten of them.

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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.resolve()
        lock = _lock(path)
    except OSError as error:
        raise _unusable(path, error) from error
    with ExitStack() as stack:
        stack.callback(lock.release)
        try:
            _mask_user_info(path)
            state, end = read_state(path)
            _report(path, state)
            resumes = not fresh and _resumes(path, state, identity, retry_failed=retry_failed)
            if not resumes:
                if state.run is not None:
                    _archive(path, state.run)
                write_atomically(path, lines.encode(run_line(identity, version=version, clock=clock)), mode=0o600)
                state, end = read_state(path)
            file = AppendFile(path, clock)
            stack.callback(file.close)
            if resumes:
                with path.open("rb") as reading:
                    follow(reading, state, end)  # the torn line, now that it has an end
        except OSError as error:
            raise _unusable(path, error) from error
        opened = JobLogFile(
            path,
            file,
            state,
            lock,
            identity=identity,
            version=version,
            clock=clock,
            resumed=resumes,
            disk_wait=disk_wait or DiskWait(),
        )
        if resumes:
            opened.resume(retry_failed=retry_failed)
        stack.pop_all()
    return opened


def read_state(path: Path) -> tuple[State, int]:
    """Reads the state of a log and the byte after its last whole line; an empty state if there is no log.

    Raises:
        UsageError: the file is not a job log, or one of a newer program.
        OSError: it cannot be read.
    """
    if not path.exists():
        return State(), 0
    if not path.is_file():
        raise UsageError(f"{path} is not a file: name another job log with --joblog")
    with path.open("rb") as file:
        state = State()
        end = follow(file, state)
    if state.run is None and path.stat().st_size:
        raise UsageError(f"{path} is not a job log of this program: move it away, or name another with --joblog")
    if state.run is not None:
        if state.run.program != lines.PROGRAM:
            raise UsageError(f"{path} is the job log of another program: name another with --joblog")
        if state.run.format > lines.FORMAT:
            raise UsageError(f"{path} was written by a newer version, {state.run.version}: use that one")
    return state, end


def identity_of(run: lines.RunLine) -> RunIdentity:
    """Gives what a logged run works on."""
    return RunIdentity(run.work, run.subject, split_user_info(run.site)[0], run.limit)


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


def lock_path(path: Path) -> Path:
    """Gives the file whose lock the writer of a log holds."""
    return path.with_name(path.name + ".lock")


def _resumes(path: Path, state: State, identity: RunIdentity, *, retry_failed: bool) -> bool:
    if state.run is None:
        if retry_failed:
            raise UsageError(f"{path} holds no run whose failures can be retried")
        return False
    logged = identity_of(state.run)
    unfinished = not state.whole or state.pending > 0
    if logged == identity:
        return unfinished or retry_failed
    if retry_failed or (unfinished and (state.whole or state.has_outcomes)):
        raise UsageError(
            f"{path} holds another run, {logged} ({_progress(state)}): continue with the command that began it, "
            "begin a new run with --fresh, or name another log with --joblog"
        )
    return False


def _lock(path: Path) -> BaseFileLock:
    lock = FileLock(lock_path(path), timeout=_LOCK_SECONDS, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UsageError(
            f"another process is writing {path}: watch it with `python main.py status`, wait for its end, "
            "or give this run another DATA_DIR or --joblog"
        ) from error
    return lock


def _report(path: Path, state: State) -> None:
    if state.unreadable or state.orphan_lines:
        log.warning(
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
