"""The day that a run on the demo site sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, RunIdentity, Status
from domain.errors import UsageError
from infrastructure.bootstrap import JOB_LOGS
from infrastructure.bootstrap.datasets import LAST_LOAD
from infrastructure.bootstrap.demo import demo_day
from infrastructure.data_dir import STATE_FOLDER
from infrastructure.joblog.file import JobLogFile
from shared.clock import SystemClock


def run(data_dir: Path, *, finish: bool) -> None:
    """Leaves a run of two jobs in the log, finished or interrupted after the first one."""
    identity = RunIdentity("scrape", "top250", "demo")
    log = JobLogFile(data_dir / JOB_LOGS["scrape"], identity, version="1", clock=SystemClock())
    if not log.listed:
        log.list([Job(0, "tt0000001"), Job(1, "tt0000002")])
    for job in list(log.pending())[: None if finish else 1]:
        log.record(Outcome(job, Status.COMPLETED))
    log.close("finished" if finish else "interrupted")


def test_a_new_directory_begins_with_the_first_day(tmp_path: Path) -> None:
    assert demo_day(tmp_path / "missing") == 0
    assert not (tmp_path / "missing").exists()


def test_each_finished_run_is_followed_by_another_day(tmp_path: Path) -> None:
    days = []
    for _ in range(3):
        run(tmp_path, finish=True)
        days += [demo_day(tmp_path), demo_day(tmp_path)]  # asking twice changes nothing
    assert days == [1, 1, 2, 2, 3, 3]


def test_an_interrupted_run_is_continued_on_its_own_day(tmp_path: Path) -> None:
    run(tmp_path, finish=False)
    assert demo_day(tmp_path) == 0
    run(tmp_path, finish=True)
    assert demo_day(tmp_path) == 1
    run(tmp_path, finish=False)
    assert demo_day(tmp_path) == 1


def test_a_finished_load_of_data_files_is_followed_by_another_day(tmp_path: Path) -> None:
    state = tmp_path / STATE_FOLDER
    state.mkdir()
    for load, day in (("first", 1), ("second", 2), ("second", 2)):
        (state / LAST_LOAD).write_text(load)
        assert demo_day(tmp_path) == day


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    run(tmp_path, finish=True)
    demo_day(tmp_path)
    (path,) = (tmp_path / ".filmledger").iterdir()
    path.write_text("{")
    with pytest.raises(UsageError, match=r"demo-day\.json.*delete it"):
        demo_day(tmp_path)
