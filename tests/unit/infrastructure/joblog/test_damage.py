"""Whatever has happened to a log: it is told, what can be read is kept, and nothing passes for done that is not."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.runs import Job, JobCounts, Outcome, Status
from infrastructure.joblog import lines
from infrastructure.joblog.state import State, follow, read_state
from tests.unit.infrastructure.joblog.conftest import Opener, begun, titles


def keys(log_lines: Path, opened: Opener) -> list[str]:
    log = opened()
    pending = [job.key for job in log.pending()]
    log.close("interrupted")
    return pending


def test_a_torn_last_line_is_ended_and_the_next_record_survives(path: Path, opened: Opener) -> None:
    begun(opened, path)
    with path.open("ab") as file:
        file.write(b'{"kind":"completed","ts":"2026-01-01T00:00:00Z","run":"')
    log = opened()
    (third, *_) = log.pending()
    assert third.key == "tt0000003"
    log.record(Outcome(third, Status.COMPLETED))
    log.close("interrupted")
    assert keys(path, opened) == ["tt0000004", "tt0000005"]


def test_a_last_line_that_lacks_only_its_end_counts(path: Path, opened: Opener) -> None:
    begun(opened, path)
    run = json.loads(path.read_bytes().splitlines()[0])["run"]
    with path.open("ab") as file:
        file.write(lines.encode({"kind": "completed", "run": run, "seq": 4})[:-1])
    assert keys(path, opened) == ["tt0000003", "tt0000004"]


def test_nuls_after_a_power_cut_are_skipped(path: Path, opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    begun(opened, path)
    with path.open("ab") as file:
        file.write(bytes(5000))
    with caplog.at_level(logging.WARNING):
        assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]
        assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]
    assert "1 lines cannot be read" in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"null",
        b"[]",
        b"{}",
        b'"kind"',
        b"\xff\xfe\x00",
        b'{"kind":"completed"}',
        b'{"kind":null,"run":"%s","seq":0}',
        b'{"kind":"completed","run":null,"seq":0}',
        b'{"kind":"completed","run":"%s","seq":"0"}',
        b'{"kind":"completed","run":"%s","seq":0.0}',
        b'{"kind":"completed","run":"%s","seq":true}',
        b'{"kind":"completed","run":"%s","seq":null}',
        b'{"kind":"completed","run":"%s","seq":-1}',
        b'{"kind":"completed","run":"%s","seq":100000000}',
        b'{"kind":"completed","run":"%s","seq":1e400}',
        b'{"kind":"completed","run":"%s","seq":' + b"9" * 5000 + b"}",
        b'{"kind":"completed","run":"%s","seq":3,"more":' + b"[" * 100_000,
        b'{"kind":"failed","run":"%s","seq":0,"error":null,"retry":false}',
        b'{"kind":"failed","run":"%s","seq":0,"error":"X","retry":true}',
        b'{"kind":"failed","run":"%s","seq":0,"error":"X","retry":-1}',
        b'{"kind":"job","run":"%s","seq":5,"id":""}',
        b'{"kind":"job","run":"%s","seq":5,"id":null}',
        b'{"kind":"job","run":"%s","seq":5,"id":"tt0000009","rank":0}',
        b'{"kind":"resolved","run":"%s","total":-1}',
        b'{"kind":"finished","run":"%s"}',
    ],
)
def test_lines_that_are_none_of_ours_are_counted_and_skipped(path: Path, opened: Opener, garbage: bytes) -> None:
    begun(opened, path)
    run = json.loads(path.read_bytes().splitlines()[0])["run"].encode()
    with path.open("ab") as file:
        file.write(garbage.replace(b"%s", run) + b"\n")
    state, _ = read_state(path)
    assert state.unreadable == 1
    assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]


@pytest.mark.parametrize(
    "stray",
    [
        {"kind": "completed", "run": "another", "seq": 3},
        {"kind": "completed", "seq": 5},
        {"kind": "completed", "seq": 99_999_999},
        {"kind": "failed", "seq": 7, "error": "X", "retry": False},
        {"kind": "failed", "seq": 0, "error": "X", "retry": 1},
        {"kind": "cancelled", "seq": 7},
        {"kind": "job", "seq": 3, "id": "tt0000099"},
    ],
)
def test_lines_that_belong_to_nothing_change_nothing(path: Path, opened: Opener, stray: dict[str, object]) -> None:
    begun(opened, path)
    run = json.loads(path.read_bytes().splitlines()[0])["run"]
    with path.open("ab") as file:
        file.write(lines.encode({"run": run} | stray))
    state, _ = read_state(path)
    assert (state.unreadable, state.orphan_lines) == (0, 1)
    assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]


def test_windows_line_ends_and_a_byte_order_mark_are_read(path: Path, opened: Opener) -> None:
    begun(opened, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]
    state, _ = read_state(path)
    assert state.unreadable == 0


def test_without_its_end_the_list_is_read_again(path: Path, opened: Opener) -> None:
    begun(opened, path, completed=0)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in whole[:4] if b"resolved" not in line))
    log = opened()
    assert log.resumed
    assert not log.listed
    assert log.list(titles(4)) == 4
    assert [(job.seq, job.key) for job in log.pending()] == [(n, f"tt{n + 1:07}") for n in range(4)]


@pytest.mark.parametrize("lost", range(6))
def test_a_lost_line_of_the_list_is_found_by_listing_again(path: Path, opened: Opener, lost: int) -> None:
    begun(opened, path)
    whole = path.read_bytes().splitlines(keepends=True)
    whole[1 + lost] = b"#" * 40 + b"\n"  # the lines of five jobs, and the one that ends the list
    path.write_bytes(b"".join(whole))
    log = opened()
    assert log.resumed
    assert not log.listed
    log.list(titles(5))
    assert log.listed
    done_before = {"tt0000001", "tt0000002"} - {f"tt{lost + 1:07}"}
    assert {job.key for job in log.pending()} == {job.key for job in titles(5)} - done_before
    log.close("interrupted")
    assert set(keys(path, opened)) == {job.key for job in titles(5)} - done_before


def test_a_line_longer_than_memory_is_not_held(path: Path, opened: Opener) -> None:
    begun(opened, path)
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.truncate(file.tell() + (1 << 28))  # NULs that take no room on the disk
    held = 0
    with path.open("rb") as file:
        for piece in lines.pieces(file):
            held = max(held, piece.stop - piece.start)
    assert held < 1 << 22
    assert keys(path, opened) == ["tt0000003", "tt0000004", "tt0000005"]


damage = st.lists(
    st.tuples(
        st.integers(0, 10_000), st.sampled_from(["cut", "flip", "insert", "newline", "double"]), st.binary(max_size=4)
    ),
    max_size=4,
)


@given(damage=damage)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_survived_and_never_makes_a_job_done(
    damage: list[tuple[int, str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = {"run": "0123abcd"}
    written = [
        {"kind": "run", "ts": "t", "program": "filmledger", "version": "1", "format": 1, "work": "w", "subject": "s"},
        *({"kind": "job", "seq": seq, "id": f"tt{seq:07}"} for seq in range(20)),
        {"kind": "resolved", "total": 20},
        *({"kind": "completed", "seq": seq, "id": f"tt{seq:07}"} for seq in range(0, 20, 2)),
        *({"kind": "failed", "seq": seq, "error": "X", "retry": 1} for seq in range(1, 20, 2)),
    ]
    data = lines.encode(*({"kind": line["kind"]} | run | line for line in written))
    for place, how, extra in damage:
        place %= len(data)
        match how:
            case "cut":
                data = data[:place]
            case "flip":
                data = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
            case "insert":
                data = data[:place] + extra + data[place:]
            case "newline":
                data = data[:place] + b"\n" + data[place:]
            case _:
                data = data[:place] + data[place // 2 :]
        if not data:
            return
    path = tmp_path_factory.mktemp("damaged") / "joblog.jsonl"
    path.write_bytes(data)
    state = State()
    with path.open("rb") as file:
        end = follow(file, state)
    assert end == data.rfind(b"\n") + 1
    digits_changed = any(how in ("flip", "insert", "double") for _, how, _ in damage)
    if not digits_changed:
        assert all(seq % 2 == 0 for seq in state.done)
    assert state.counts.pending == len(state.listed) - len(state.done) >= 0
    assert set(state.done) <= set(state.listed)
    assert set(state.failed) <= set(state.done)
    assert not set(state.retrying) & set(state.done)


def test_a_damaged_log_cannot_invent_errors_without_end() -> None:
    state = State()
    run = lines.RunLine(run="r", ts="", program="", version="", format=1, work="scrape", subject="top250")
    jobs = [lines.JobLine(run="r", seq=seq, id=f"tt{seq:07}") for seq in range(2000)]
    failed = [lines.FailedLine(run="r", seq=seq, error=f"{seq:04}" * 1000, retry=False) for seq in range(2000)]
    state.feed(0, 1, [run, *jobs, *failed])
    assert state.reasons[0] == ("other", 1500)
    assert sum(count for _, count in state.reasons) == len(state.failed) == 2000
    assert max(len(error) for error, _ in state.reasons) == 100


@given(st.lists(st.sampled_from([b"a", b"\n", b"{}\n", b"bb\n", b"\r\n"]), max_size=60), st.integers(1, 9))
def test_pieces_hold_every_whole_line_once(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", size)
        read = list(lines.pieces(io.BytesIO(data)))
    stop = data.rfind(b"\n") + 1
    assert sum(piece.stop - piece.start for piece in read) == stop
    assert [piece.start for piece in read] == [0, *(piece.stop for piece in read)][: len(read)]
    nonblank = [line for line in data[:stop].split(b"\n") if line.strip()]
    assert sum(piece.unreadable for piece in read) == len(nonblank)


def test_counts_after_damage_are_those_of_the_jobs_that_can_be_read(path: Path, opened: Opener) -> None:
    begun(opened, path)
    log = opened()
    assert log.counts == JobCounts(5, 2, 0)
    assert next(log.pending()) == Job(2, "tt0000003", 3)
