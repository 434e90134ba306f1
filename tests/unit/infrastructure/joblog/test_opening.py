"""Whether a run begins or goes on, and what is said when it can do neither."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.runs import Failure, Job, JobCounts, Outcome, RunIdentity, Status
from domain.errors import UsageError
from infrastructure.joblog import lines
from infrastructure.joblog.file import JobLogFile
from infrastructure.joblog.status_file import JobLogStatus
from shared.clock import SystemClock
from tests.unit.infrastructure.joblog.conftest import IDENTITY, Opener, begun, titles


def logs_beside(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if each.suffix == ".jsonl" and each != path)


def finish(opened: Opener, *, failing: int = 0) -> None:
    log = opened()
    if not log.listed:
        log.list(titles(3))
    for place, job in enumerate([*log.pending()]):
        if place < failing:
            log.record(Outcome(job, Status.FAILED, "gone http://me:secret@host/", "NotFound", requests=1))
        else:
            log.record(Outcome(job, Status.COMPLETED))
    log.close("finished")


def test_the_file_is_only_for_its_owner_and_says_what_it_is(path: Path, opened: Opener) -> None:
    opened()
    first = json.loads(path.read_bytes().splitlines()[0])
    assert (first["kind"], first["program"], first["format"]) == ("run", "filmledger", 1)
    assert (first["work"], first["subject"], first["site"]) == ("scrape", "top250", "http://127.0.0.1")
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_kind_of_line_carries_time_and_run(path: Path, opened: Opener) -> None:
    log = opened()
    log.list(titles(3))
    first, second, third = log.pending()
    log.started(first)
    log.record(Outcome(first, Status.COMPLETED, size=5, requests=2, milliseconds=7, source="page", missing=("votes",)))
    log.record(Outcome(second, Status.FAILED, "reset", "Transient", retry=True, requests=1))
    log.record(Outcome(second, Status.FAILED, "gone", "NotFound", requests=1))
    log.record(Outcome(third, Status.CANCELLED))
    log.close("interrupted")
    opened(retry_failed=True).close("interrupted")
    written = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["kind"] for line in written] == [
        "run", "job", "job", "job", "resolved", "started", "completed", "failed", "failed", "cancelled", "shutdown",
        "resumed", "reopened", "shutdown",
    ]  # fmt: skip
    assert {line["run"] for line in written} == {log.run}
    assert all(line["ts"].endswith("Z") for line in written)
    by_kind = {line["kind"]: line for line in written}
    assert by_kind["job"].items() >= {"seq": 2, "id": "tt0000003", "rank": 3, "list": "top250"}.items()
    assert by_kind["resolved"]["total"] == 3
    assert by_kind["completed"].items() >= {"bytes": 5, "attempts": 2, "source": "page", "ms": 7}.items()
    assert by_kind["completed"]["missing"] == ["votes"]
    assert [line["retry"] for line in written if line["kind"] == "failed"] == [1, False]
    assert by_kind["failed"]["error"] == "NotFound"
    read, unreadable = lines.decode(path.read_bytes())
    assert (len(read), unreadable) == (len(written), 0)


def test_a_finished_run_is_followed_by_a_new_one_and_kept_beside_it(path: Path, opened: Opener) -> None:
    finish(opened)
    old = path.read_bytes()
    log = opened()
    assert not log.resumed
    assert not log.listed
    (kept,) = logs_beside(path)
    assert kept.read_bytes() == old


def test_only_the_last_ten_logs_are_kept_and_nothing_else_is_touched(path: Path, opened: Opener) -> None:
    path.parent.mkdir()
    for number in range(15):
        (path.parent / f"joblog-202601010000{number:02}-0123abcd.jsonl").touch()
    others = [path.parent / name for name in ("joblog-old.jsonl", "joblog-20260101-x.jsonl", "movies.csv")]
    for other in others:
        other.touch()
    finish(opened)
    opened()
    assert all(other.exists() for other in others)
    kept = [each for each in logs_beside(path) if each not in others]
    assert len(kept) == 10
    assert path.parent / "joblog-20260101000005-0123abcd.jsonl" not in kept
    assert path.parent / "joblog-20260101000006-0123abcd.jsonl" in kept


def test_fresh_begins_anew_and_loses_nothing(path: Path, opened: Opener) -> None:
    begun(opened, path)
    old = path.read_bytes()
    log = opened(fresh=True)
    assert not log.resumed
    assert log.counts == JobCounts(0, 0, 0)
    assert [kept.read_bytes() for kept in logs_beside(path)] == [old]


@pytest.mark.parametrize(
    "other",
    [
        RunIdentity("scrape", "toptv", "http://127.0.0.1"),
        RunIdentity("scrape", "top250", "http://127.0.0.2"),
        RunIdentity("scrape", "top250", "http://127.0.0.1", 10),
        RunIdentity("posters", "top250", "http://127.0.0.1"),
    ],
)
def test_the_unfinished_log_of_another_run_is_refused(path: Path, opened: Opener, other: RunIdentity) -> None:
    begun(opened, path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"scrape of top250 at http://127.0.0.1 \(2 of 5 done\).*--fresh"):
        opened(other)
    assert path.read_bytes() == before
    assert not opened(other, fresh=True).resumed


def test_a_log_of_another_run_that_is_finished_or_never_began_is_no_obstacle(path: Path, opened: Opener) -> None:
    finish(opened)
    other = RunIdentity("scrape", "toptv", "http://127.0.0.1")
    opened(other).close("interrupted")
    assert not opened(IDENTITY).resumed


def test_failures_for_good_can_be_tried_again_with_all_their_tries(path: Path, opened: Opener) -> None:
    finish(opened, failing=2)
    log = opened(retry_failed=True)
    assert log.resumed
    assert list(log.pending()) == [Job(0, "tt0000001", 1), Job(1, "tt0000002", 2)]
    assert list(log.failures()) == []
    first, second = log.pending()
    log.record(Outcome(first, Status.FAILED, "the second time", "UnknownLayout"))
    log.record(Outcome(second, Status.COMPLETED))
    log.close("finished")
    resumed = opened(retry_failed=True)
    assert resumed.counts == JobCounts(3, 2, 0)
    resumed.record(Outcome(next(resumed.pending()), Status.FAILED, "the third time", "NotFound"))
    assert list(resumed.failures()) == [Failure("tt0000001", "NotFound", "the third time")]


def test_without_a_run_there_are_no_failures_to_try_again(opened: Opener) -> None:
    with pytest.raises(UsageError, match="no run"):
        opened(retry_failed=True)


def test_failures_of_another_run_are_not_mixed_up_with_these(path: Path, opened: Opener) -> None:
    finish(opened, failing=1)
    with pytest.raises(UsageError, match="holds another run"):
        opened(RunIdentity("scrape", "toptv"), retry_failed=True)


def test_credentials_do_not_reach_the_log(path: Path, opened: Opener) -> None:
    finish(opened, failing=1)
    assert b"secret" not in path.read_bytes()
    assert b"gone http://***@host/" in path.read_bytes()


def test_two_cannot_write_the_same_log(path: Path, opened: Opener) -> None:
    opened()
    with pytest.raises(UsageError, match="another process is writing"):
        opened()


def test_a_dead_writer_holds_no_lock(path: Path, opened: Opener) -> None:
    script = (
        "import sys, os, signal; from pathlib import Path\n"
        "from tests.unit.infrastructure.joblog.conftest import IDENTITY, titles\n"
        "from infrastructure.joblog.file import JobLogFile\n"
        "from application.ports.runs import Outcome, Status\n"
        "from shared.clock import SystemClock\n"
        "log = JobLogFile(Path(sys.argv[1]), IDENTITY, version='1', clock=SystemClock())\n"
        "log.list(titles(3))\n"
        "log.record(Outcome(next(log.pending()), Status.COMPLETED))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    log = opened()
    assert log.resumed
    assert log.counts == JobCounts(3, 1, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"imdb_id,title\ntt0000001,A film\n", "is not a job log of this program"),
        (b'{"msg":"started","level":30}\n' * 1000, "is not a job log of this program"),
        (b"\x00" * 4096, "is not a job log of this program"),
        (b"half a line", "is not a job log of this program"),
        (
            b'{"kind":"run","ts":"t","run":"r","program":"other","version":"1","format":1,"work":"w","subject":"s"}\n',
            "of another program",
        ),
        (
            b'{"kind":"run","ts":"t","run":"r","program":"filmledger","version":"9.1","format":2,"work":"w","subject":"s"}\n',
            "by a newer version, 9.1",
        ),
    ],
)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_that_is_no_log_of_ours_is_left_alone(
    path: Path, opened: Opener, content: bytes, said: str, fresh: bool
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        opened(fresh=fresh)
    assert path.read_bytes() == content


def test_an_empty_file_is_a_log_that_has_not_begun(path: Path, opened: Opener) -> None:
    path.parent.mkdir()
    path.touch()
    assert opened().list(titles(2)) == 2


def test_a_folder_or_a_device_is_no_log(tmp_path: Path) -> None:
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(UsageError, match=r"is not a file|cannot use the job log"):
            JobLogFile(path, IDENTITY, version="1", clock=SystemClock())


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder that this process may read and not write, root or not."""
    nobody = 65534
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(nobody)
        try:
            yield folder
        finally:
            if was_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_told_clearly(closed_folder: Path) -> None:
    path = closed_folder / "joblog.jsonl"
    with pytest.raises(UsageError, match=f"cannot use the job log {path}: Permission denied; .*--joblog"):
        JobLogFile(path, IDENTITY, version="1", clock=SystemClock())
    with pytest.raises(UsageError, match="cannot use the job log"):
        JobLogFile(closed_folder / "data" / "joblog.jsonl", IDENTITY, version="1", clock=SystemClock())


