"""What status reads: of a run that is over, of one under way, of one that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.ports.runs import JobCounts, Outcome, Status
from application.run_report import LoggedRun, RunStatus
from domain.errors import UsageError
from infrastructure.joblog import lines
from infrastructure.joblog.status_file import JobLogStatus
from tests.unit.infrastructure.joblog.conftest import IDENTITY, Opener, begun, titles


def read(path: Path) -> LoggedRun:
    logged = JobLogStatus(path).read()
    assert logged is not None
    return logged


def test_where_there_is_no_log_there_was_no_run(path: Path) -> None:
    assert JobLogStatus(path).read() is None
    path.parent.mkdir()
    path.touch()
    assert JobLogStatus(path).read() is None
    assert JobLogStatus(path).read() is None


def test_a_run_that_was_stopped(path: Path, opened: Opener) -> None:
    before = datetime.now(UTC)
    begun(opened, path)
    logged = read(path)
    assert logged.identity == IDENTITY
    assert logged.counts == JobCounts(5, 2, 0)
    assert (logged.whole, logged.alive, logged.ended, logged.pid) == (True, False, "interrupted", os.getpid())
    assert logged.started is not None
    assert logged.last_event is not None
    assert before <= logged.started <= logged.last_event <= datetime.now(UTC)


def test_reasons_and_those_waiting_are_told(path: Path, opened: Opener) -> None:
    log = opened()
    log.list(titles(6))
    first, second, third, fourth, *_ = log.pending()
    for job, reason in ((first, "NotFound"), (second, "UnknownLayout"), (third, "UnknownLayout")):
        log.record(Outcome(job, Status.FAILED, reason=reason))
    log.record(Outcome(fourth, Status.FAILED, reason="Transient", retry=True))
    logged = read(path)
    assert logged.reasons == (("UnknownLayout", 2), ("NotFound", 1))
    assert logged.waiting == 1
    assert logged.counts.pending == 3


def test_a_live_run_is_read_without_disturbing_it(path: Path, opened: Opener) -> None:
    log = opened()
    log.list(titles(300))
    seen: list[LoggedRun] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(read(path))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for job in [*log.pending()]:
        log.record(Outcome(job, Status.COMPLETED))
    over.set()
    watcher.join()
    assert all(logged.alive and logged.whole and not logged.unusable for logged in seen)
    done = [logged.counts.completed for logged in seen]
    assert done == sorted(done)
    log.close("finished")
    after = read(path)
    assert (after.alive, after.counts, after.ended) == (False, JobCounts(300, 300, 0), "finished")


def test_the_run_of_another_process_is_alive_until_that_dies(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.infrastructure.joblog.conftest import IDENTITY, titles\n"
        "from infrastructure.joblog.file import JobLogFile\n"
        "from shared.clock import SystemClock\n"
        "log = JobLogFile(Path(sys.argv[1]), IDENTITY, version='1', clock=SystemClock())\n"
        "log.list(titles(3)); print('listed', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"listed\n"
        alive = read(path)
        child.kill()
    dead = read(path)
    assert (alive.alive, alive.pid) == (True, child.pid)
    assert (dead.alive, dead.pid, dead.ended) == (False, child.pid, None)


def test_a_line_that_is_being_written_is_no_damage(path: Path, opened: Opener) -> None:
    begun(opened, path)
    with path.open("ab") as file:
        file.write(b'{"kind":"comp')
    assert read(path).unusable == 0


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def written_at(path: Path, *events: tuple[float, str, dict[str, object]]) -> None:
    """Append lines with time stamps so many minutes after noon."""
    run = json.loads(path.read_bytes().splitlines()[0])["run"]
    with path.open("ab") as file:
        for minutes, kind, more in events:
            stamp = (NOON + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
            file.write(lines.encode({"kind": kind, "run": run, "ts": stamp, "pid": 1, **more}))


def rate(path: Path) -> float:
    return RunStatus(read(path), NOON + timedelta(hours=10)).rate


def test_the_pace_is_that_of_the_last_sitting(path: Path, opened: Opener) -> None:
    begun(opened, path, count=8, completed=0)
    written_at(
        path,
        (-100, "completed", {"seq": 0}),
        (-10, "resumed", {}),
        (0, "started", {"seq": 1}),
        (1, "completed", {"seq": 1}),
        (1.5, "failed", {"seq": 2, "error": "X", "retry": 1}),
        (2, "failed", {"seq": 3, "error": "X", "retry": False}),
        (3, "completed", {"seq": 4}),
    )
    assert rate(path) == pytest.approx(3 / 180)
    assert read(path).last_event == NOON + timedelta(minutes=3)


def test_the_pace_of_a_long_sitting_is_that_of_its_end(path: Path, opened: Opener) -> None:
    begun(opened, path, count=5000, completed=0)
    written_at(path, (-10_000, "started", {"seq": 0}))
    written_at(path, *((seq / 60, "completed", {"seq": seq, "id": "tt0000001" * 5}) for seq in range(5000)))
    assert rate(path) == pytest.approx(1.0)


def test_what_is_no_log_is_told(tmp_path: Path) -> None:
    other = tmp_path / "movies.csv"
    other.write_text("imdb_id\n")
    with pytest.raises(UsageError, match="not a job log"):
        JobLogStatus(other).read()
    with pytest.raises(UsageError, match="not a file"):
        JobLogStatus(tmp_path).read()


def test_nothing_is_written(path: Path, opened: Opener) -> None:
    begun(opened, path)
    before = {each: each.read_bytes() for each in path.parent.iterdir()}
    read(path)
    assert {each: each.read_bytes() for each in path.parent.iterdir()} == before
