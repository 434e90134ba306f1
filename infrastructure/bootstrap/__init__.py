"""Composes the program from the settings; the only package that names concrete classes.

Its modules import most of what they compose inside functions, because a command should load only what it uses: the
start is part of every run's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import UsageError
from shared import clock as clocks
from shared.clock import Clock

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


def clock_of(environ: Mapping[str, str]) -> Clock:
    """The clock that the environment selects.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    try:
        return clocks.from_environment(environ)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError("SOURCE_DATE_EPOCH: allowed: whole seconds since 1970") from error


def require_usable(data_dir: Path) -> None:
    """Checks that the data directory is a folder, or can become one.

    Raises:
        UsageError: its disk is not mounted, or it is no folder.
    """
    from infrastructure.data_dir import DataDir

    DataDir(data_dir).require_usable()
