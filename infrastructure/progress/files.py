"""A face for folders of files: one line for each, with its number and how far that is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from application.ports import Job, Outcome, Status
from infrastructure.progress import figures


class FileLines:
    """``[5/20 | 25%] page.html: complete, The Title``; written when a file is done, so lines never mix.

    Args:
        say: takes a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._total = 0
        self._done = 0

    def begin(self, label: str, total: int) -> None:
        self._total, self._done = total, 0
        self._say(f"{label}: {total} files to parse")

    def started(self, job: Job) -> None: ...

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None: ...

    def done(self, outcome: Outcome) -> None:
        if outcome.status is Status.CANCELLED:
            return
        self._done += 1
        share = figures.percent(self._done, self._total)
        self._say(f"[{self._done}/{self._total} | {share}%] {Path(outcome.job.key).name}: {_came_out(outcome)}")

    def note(self, message: str) -> None:
        self._say(message)

    def end(self) -> None: ...


def _came_out(outcome: Outcome) -> str:
    if outcome.status is Status.FAILED:
        return f"{_REASONS.get(outcome.reason, outcome.reason)}: {outcome.detail}"
    if outcome.source == "chart":
        return outcome.detail
    if outcome.missing:
        return f"partial (not told: {', '.join(outcome.missing)}), {outcome.detail}"
    return f"complete, {outcome.detail}"


_REASONS = {
    "BlockedPage": "blocked",
    "NotATitlePage": "not a title",
    "UnreadableFile": "unreadable",
    "InvalidMovie": "impossible values",
}
