"""What the lines of a log add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from infrastructure.joblog import lines
from infrastructure.joblog.bitmap import Bitmap, Counts
from infrastructure.joblog.lines import Line
from infrastructure.joblog.reasons import Reasons


class Block(msgspec.Struct, gc=False):
    """A stretch of the file with job lines: its bytes, and the lowest and highest number among them."""

    start: int
    stop: int
    low: int
    high: int


class State:
    """Follows the log line by line. Memory: a few bits for each job.

    Attributes:
        run: the first line of the last run; ``None`` if there is none.
        sitting: that, or the line with which a process last went on.
        shutdown: why the last process let go; ``None`` if it did not say.
        resolved: how many jobs the list has; ``None`` while it is not whole.
        blocks: where job lines stand in the file.
        listed: numbers of the jobs whose line could be read.
        done: those that were completed or failed for good.
        failed: those that failed for good.
        troubled: those that failed, and are pending.
        reasons: the errors of ``failed``.
        tries: how many failures of a pending job count.
        spent: how many requests a job has cost so far.
        moved: the ids under which titles were saved that IMDb has moved.
        touched: whether any outcome was written down.
        reopened: how often failures for good were made pending again.
        unreadable: lines that are no lines of a log.
        stray: lines that are, but of another run, of no listed job, or a job's second.
    """

    def __init__(self) -> None:
        self.run: lines.Run | None = None
        self.sitting: lines.Run | lines.Resumed | None = None
        self.unreadable = 0
        self.stray = 0
        self._id: str | None = None
        self._place: tuple[int, int] | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            lines.Resumed: self._on_resumed,
            lines.Reopened: self._on_reopened,
            lines.Lost: self._on_lost,
            lines.Job: self._on_jobs,
            lines.Resolved: self._on_resolved,
            lines.Completed: self._on_completed,
            lines.Failed: self._on_failed,
            lines.Cancelled: self._on_cancelled,
            lines.Shutdown: self._on_shutdown,
        }
        self.begin(None)

    @property
    def whole(self) -> bool:
        """Whether the end of the list was written and no line of it is lost."""
        return self.resolved is not None and self.resolved == len(self.listed)

    @property
    def pending(self) -> int:
        """Jobs neither completed nor failed for good."""
        return len(self.listed) - len(self.done)

    def feed(self, start: int, stop: int, read: Iterable[Line], unreadable: int = 0) -> None:
        """Take in the lines that stand at these bytes of the file, in their order."""
        self._place = (start, stop)
        self.unreadable += unreadable
        # Nearly all lines are of three kinds. Handled by the stretch, a long log loads twice as fast.
        telling = [line for line in read if type(line) is not lines.Started]
        for kind, stretch in groupby(telling, type):
            found: list[Any] = [*stretch]
            if kind is lines.Run:
                self.begin(found[-1])
                continue
            ours = [line for line in found if line.run == self._id]
            self.stray += len(found) - len(ours)
            if ours:
                self._handlers[kind](ours)

    def begin(self, run: lines.Run | None) -> None:
        """Forget everything but the lines that could not be used, and follow this run."""
        self.run = self.sitting = run
        self._id = run.run if run else None
        self.shutdown: str | None = None
        self.resolved: int | None = None
        self.blocks: list[Block] = []
        self.listed, self.done, self.failed, self.troubled = Bitmap(), Bitmap(), Bitmap(), Bitmap()
        self.reasons = Reasons()
        self.tries, self.spent = Counts(), Counts()
        self.moved: dict[int, str] = {}
        self.touched = False
        self.reopened = 0

    # Each handler takes neighbouring lines of one kind, in their order.

    def _on_resumed(self, read: Sequence[lines.Resumed]) -> None:
        self.sitting = read[-1]
        self.shutdown = None

    def _on_shutdown(self, read: Sequence[lines.Shutdown]) -> None:
        self.shutdown = read[-1].reason

    def _on_jobs(self, read: Sequence[lines.Job]) -> None:
        numbers = [line.seq for line in read]
        repeated = len(self.listed.add_all(numbers))
        self.stray += repeated
        if repeated == len(numbers):
            return
        self.resolved = None
        if self._place is not None:
            self.blocks.append(Block(*self._place, numbers[0], numbers[0]))
            self._place = None
        block = self.blocks[-1]
        block.low = min(block.low, *numbers)
        block.high = max(block.high, *numbers)

    def _on_resolved(self, read: Sequence[lines.Resolved]) -> None:
        self.resolved = read[-1].total

    def _on_completed(self, read: Sequence[lines.Completed]) -> None:
        numbers = [line.seq for line in read]
        for seq in self.done.add_all(numbers, within=self.listed):
            self.stray += seq not in self.listed
            self._forgive(seq)
        self.moved.update((line.seq, line.saved_as) for line in read if line.saved_as)
        if self.troubled:
            for seq in numbers:
                self.troubled.discard(seq)
        self.touched = True

    def _on_failed(self, read: Sequence[lines.Failed]) -> None:
        for line in read:
            seq = line.seq
            if seq not in self.listed or (seq in self.done and seq not in self.failed):
                self.stray += 1
                continue
            self.touched = True
            self.spent[seq] = line.spent
            self._forgive(seq)
            if line.retry is False:
                self.done.add(seq)
                self.failed.add(seq)
                self.troubled.discard(seq)
                self.reasons.add(seq, line.error)
            else:
                self.done.discard(seq)
                self.troubled.add(seq)
                self.tries[seq] = line.retry

    def _on_cancelled(self, read: Sequence[lines.Cancelled]) -> None:
        for line in read:
            if line.seq in self.listed:
                self.touched = True
                self.spent[line.seq] = line.spent
            else:
                self.stray += 1

    def _on_reopened(self, read: Sequence[lines.Reopened]) -> None:
        # Their counts start again: somebody has asked for them once more.
        for seq in self.failed:
            self.done.discard(seq)
            self.tries[seq] = self.spent[seq] = 0
        self.failed = Bitmap()
        self.reasons = Reasons()
        self.reopened += len(read)
        self.shutdown = None

    def _on_lost(self, read: Sequence[lines.Lost]) -> None:
        for line in read:
            if line.seq in self.done and line.seq not in self.failed:
                self.done.discard(line.seq)
                self.tries[line.seq] = self.spent[line.seq] = 0
            else:
                self.stray += 1

    def _forgive(self, seq: int) -> None:
        if self.failed.discard(seq):
            self.reasons.discard(seq)
