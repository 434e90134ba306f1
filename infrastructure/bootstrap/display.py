"""Formats runs as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infrastructure.progress.startup import StartupDisplay

if TYPE_CHECKING:
    from application.run_jobs import Summary
    from application.run_report import RunStatus

__all__ = ["StartupDisplay", "status_lines", "summary_lines"]


def summary_lines(summary: Summary, *, noun: str, speed: bool) -> Iterator[str]:
    """The summary of a run, line by line; ``noun`` names its jobs, in the plural."""
    from infrastructure.progress.summary_lines import summary_lines as lines

    return lines(summary, noun=noun, verb="parsed" if noun == "files" else "fetched", speed=speed)


def status_lines(status: RunStatus) -> Iterator[str]:
    """The state of a run, line by line."""
    from infrastructure.progress.summary_lines import status_lines as lines

    return lines(status)
