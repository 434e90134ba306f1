"""How a run uses its job log."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

# File name of the job log of each kind of run, in the data directory.
JOB_LOGS: Final = {
    "scrape": "joblog.jsonl",
    "parse": "parse.jsonl",
    "posters": "posters.jsonl",
    "people": "people.jsonl",
}


class ResumeOptions(msgspec.Struct, frozen=True):
    """How a run uses its job log.

    Attributes:
        path: of the log; in the data directory unless given.
        fresh: start over, even if there is an unfinished run.
        retry_failed: include the jobs that failed for good.
        list_failed: a file for the list of failed jobs.
    """

    path: Path | None = None
    fresh: bool = False
    retry_failed: bool = False
    list_failed: Path | None = None
