"""A face for output that is no terminal: a line now and then."""

from __future__ import annotations

from typing import TextIO

from application.ports import Job, Outcome
from infrastructure.progress import figures
from infrastructure.progress.board import Board, Snapshot
from shared.clock import Clock
from shared.log_sinks import LineWriter


class PlainProgress:
    """One line whenever ``seconds`` have passed or ``step`` percent more are done.

    Lines are written when a job ends; there is no thread behind this.
    """

    def __init__(self, stream: TextIO, clock: Clock, *, seconds: float = 10.0, step: int = 10) -> None:
        self._writer = LineWriter(lambda: stream)
        self._clock = clock
        self._seconds = seconds
        self._step = step
        self._board = Board(clock)
        self._shown_at = 0.0
        self._shown_percent = 0
        self._shown_done = 0

    def begin(self, label: str, total: int) -> None:
        self._board.begin(label, total)
        self._shown_at = self._clock.monotonic()
        self._shown_percent = self._shown_done = 0
        self.note(f"{label}: {total} to do")

    def started(self, job: Job) -> None:
        self._board.started(job)

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._board.phase(job, phase, attempt)

    def done(self, outcome: Outcome) -> None:
        self._board.done(outcome)
        now = self._clock.monotonic()
        percent = figures.percent(*self._board.counts())
        if now - self._shown_at >= self._seconds or percent >= self._shown_percent + self._step:
            self._show(self._board.snapshot())

    def note(self, message: str) -> None:
        self._writer.write(message)

    def end(self) -> None:
        snapshot = self._board.snapshot()
        if snapshot.done != self._shown_done:
            self._show(snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        self._shown_at = self._clock.monotonic()
        self._shown_percent = figures.percent(snapshot.done, snapshot.total)
        self._shown_done = snapshot.done
        self.note(line(snapshot))


def line(snapshot: Snapshot) -> str:
    """The run in one line: ``[ 29%] 72/250, 12.3/s, 19.7 MB/s, 1 failed, 0:14 left``."""
    parts = [
        f"[{figures.percent(snapshot.done, snapshot.total):3}%] {snapshot.done}/{snapshot.total}",
        figures.rate(snapshot.rate),
        f"{figures.size(snapshot.byte_rate)}/s",
        f"{snapshot.failed} failed",
    ]
    if snapshot.retried:
        parts.append(f"{snapshot.retried} tried again")
    if snapshot.left is not None and snapshot.done < snapshot.total:
        parts.append(f"{figures.duration(snapshot.left)} left")
    return ", ".join(parts)