def test_a_link_to_a_log_stays_a_link(path: Path, opened: Opener) -> None:
    path.parent.mkdir()
    real = path.parent / "real.jsonl"
    path.symlink_to(real)
    opened()
    assert path.is_symlink()
    assert real.read_bytes().startswith(b'{"kind":"run"')


def test_one_warning_counts_what_was_left_out(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    wanted = ["tt0000001", "", "tt0000001", "tt0000001", "page\udc80.html"]
    assert opened().list(Job(0, key) for key in wanted) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "jobs left out of the list: 2 repeated, 1 empty, 1 not writable as UTF-8"
    ]


def test_more_jobs_than_numbers_are_refused(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_JOBS", 10)
    with pytest.raises(UsageError, match="more than 10 jobs"):
        opened().list(titles(11))


def test_a_password_in_the_address_of_an_older_log_is_overwritten(path: Path, opened: Opener) -> None:
    """Version 0.1 wrote BASE_URL as it was set. The length stays, so that the log is continued where it ended."""
    log = opened()
    log.list(titles(3))
    log.close("interrupted")
    before = path.read_bytes()
    old = before.replace(b"http://127.0.0.1", b"http://me:s3cr3t@127.0.0.1", 1)
    path.write_bytes(old)
    archived = path.with_name(f"{path.stem}-20260101000000-0a1b2c3d.jsonl")
    archived.write_bytes(old)
    assert JobLogStatus(path).read().identity.site == "http://127.0.0.1"  # type: ignore[union-attr]
    assert opened().resumed
    for log_file in (path, archived):
        assert b"s3cr3t" not in log_file.read_bytes()
        assert log_file.read_bytes().startswith(old.replace(b"me:s3cr3t", b"*********"))
