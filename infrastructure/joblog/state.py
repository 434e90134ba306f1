"""The state of a run, computed from the lines of its log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, BinaryIO, Final

import msgspec

from infrastructure.joblog import lines
from infrastructure.joblog.bitmap import Bitmap
from infrastructure.joblog.lines import Line, pieces

_MAX_REASONS: Final = 500  # error classes are few and short; more or longer ones come from a damaged log
_MAX_REASON: Final = 100
_OTHER: Final = "other"


class ListBlock(msgspec.Struct, gc=False):
    """A part of the file with job lines: its bytes, and the lowest and highest number among them."""

    start: int
    stop: int
    low: int
    high: int


class State:
    """The state that the lines of a log result in. Memory: a few bits for each job, some 100 bytes for each failed one.

    Attributes:
        run: the first line of the last run; ``None`` if there is none.
        last_start: the line with which the last process began or resumed the run.
        shutdown: why the last process closed the log; ``None`` if it did not close it.
        resolved: number of jobs in the list; ``None`` until the list is complete.
        blocks: the parts of the file that hold job lines.
        listed: numbers of the jobs whose line could be read.
        done: jobs that were completed or failed for good.
        failed: the error of each job that failed for good; "other" after 500 different ones.
        retrying: pending jobs that have failed before.
        tries: number of counted failures of pending jobs, if not 0.
        spent: number of requests that pending jobs have cost so far, if not 0.
        moved: the ids under which titles were saved that IMDb has moved.
        has_outcomes: an outcome has been recorded.
        reopened: how often permanent failures were made pending again.
        unreadable: number of lines that cannot be decoded.
        orphan_lines: number of lines of another run, of no listed job, or that repeat a job.
    """

    def __init__(self) -> None:
        self.run: lines.RunLine | None = None
        self.last_start: lines.RunLine | lines.ResumedLine | None = None
        self.unreadable = 0
        self.orphan_lines = 0
        self._id: str | None = None
        self._place: tuple[int, int] | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            lines.ResumedLine: self._on_resumed,
            lines.ReopenedLine: self._on_reopened,
            lines.LostLine: self._on_lost,
            lines.JobLine: self._on_jobs,
            lines.ResolvedLine: self._on_resolved,
            lines.CompletedLine: self._on_completed,
            lines.FailedLine: self._on_failed,
            lines.CancelledLine: self._on_cancelled,
            lines.ShutdownLine: self._on_shutdown,
        }
        self.begin(None)

    @property
    def whole(self) -> bool:
        """The end of the list was written and no line of it is lost."""
        return self.resolved is not None and self.resolved == len(self.listed)

    @property
    def pending(self) -> int:
        """Jobs neither completed nor failed for good."""
        return len(self.listed) - len(self.done)

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """The errors of the failed jobs with their number, most frequent first, then by name."""
        return tuple(sorted(Counter(self.failed.values()).items(), key=lambda each: (-each[1], each[0])))

    def feed(self, start: int, stop: int, read: Iterable[Line], unreadable: int = 0) -> None:
        """Applies the lines at these bytes of the file, in their order."""
        self._place = (start, stop)
        self.unreadable += unreadable
        # Nearly all lines are of three kinds. Handled in groups, a long log loads twice as fast.
        relevant = [line for line in read if type(line) is not lines.StartedLine]
        for kind, group in groupby(relevant, type):
            found: list[Any] = [*group]
            if kind is lines.RunLine:
                self.begin(found[-1])
                continue
            ours = [line for line in found if line.run == self._id]
            self.orphan_lines += len(found) - len(ours)
            if ours:
                self._handlers[kind](ours)

    def begin(self, run: lines.RunLine | None) -> None:
        """Resets everything except the counts of unusable lines, and follows this run."""
        self.run = self.last_start = run
        self._id = run.run if run else None
        self.shutdown: str | None = None
        self.resolved: int | None = None
        self.blocks: list[ListBlock] = []
        self.listed, self.done, self.retrying = Bitmap(), Bitmap(), Bitmap()
        self.failed: dict[int, str] = {}
        self._errors: dict[str, str] = {}  # each error once, however many jobs failed with it
        self.tries: dict[int, int] = {}
        self.spent: dict[int, int] = {}
        self.moved: dict[int, str] = {}
        self.has_outcomes = False
        self.reopened = 0

    # Each handler takes neighbouring lines of one kind, in their order.

    def _on_resumed(self, read: Sequence[lines.ResumedLine]) -> None:
        self.last_start = read[-1]
        self.shutdown = None

    def _on_shutdown(self, read: Sequence[lines.ShutdownLine]) -> None:
        self.shutdown = read[-1].reason

    def _on_jobs(self, read: Sequence[lines.JobLine]) -> None:
        numbers = [line.seq for line in read]
        repeated = len(self.listed.add_all(numbers))
        self.orphan_lines += repeated
        if repeated == len(numbers):
            return
        self.resolved = None
        if self._place is not None:
            self.blocks.append(ListBlock(*self._place, numbers[0], numbers[0]))
            self._place = None
        block = self.blocks[-1]
        block.low = min(block.low, *numbers)
        block.high = max(block.high, *numbers)

    def _on_resolved(self, read: Sequence[lines.ResolvedLine]) -> None:
        self.resolved = read[-1].total

    def _on_completed(self, read: Sequence[lines.CompletedLine]) -> None:
        numbers = [line.seq for line in read]
        for seq in self.done.add_all(numbers, within=self.listed):
            self.orphan_lines += seq not in self.listed
            self.failed.pop(seq, None)
        self.moved.update((line.seq, line.saved_as) for line in read if line.saved_as)
        if self.retrying or self.spent:
            for seq in numbers:
                self.retrying.discard(seq)
                self._reset_counts(seq)
        self.has_outcomes = True

    def _on_failed(self, read: Sequence[lines.FailedLine]) -> None:
        for line in read:
            seq = line.seq
            if seq not in self.listed or (seq in self.done and seq not in self.failed):
                self.orphan_lines += 1
                continue
            self.has_outcomes = True
            self.spent[seq] = line.spent
            self.failed.pop(seq, None)
            if line.retry is False:
                self.done.add(seq)
                error = line.error[:_MAX_REASON]
                if error not in self._errors and len(self._errors) >= _MAX_REASONS:
                    error = _OTHER
                self.failed[seq] = self._errors.setdefault(error, error)
                self.retrying.discard(seq)
            else:
                self.done.discard(seq)
                self.retrying.add(seq)
                self.tries[seq] = line.retry

    def _on_cancelled(self, read: Sequence[lines.CancelledLine]) -> None:
        for line in read:
            if line.seq in self.listed:
                self.has_outcomes = True
                self.spent[line.seq] = line.spent
            else:
                self.orphan_lines += 1

    def _on_reopened(self, read: Sequence[lines.ReopenedLine]) -> None:
        # Their counts start again, because the user has asked for another try.
        for seq in self.failed:
            self.done.discard(seq)
            self._reset_counts(seq)
        self.failed = {}
        self.reopened += len(read)
        self.shutdown = None

    def _on_lost(self, read: Sequence[lines.LostLine]) -> None:
        for line in read:
            if line.seq in self.done and line.seq not in self.failed:
                self.done.discard(line.seq)
                self._reset_counts(line.seq)
            else:
                self.orphan_lines += 1

    def _reset_counts(self, seq: int) -> None:
        self.tries.pop(seq, None)
        self.spent.pop(seq, None)


def follow(file: BinaryIO, state: State, start: int = 0) -> int:
    """Applies everything from ``start`` on to ``state``; returns the byte after the last whole line.

    Raises:
        OSError: the file cannot be read.
    """
    for piece in pieces(file, start):
        state.feed(piece.start, piece.stop, piece.lines, piece.unreadable)
        start = piece.stop
    return start
