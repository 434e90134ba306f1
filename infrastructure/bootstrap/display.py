"""What the command line shows of a run, besides its progress display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infrastructure.progress.run_text import status_lines, summary_lines
from infrastructure.progress.startup import StartupDisplay
from shared.clock import Clock

if TYPE_CHECKING:
    from application.run_report import RunStatus

__all__ = ["StartupDisplay", "run_status", "status_lines", "summary_lines"]


def run_status(job_log: Path, clock: Clock) -> RunStatus | None:
    """The state of the last run of a job log; ``None`` if there has been none.

    Raises:
        UsageError: the file is not a job log, or cannot be read.
    """
    from application.run_report import RunStatus
    from infrastructure.joblog.status_file import JobLogStatus

    logged = JobLogStatus(job_log).read()
    return None if logged is None else RunStatus(logged, clock.now())
