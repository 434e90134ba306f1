"""A face that shows nothing: ``--quiet``, and tests."""

from __future__ import annotations

from application.ports import Job, Outcome


class NullProgress:
    """Takes everything in and says nothing."""

    def begin(self, label: str, total: int) -> None: ...

    def started(self, job: Job) -> None: ...

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None: ...

    def done(self, outcome: Outcome) -> None: ...

    def note(self, message: str) -> None: ...

    def end(self) -> None: ...
