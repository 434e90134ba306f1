"""Composes the state of the last run; apart from the other checks, which load much more."""

from __future__ import annotations

from pathlib import Path

from application.run_report import RunStatus
from infrastructure.joblog.status_file import JobLogStatus
from shared.clock import Clock


def run_status(job_log: Path, clock: Clock) -> RunStatus | None:
    """The state of the last run of a job log; ``None`` if there has been none.

    Raises:
        UsageError: the file is not a job log, or cannot be read.
    """
    logged = JobLogStatus(job_log).read()
    return None if logged is None else RunStatus(logged, clock.now())
