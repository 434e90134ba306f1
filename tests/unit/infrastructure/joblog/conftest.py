"""A log in a folder of its own, opened as a run opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, RunIdentity, Status
from domain.errors import FilmledgerError
from infrastructure.joblog.file import JobLogFile
from shared.clock import SystemClock

IDENTITY = RunIdentity("scrape", "top250", "http://127.0.0.1")
Opener = Callable[..., JobLogFile]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "joblog.jsonl"


@pytest.fixture
def opened(path: Path) -> Iterator[Opener]:
    """Opens the log at ``path``; closes it when the test ends, if the test has not."""
    logs: list[JobLogFile] = []

    def open_it(identity: RunIdentity = IDENTITY, *, fresh: bool = False, retry_failed: bool = False) -> JobLogFile:
        log = JobLogFile(path, identity, version="1", clock=SystemClock(), fresh=fresh, retry_failed=retry_failed)
        logs.append(log)
        return log

    yield open_it
    for log in logs:
        with suppress(FilmledgerError):
            log.close("the test is over")


def titles(count: int) -> list[Job]:
    return [Job(0, f"tt{number:07}", number) for number in range(1, count + 1)]


def begun(opened: Opener, path: Path, *, count: int = 5, completed: int = 2) -> None:
    """Leave an unfinished run in the log."""
    log = opened()
    log.list(titles(count))
    for job in [*log.pending()][:completed]:
        log.started(job)
        log.record(Outcome(job, Status.COMPLETED, size=1000, requests=1, milliseconds=300, source="page"))
    log.close("interrupted")
    assert path.exists()
