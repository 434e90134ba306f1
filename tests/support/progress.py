"""Progress displays for tests."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from application.ports.runs import Job, Outcome


@dataclass
class RecordingProgress:
    """Records every call; satisfies ``Progress``."""

    label: str = ""
    total: int = 0
    taken: list[str] = field(default_factory=list)
    phases: list[tuple[str, str, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ended: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, label: str, total: int) -> None:
        self.label, self.total = label, total

    def started(self, job: Job) -> None:
        with self._lock:
            self.taken.append(job.key)

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        with self._lock:
            self.phases.append((job.key, phase, attempt))

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def note(self, message: str) -> None:
        self.notes.append(message)

    def end(self) -> None:
        self.ended += 1


class BrokenProgress(RecordingProgress):
    """Raises in the method with that name."""

    def __init__(self, breaks_at: str) -> None:
        super().__init__()
        self._breaks_at = breaks_at
        self.calls = 0

    def _maybe(self, name: str) -> None:
        self.calls += 1
        if name == self._breaks_at:
            raise OSError(5, "the terminal has gone")

    def begin(self, label: str, total: int) -> None:
        self._maybe("begin")

    def started(self, job: Job) -> None:
        self._maybe("started")

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._maybe("phase")

    def done(self, outcome: Outcome) -> None:
        self._maybe("done")

    def note(self, message: str) -> None:
        self._maybe("note")

    def end(self) -> None:
        self._maybe("end")
