"""The state of a run, lines when the output is not a terminal, and a display that fails: logged once, no harm."""

from __future__ import annotations

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.displays import ActiveJob, GuardedProgress, PlainProgress, ProgressState
from shared.logs import SCREEN, LogOptions, configure
from shared.secret import Secret, register
from tests.support.clock import ManualClock
from tests.support.progress import BrokenProgress, RecordingProgress

# --- state ---------------------------------------------------------------------------


def test_only_jobs_that_are_not_pending_count_as_done() -> None:
    state = ProgressState(ManualClock(50.0))
    state.begin("Top 250", 4)
    state.done(Outcome(Job(0, "a"), Status.COMPLETED))
    state.done(Outcome(Job(1, "b"), Status.FAILED))
    state.done(Outcome(Job(2, "c"), Status.FAILED, retry=True))
    state.done(Outcome(Job(3, "d"), Status.CANCELLED))
    snapshot = state.snapshot()
    assert (snapshot.done, snapshot.failed, snapshot.retried, snapshot.total) == (2, 1, 1, 4)
    assert state.counts() == (2, 4)


def test_rate_and_time_left_cover_the_last_20_seconds() -> None:
    clock = ManualClock(50.0)
    state = ProgressState(clock)
    state.begin("Top 250", 1000)
    for number in range(100):
        clock.seconds += 1
        state.done(Outcome(Job(number, "a"), Status.COMPLETED, size=1000))
    for number in range(100, 500):
        clock.seconds += 0.1
        state.done(Outcome(Job(number, "a"), Status.COMPLETED, size=1000))
    snapshot = state.snapshot()
    assert round(snapshot.rate, 6) == 10
    assert round(snapshot.byte_rate, 3) == 10_000
    assert snapshot.left is not None
    assert round(snapshot.left, 6) == 50
    clock.seconds += 20
    assert state.snapshot().rate < 6


def test_time_left_is_unknown_at_first_and_zero_at_the_end() -> None:
    clock = ManualClock(50.0)
    state = ProgressState(clock)
    state.begin("Top 250", 1)
    clock.seconds += 5
    assert state.snapshot().left is None
    state.done(Outcome(Job(0, "a"), Status.COMPLETED))
    assert state.snapshot().left == 0


def test_active_jobs_are_listed_longest_running_first_until_they_end() -> None:
    clock = ManualClock(50.0)
    state = ProgressState(clock)
    state.begin("Top 250", 3)
    state.started(Job(0, "slow"))
    clock.seconds += 2
    state.started(Job(1, "quick"))
    state.phase(Job(0, "slow"), "fetch", 3)
    clock.seconds += 1
    assert state.snapshot().active == (
        ActiveJob(Job(0, "slow"), "fetch", 3, 3.0),
        ActiveJob(Job(1, "quick"), "", 1, 1.0),
    )
    state.done(Outcome(Job(0, "slow"), Status.FAILED, retry=True))
    assert [active.job.key for active in state.snapshot().active] == ["quick"]


def test_a_new_run_resets_all_counts() -> None:
    state = ProgressState(ManualClock(50.0))
    state.begin("one", 1)
    state.started(Job(0, "a"))
    state.done(Outcome(Job(1, "b"), Status.FAILED))
    state.begin("two", 7)
    snapshot = state.snapshot()
    assert (snapshot.label, snapshot.total, snapshot.done, snapshot.failed, snapshot.active) == ("two", 7, 0, 0, ())


# --- lines ---------------------------------------------------------------------------


def run(jobs: int, *, clock: ManualClock, seconds_each: float, failing: int = -1) -> list[str]:
    stream = io.StringIO()
    display = PlainProgress(stream, clock, seconds=10)
    display.begin("Top 250", jobs)
    for number in range(jobs):
        clock.seconds += seconds_each
        status = Status.FAILED if number == failing else Status.COMPLETED
        display.done(Outcome(Job(number, "a"), status, size=1_000_000))
    display.end()
    return stream.getvalue().splitlines()


