"""A state written beside its log, so that a long log need not be read from the beginning.

Only ever a shortcut: a checkpoint that is missing, damaged, of another version
or of another log is passed over, and the log is read instead.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from infrastructure.joblog import lines
from infrastructure.joblog.bitmap import Bitmap, Counts
from infrastructure.joblog.reasons import Reasons
from infrastructure.joblog.state import Block, State

log = logging.getLogger(__name__)

_VERSION: Final = 2
_SAMPLE: Final = 1 << 16  # bytes of the log that are compared, at its beginning and before the offset
_DIGEST: Final = 32


class _Saved(msgspec.Struct):
    version: int
    offset: int
    sample: bytes
    run: lines.Run
    sitting: lines.Run | lines.Resumed
    shutdown: str | None
    resolved: int | None
    blocks: list[Block]
    listed: bytes
    done: bytes
    failed: bytes
    troubled: bytes
    reasons: list[tuple[str, int]]
    reason_codes: list[tuple[int, bytes]]
    tries: list[tuple[int, bytes]]
    spent: list[tuple[int, bytes]]
    moved: dict[int, str]
    touched: bool
    reopened: int
    unreadable: int
    stray: int


def path_of(joblog: Path) -> Path:
    """Where the checkpoint of a log stands."""
    return joblog.with_name(joblog.name + ".checkpoint")


def save(joblog: Path, file: BinaryIO, offset: int, state: State) -> None:
    """Write down what the log's first ``offset`` bytes add up to.

    A full disk or the like is logged and no more: the log itself has everything.
    """
    if state.run is None or state.sitting is None:
        return
    target = path_of(joblog)
    temporary = target.with_name(target.name + ".new")
    try:
        body = msgspec.msgpack.encode(_saved(state, offset, _sample(file, offset)))
        temporary.write_bytes(hashlib.sha256(body).digest() + body)
        temporary.replace(target)
    except OSError as error:
        log.warning("no checkpoint could be written for %s, the next start takes longer: %s", joblog, error)


def load(joblog: Path, file: BinaryIO) -> tuple[State, int]:
    """The state of the log's beginning and the offset to read on from; a new state and 0 if there is no checkpoint.

    Raises:
        OSError: the log cannot be read.
    """
    try:
        data = path_of(joblog).read_bytes()
    except FileNotFoundError:
        return State(), 0
    except OSError as error:
        log.warning("the checkpoint of %s cannot be read and is passed over: %s", joblog, error)
        return State(), 0
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        log.warning("the checkpoint of %s is damaged and is passed over", joblog)
        return State(), 0
    try:
        saved = msgspec.msgpack.decode(data[_DIGEST:], type=_Saved)
    except msgspec.DecodeError:
        saved = None  # whole, and of another version
    if saved is None or saved.version != _VERSION or saved.sample != _sample(file, saved.offset):
        log.info("the checkpoint of %s does not belong to it and is passed over", joblog)
        return State(), 0
    return _restored(saved), saved.offset


def remove(joblog: Path) -> None:
    """Forget the checkpoint."""
    path_of(joblog).unlink(missing_ok=True)


def _sample(file: BinaryIO, offset: int) -> bytes:
    """Tells logs apart by their first bytes, and by the last ones before ``offset``."""
    file.seek(0)
    head = file.read(min(_SAMPLE, offset))
    start = max(0, offset - _SAMPLE)
    file.seek(start)
    tail = file.read(offset - start)
    return hashlib.sha256(b"%d %d " % (len(head), len(tail)) + head + tail).digest()


def _saved(state: State, offset: int, sample: bytes) -> _Saved:
    assert state.run is not None and state.sitting is not None  # noqa: S101, PT018 - `save` has looked
    return _Saved(
        version=_VERSION,
        offset=offset,
        sample=sample,
        run=state.run,
        sitting=state.sitting,
        shutdown=state.shutdown,
        resolved=state.resolved,
        blocks=state.blocks,
        listed=bytes(state.listed),
        done=bytes(state.done),
        failed=bytes(state.failed),
        troubled=bytes(state.troubled),
        reasons=state.reasons.counts(),
        reason_codes=state.reasons.codes(),
        tries=state.tries.pages(),
        spent=state.spent.pages(),
        moved=state.moved,
        touched=state.touched,
        reopened=state.reopened,
        unreadable=state.unreadable,
        stray=state.stray,
    )


def _restored(saved: _Saved) -> State:
    state = State()
    state.begin(saved.run)
    state.sitting, state.shutdown, state.resolved = saved.sitting, saved.shutdown, saved.resolved
    state.blocks = saved.blocks
    state.listed, state.done = Bitmap(saved.listed), Bitmap(saved.done)
    state.failed, state.troubled = Bitmap(saved.failed), Bitmap(saved.troubled)
    state.reasons = Reasons(saved.reasons, saved.reason_codes)
    state.tries, state.spent = Counts(saved.tries), Counts(saved.spent)
    state.moved, state.touched, state.reopened = saved.moved, saved.touched, saved.reopened
    state.unreadable, state.stray = saved.unreadable, saved.stray
    return state
