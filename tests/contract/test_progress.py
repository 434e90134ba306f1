"""One suite for every progress display: it shows the counts of the run, whatever the order of the calls."""

from __future__ import annotations

import inspect
import io
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from application.ports.runs import Job, Outcome, Progress, Status
from infrastructure.progress.displays import FileProgress, GuardedProgress, NullProgress, PlainProgress
from infrastructure.progress.live import LiveProgress
from shared.clock import SystemClock
from tests.support.progress import RecordingProgress

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
METHODS = ("begin", "started", "phase", "done", "note", "end")


@dataclass
class Shown:
    """A display and all the text that a user has seen of it; ``None`` where the display shows nothing."""

    display: Progress
    text: Callable[[], str] | None

    def sees(self, *parts: str) -> None:
        if self.text is not None:
            seen = self.text()
            assert all(part in seen for part in parts), seen

    def sees_not(self, part: str) -> None:
        if self.text is not None:
            assert part not in self.text()


def live() -> Shown:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, height=24)
    return Shown(LiveProgress(console, SystemClock(), interval=0.005), lambda: CONTROL.sub("", written.getvalue()))


def plain() -> Shown:
    written = io.StringIO()
    return Shown(PlainProgress(written, SystemClock(), seconds=0), written.getvalue)


def files() -> Shown:
    lines: list[str] = []
    return Shown(FileProgress(lines.append), lambda: "\n".join(lines))


def guarded() -> Shown:
    inner = live()
    return Shown(GuardedProgress(inner.display), inner.text)


def recording() -> Shown:
    recorder = RecordingProgress()

    def text() -> str:
        counted = [outcome for outcome in recorder.outcomes if not outcome.retry]
        done = sum(outcome.status is not Status.CANCELLED for outcome in counted)
        return "\n".join([recorder.label, *recorder.notes, f"{done}/{recorder.total}"])

    return Shown(recorder, text)


def nothing() -> Shown:
    return Shown(NullProgress(), None)


WITH_RETRIES = [live, plain, guarded, recording, nothing]


@pytest.fixture(params=[*WITH_RETRIES, files])
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    made: Shown = request.param()
    yield made
    made.display.end()


def job(number: int, attempt: int = 1) -> Job:
    return Job(number, f"tt{number:07}", number + 1, attempt, label=f"Film {number}")


@pytest.mark.parametrize("method", METHODS)
def test_it_has_every_method_of_the_port_with_its_parameters(shown: Shown, method: str) -> None:
    expected = inspect.signature(getattr(Progress, method)).parameters
    actual = inspect.signature(getattr(shown.display, method)).parameters
    assert [(each.name, each.default) for each in actual.values()] == [
        (each.name, each.default) for each in list(expected.values())[1:]
    ]


def test_a_run_shows_its_label_its_notes_and_how_many_jobs_are_done(shown: Shown) -> None:
    shown.display.begin("Top 250", 4)
    shown.sees("Top 250")
    for number, status in enumerate([Status.COMPLETED, Status.FAILED, Status.CANCELLED]):
        shown.display.started(job(number))
        shown.display.phase(job(number), "fetch")
        shown.display.phase(job(number), "save", 2)
        shown.display.note(f"about {number}")
        shown.display.done(Outcome(job(number), status, size=100))
    shown.display.end()
    shown.sees("about 0", "about 1", "about 2", "2/4")
    shown.sees_not("3/4")


def test_nothing_is_shown_after_the_end_and_ending_twice_is_harmless(shown: Shown) -> None:
    shown.display.end()
    shown.display.begin("Top 250", 1)
    shown.display.done(Outcome(job(0), Status.COMPLETED))
    shown.display.end()
    shown.sees("1/1")
    before = shown.text() if shown.text else ""
    shown.display.end()
    assert (shown.text() if shown.text else "") == before
    assert "progress" not in [thread.name for thread in threading.enumerate()]


def test_an_empty_run_shows_its_label(shown: Shown) -> None:
    shown.display.begin("nothing", 0)
    shown.display.end()
    shown.sees("nothing")


def test_the_next_run_counts_from_zero(shown: Shown) -> None:
    for run in range(3):
        shown.display.begin(f"run {run}", 2)
        if isinstance(shown.display, RecordingProgress):
            shown.display.outcomes.clear()  # it records every run
        shown.display.done(Outcome(job(0), Status.COMPLETED))
        shown.display.end()
        shown.sees(f"run {run}", "1/2")
    shown.sees_not("2/2")


def test_more_jobs_than_announced_are_counted(shown: Shown) -> None:
    shown.display.begin("few", 1)
    shown.display.phase(job(7), "fetch")
    for number in range(5):
        shown.display.done(Outcome(job(number), Status.COMPLETED))
    shown.display.end()
    shown.sees("5/1")


@pytest.mark.parametrize("shown", WITH_RETRIES, indirect=True)  # a file is parsed once
def test_a_job_that_is_retried_is_done_once(shown: Shown) -> None:
    shown.display.begin("Top 250", 2)
    shown.display.started(job(0))
    shown.display.done(Outcome(job(0), Status.FAILED, retry=True))
    shown.display.started(job(0, attempt=2))
    shown.display.done(Outcome(job(0, attempt=2), Status.COMPLETED))
    shown.display.end()
    shown.sees("1/2")
    shown.sees_not("2/2")


@pytest.mark.parametrize("text", ["", "two\nlines", "[bold]no markup[/]", "\x1b[31mred", "🎬" * 100, "\udc80"])
def test_any_text_can_be_shown(shown: Shown, text: str) -> None:
    shown.display.begin(text, 1)
    shown.display.started(Job(0, text, label=text))
    shown.display.phase(Job(0, text, label=text), "fetch")
    shown.display.note(text.encode("utf-8", "replace").decode())
    shown.display.done(Outcome(Job(0, text), Status.FAILED, text, text))
    shown.display.end()
    shown.sees("1/1")
    if "markup" in text:
        shown.sees(text)


def test_workers_report_at_the_same_time(shown: Shown) -> None:
    shown.display.begin("Top 250", 400)
    together = threading.Barrier(9)
    errors: list[Exception] = []

    def work(numbers: range) -> None:
        together.wait()
        try:
            for number in numbers:
                shown.display.started(job(number))
                shown.display.phase(job(number), "fetch", 2)
        except Exception as error:  # noqa: BLE001 - reported by the main thread
            errors.append(error)

    workers = [threading.Thread(target=work, args=(range(start, 400, 8),)) for start in range(8)]
    for worker in workers:
        worker.start()
    together.wait()
    for number in range(400):
        shown.display.done(Outcome(job(number), Status.COMPLETED))
    for worker in workers:
        worker.join()
    shown.display.end()
    assert not errors
    shown.sees("400/400")
