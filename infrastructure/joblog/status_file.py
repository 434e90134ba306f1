"""Reads a log for ``status``, also while another process writes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from filelock import FileLock, Timeout

from application.records import parse_timestamp
from application.run_report import LoggedRun, Pace
from domain.errors import UsageError
from infrastructure.joblog import lines
from infrastructure.joblog.state import completed, identity_of, lock_path, read_state

_TAIL: Final = 1 << 18  # bytes at the end that tell the pace: some hundreds of jobs


class JobLogStatus:
    """Reads the log at ``path`` without writing or locking it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> LoggedRun | None:
        try:
            path = self._path.resolve()
            alive = _is_written(path)
            state, end = read_state(path)
            tail = _tail(path, end)
        except OSError as error:
            raise UsageError(f"cannot read the job log {self._path}: {error.strerror}") from error
        run, last_start = state.run, state.last_start
        if run is None or last_start is None:
            return None
        stamps = _stamps(tail, run.run)
        return LoggedRun(
            run=run.run,
            identity=identity_of(run),
            whole=state.whole,
            counts=state.counts,
            reasons=state.reasons,
            waiting=len(state.retrying),
            started=_moment(run.ts),
            last_event=_moment(stamps[-1].ts) if stamps else _moment(last_start.ts),
            alive=alive,
            pid=last_start.pid,
            ended=state.shutdown,
            pace=_pace(stamps),
            unusable=state.unreadable + state.orphan_lines,
        )

    def completed(self) -> frozenset[str]:
        """Gives the ids under which the last run has saved its titles.

        Raises:
            UsageError: the file is not a job log, or cannot be read.
        """
        try:
            path = self._path.resolve()
            state, _ = read_state(path)
            return frozenset(imdb_id for imdb_id, _ in completed(path, state)) if state.run else frozenset()
        except OSError as error:
            raise UsageError(f"cannot read the job log {self._path}: {error.strerror}") from error


def _is_written(path: Path) -> bool | None:
    """Tells whether a process holds the writer's lock; ``None`` if that is unknown."""
    lock = lock_path(path)
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0, mode=0o600, thread_local=False):
            return False
    except Timeout:
        return True
    except OSError:
        return None


def _tail(path: Path, end: int) -> bytes:
    if not end:
        return b""
    with path.open("rb") as file:
        file.seek(max(0, end - _TAIL))
        return file.read(min(end, _TAIL))


class _Stamped(msgspec.Struct, gc=False):
    kind: str
    run: str
    ts: str
    retry: int | bool | None = None


_decode_stamped: Final = msgspec.json.Decoder(_Stamped).decode


def _stamps(tail: bytes, run: str) -> list[_Stamped]:
    """Gives the run's lines since the last start, as far as the tail holds them."""
    stamps: list[_Stamped] = []
    for text in tail.split(b"\n"):
        try:
            line = _decode_stamped(text)
        except lines.DAMAGE:
            continue
        if line.run == run:
            if line.kind in ("run", "resumed"):
                stamps.clear()
            stamps.append(line)
    return stamps


def _pace(stamps: list[_Stamped]) -> Pace | None:
    settled = [line for line in stamps if line.kind == "completed" or (line.kind == "failed" and line.retry is False)]
    moments = [moment for line in settled if (moment := _moment(line.ts))]
    if not moments:
        return None
    if stamps[0].kind in ("run", "resumed"):  # everything since the last start is in the tail
        first = next((moment for line in stamps if line.kind == "started" and (moment := _moment(line.ts))), None)
        if first is not None:
            return Pace(len(moments), first, moments[-1])
    return Pace(len(moments) - 1, moments[0], moments[-1])


def _moment(text: str) -> datetime | None:
    try:
        return parse_timestamp(text)
    except ValueError:
        return None
