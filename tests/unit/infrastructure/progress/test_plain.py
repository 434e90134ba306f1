"""Lines when the output is not a terminal."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.displays import PlainProgress
from tests.support.clock import ManualClock


def run(jobs: int, *, clock: ManualClock, seconds_each: float, failing: int = -1) -> list[str]:
    stream = io.StringIO()
    display = PlainProgress(stream, clock, seconds=10, step=10)
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
