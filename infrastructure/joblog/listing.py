"""The log as the list of its jobs, streamed: ten million of them are never held at once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from application.ports import Failure, Job
from infrastructure.joblog import lines
from infrastructure.joblog.bitmap import Bitmap
from infrastructure.joblog.keys import KeySet
from infrastructure.joblog.reader import LONGEST_LINE, pieces
from infrastructure.joblog.state import State

log = logging.getLogger(__name__)

_LONGEST_KEY: Final = 10_000


def listed(path: Path, state: State, *, but: Bitmap | None = None) -> Iterator[lines.Job]:
    """The jobs that stand in the log, in its order, each once; without those in ``but`` at the time they come up."""
    run = state.run.run if state.run else None
    given = Bitmap() if state.stray else None  # without stray lines no job stands there twice
    with path.open("rb") as file:
        for block in state.blocks.copy():
            if but is not None and but.covers(block.low, block.high):
                continue
            for piece in pieces(file, block.start, block.stop):
                found = [line for line in piece.lines if isinstance(line, lines.Job) and line.run == run]
                for line in found:
                    if (but is None or line.seq not in but) and (given is None or given.add(line.seq)):
                        yield line


def pending(path: Path, state: State) -> Iterator[Job]:
    """The jobs that are not done, with the tries and requests that they have behind them."""
    for line in listed(path, state, but=state.done):
        yield Job(
            line.seq,
            line.id,
            line.rank,
            attempt=state.tries[line.seq] + 1,
            spent=state.spent[line.seq],
            label=line.label,
        )


def without_repeats(jobs: Iterable[Job], known: KeySet) -> Iterator[Job]:
    """The jobs whose key can be listed and is not known; one warning counts the others by their fault."""
    faults: Counter[str] = Counter()
    for job in jobs:
        if fault := _fault(job.key):
            faults[fault] += 1
        elif known.add(job.key):
            yield job
        else:
            faults["there twice"] += 1
    if faults:
        told = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
        log.warning("jobs left out of the list: %s", told)


def _fault(key: str) -> str:
    if not key.strip():
        return "empty"
    if len(key) > _LONGEST_KEY:
        return f"longer than {_LONGEST_KEY} characters"
    return "" if key.isascii() or _is_text(key) else "not writable as UTF-8"


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


class _FailedInFull(lines.Failed, tag="failed"):
    id: str = ""
    detail: str = ""


_decode: Final = msgspec.json.Decoder(_FailedInFull | lines.Reopened).decode


def failures(path: Path, state: State) -> Iterator[Failure]:
    """The jobs that have failed for good, in the order in which they failed."""
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
            if isinstance(line, lines.Reopened):
                reopened += 1
                continue
            counts = reopened == state.reopened and line.retry is False and line.seq in state.failed
            if counts and given.add(line.seq):
                yield Failure(line.id, line.error, line.detail)
