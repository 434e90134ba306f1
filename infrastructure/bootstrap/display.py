"""How runs are shown as text."""

from __future__ import annotations

from collections.abc import Iterator

from application.status import RunStatus
from application.summary import Summary


def summary_lines(summary: Summary, *, noun: str) -> Iterator[str]:
    """The summary of a run, line by line; ``noun`` is what its jobs are, in the plural."""
    from infrastructure.progress.closing import closing_lines

    return closing_lines(summary, noun=noun)


def status_lines(status: RunStatus) -> Iterator[str]:
    """The state of a run, line by line."""
    from infrastructure.progress.status_lines import status_lines as lines

    return lines(status)