def test_a_run_of_some_seconds_shows_a_line_per_ten_percent() -> None:
    lines = run(100, clock=ManualClock(), seconds_each=0.11, failing=3)
    assert lines[0] == "Top 250: 100 to do"
    assert [line[:6] for line in lines[1:]] == [f"[{percent:3}%]" for percent in range(10, 101, 10)]
    assert lines[-1].startswith("[100%] 100/100, ")
    assert ", 1 failed" in lines[-1]


def test_a_run_of_less_than_a_second_shows_its_end_only() -> None:
    lines = run(100, clock=ManualClock(), seconds_each=0.001)
    assert [line[:6] for line in lines] == ["Top 25", "[100%]"]


def test_a_long_run_shows_a_line_every_few_seconds() -> None:
    lines = run(10_000, clock=ManualClock(), seconds_each=0.05)
    assert 50 <= len(lines) <= 65
    assert lines[-1].startswith("[100%] 10000/10000")


def test_a_line_tells_rate_size_failures_and_time_left() -> None:
    lines = run(100, clock=ManualClock(), seconds_each=1)
    assert "[ 50%] 50/100, 1.0/s, 1.0 MB/s, 0:50 left" in lines


def test_an_interrupted_run_says_at_its_end_how_far_it_came() -> None:
    stream = io.StringIO()
    clock = ManualClock()
    display = PlainProgress(stream, clock)
    display.begin("Top 250", 100)
    clock.seconds += 1
    display.done(Outcome(Job(0, "a"), Status.COMPLETED))
    display.done(Outcome(Job(1, "a"), Status.FAILED, retry=True))
    display.end()
    display.end()
    _begin, last = stream.getvalue().splitlines()
    assert last.startswith("[  1%] 1/100")
    assert "1.0/s" in last
    assert "1 retried" in last
    assert "left" not in last


def test_a_note_in_the_middle_of_a_line_waits_for_its_end() -> None:
    class Interrupted(io.StringIO):
        """Has a signal handler run while it writes, as the real stream may."""

        def write(self, text: str) -> int:
            if text.startswith("first"):
                display.note("from the handler")
            return super().write(text)

    stream = Interrupted()
    display = PlainProgress(stream, ManualClock())
    display.note("first")
    assert stream.getvalue() == "first\nfrom the handler\n"


def test_notes_of_many_threads_stay_whole() -> None:
    stream = io.StringIO()
    display = PlainProgress(stream, ManualClock())
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda number: display.note(f"note {number} " * 20), range(400)))
    lines = stream.getvalue().splitlines()
    assert sorted(lines) == sorted(f"note {number} " * 20 for number in range(400))


# --- guard ---------------------------------------------------------------------------

JOB = Job(0, "tt0000001")


@pytest.mark.parametrize("breaks_at", ["begin", "started", "phase", "done", "note", "end"])
def test_the_run_continues_without_the_display(breaks_at: str, caplog: pytest.LogCaptureFixture) -> None:
    broken = BrokenProgress(breaks_at)
    display = GuardedProgress(broken)
    for _ in range(3):
        display.begin("Top 250", 1)
        display.started(JOB)
        display.phase(JOB, "fetch")
        display.note("a line")
        display.done(Outcome(JOB, Status.COMPLETED))
        display.end()
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "the terminal has gone" in told[0].getMessage()
    assert broken.calls <= 7


def test_what_the_screen_shows_is_logged_and_safe(caplog: pytest.LogCaptureFixture) -> None:
    register(Secret("hunter2hunter2"))
    shown = RecordingProgress()
    display = GuardedProgress(shown)
    with caplog.at_level(logging.INFO, SCREEN):
        display.begin("Top 250", 250)
        display.note("via http://me:pw@proxy/ with hunter2hunter2 \x1b[31m")
    safe = "via http://***@proxy/ with *** \\x1b[31m"
    assert shown.notes == [safe]
    assert [record.getMessage() for record in caplog.records] == ["Top 250: 250 to do", safe]
    assert {record.name for record in caplog.records} == {SCREEN}


def test_it_is_a_warning_also_in_the_log_file(tmp_path: Path) -> None:
    logs = configure(LogOptions(quiet=True, file=tmp_path / "log"))
    GuardedProgress(BrokenProgress("done")).done(Outcome(JOB, Status.COMPLETED))
    logs.close()
    assert "progress display failed" in (tmp_path / "log").read_text()
