"""A checkpoint saves reading; whatever is wrong with it, the log says the same without."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec
import pytest

from application.ports import Job, JobCounts, Outcome, Status
from infrastructure.joblog import checkpoint, file, opening, reader
from infrastructure.joblog.opening import read_state
from infrastructure.joblog.state import State
from tests.unit.infrastructure.joblog.conftest import Opener, titles

JOBS = 3000


@pytest.fixture(autouse=True)
def _every_log_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "CHECKPOINT_FROM", 0)
    monkeypatch.setattr(opening, "CHECKPOINT_FROM", 0)


@pytest.fixture
def written(path: Path, opened: Opener) -> Path:
    """The checkpoint of a log with jobs in every state."""
    log = opened()
    log.list(titles(JOBS))
    for job in [*log.pending()]:
        match job.seq % 5:
            case 0:
                moved = f"tt9{job.seq:06d}" if job.seq % 2 else ""
                log.record(Outcome(job, Status.COMPLETED, requests=1, saved_as=moved))
            case 1:
                log.record(Outcome(job, Status.FAILED, reason=f"Reason{job.seq % 3}", requests=2))
            case 2:
                log.record(Outcome(job, Status.FAILED, reason="Transient", retry=True, requests=3))
            case 3:
                log.record(Outcome(job, Status.CANCELLED, requests=1))
    log.close("interrupted")
    return checkpoint.path_of(path)


def everything(state: State) -> dict[str, object]:
    """All that a state knows, in types that can be compared."""
    return {
        "run": state.run,
        "sitting": state.sitting,
        "shutdown": state.shutdown,
        "resolved": state.resolved,
        "jobs": (min(block.low for block in state.blocks), max(block.high for block in state.blocks)),
        "sets": [set(held) for held in (state.listed, state.done, state.failed, state.troubled)],
        "reasons": state.reasons.most_common(),
        "tries": [state.tries[seq] for seq in range(JOBS)],
        "spent": [state.spent[seq] for seq in range(JOBS)],
        "moved": state.moved,
        "others": (state.touched, state.reopened, state.unreadable, state.stray),
    }


def from_the_log_alone(path: Path) -> State:
    state = State()
    with path.open("rb") as log:
        reader.follow(log, state)
    return state


def test_it_says_what_the_log_says(path: Path, written: Path) -> None:
    state, end = read_state(path)
    assert end == path.stat().st_size
    assert everything(state) == everything(from_the_log_alone(path))


def test_only_what_came_after_it_is_read(path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offset = path.stat().st_size
    with path.open("ab") as log:
        log.write(b"garbage\n")
    begins: list[int] = []
    follow = reader.follow

    def seen(*args: object) -> int:
        begins.append(args[2])  # type: ignore[arg-type]
        return follow(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "follow", seen)
    state, _ = read_state(path)
    assert begins == [offset]
    assert state.unreadable == 1


def test_a_run_goes_on_from_it(path: Path, written: Path, opened: Opener) -> None:
    log = opened()
    fifth = JOBS // 5
    assert log.counts == JobCounts(JOBS, fifth, fifth)
    pending = [*log.pending()]
    assert [job.seq for job in pending] == [seq for seq in range(JOBS) if seq % 5 > 1]
    assert pending[:3] == [
        Job(2, "tt0000003", 3, attempt=2, spent=3),
        Job(3, "tt0000004", 4, attempt=1, spent=1),
        Job(4, "tt0000005", 5),
    ]


@pytest.mark.parametrize("harm", ["gone", "empty", "cut", "flipped", "not ours", "another version"])
def test_without_a_good_one_the_log_is_read(path: Path, written: Path, harm: str) -> None:
    data = written.read_bytes()
    match harm:
        case "gone":
            written.unlink()
        case "empty":
            written.write_bytes(b"")
        case "cut":
            written.write_bytes(data[: len(data) // 2])
        case "flipped":
            written.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
        case "not ours":
            written.write_bytes(b"\x00" * 10_000)
        case _:
            body = msgspec.msgpack.decode(data[32:])
            body["version"] = 99
            again = msgspec.msgpack.encode(body)
            written.write_bytes(hashlib.sha256(again).digest() + again)
    state, _ = read_state(path)
    assert everything(state) == everything(from_the_log_alone(path))


@pytest.mark.parametrize("harm", ["shorter", "other beginning", "other end"])
def test_one_of_another_log_is_passed_over(path: Path, written: Path, harm: str) -> None:
    data = path.read_bytes()
    match harm:
        case "shorter":
            path.write_bytes(data[: data.rindex(b"\n", 0, len(data) // 2) + 1])
        case "other beginning":
            path.write_bytes(data.replace(b"top250", b"top252"))
        case _:
            at = data.rindex(b'"seq":2')
            path.write_bytes(data[:at] + b'"seq":3' + data[at + 7 :])
    state, _ = read_state(path)
    assert everything(state) == everything(from_the_log_alone(path))


def test_a_long_log_without_one_gets_one_when_it_is_opened(path: Path, written: Path, opened: Opener) -> None:
    written.unlink()
    opened()
    assert written.exists()


def test_during_a_long_run_it_is_written_now_and_then(
    path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "CHECKPOINT_EVERY", 10)
    log = opened()
    log.list(titles(20))
    jobs = [*log.pending()]
    for job in jobs[:10]:
        assert not checkpoint.path_of(path).exists()
        log.record(Outcome(job, Status.COMPLETED))
    with path.open("rb") as reading:
        state, offset = checkpoint.load(path, reading)
    assert len(state.done) == 10
    assert offset == path.stat().st_size


def test_where_it_cannot_be_written_the_run_goes_on(
    path: Path, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    log = opened()
    log.list(titles(3))
    checkpoint.path_of(path).mkdir()
    with caplog.at_level(logging.WARNING):
        log.close("interrupted")
    assert "no checkpoint could be written" in caplog.text
    with caplog.at_level(logging.WARNING):
        assert opened().counts == JobCounts(3, 0, 0)
    assert "cannot be read and is passed over" in caplog.text


def test_a_new_run_does_not_inherit_it(path: Path, written: Path, opened: Opener) -> None:
    log = opened(fresh=True)
    assert log.counts == JobCounts(0, 0, 0)
    assert not written.exists()
