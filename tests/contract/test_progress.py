"""One suite for every face: whatever happens, in whatever order, a run can be shown."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from application.ports import Job, Outcome, Progress, Status
from infrastructure.progress.guarded import GuardedProgress
from infrastructure.progress.live import LiveProgress
from infrastructure.progress.null import NullProgress
from infrastructure.progress.plain import PlainProgress
from shared.clock import SystemClock
from tests.support.progress import RecordingProgress


def live() -> Progress:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    return LiveProgress(console, SystemClock(), interval=0.005)


def plain() -> Progress:
    return PlainProgress(io.StringIO(), SystemClock(), seconds=0)


FACES: list[Callable[[], Progress]] = [NullProgress, plain, live, lambda: GuardedProgress(live()), RecordingProgress]


@pytest.fixture(params=FACES, ids=["null", "plain", "live", "guarded", "recording"])
def face(request: pytest.FixtureRequest) -> Iterator[Progress]:
    made: Progress = request.param()
    yield made
    made.end()


def job(number: int, attempt: int = 1) -> Job:
    return Job(number, f"tt{number:07}", None, attempt)


def test_a_run_from_begin_to_end(face: Progress) -> None:
    face.begin("Top 250", 3)
    for number, status in enumerate([Status.COMPLETED, Status.FAILED, Status.CANCELLED]):
        face.started(job(number))
        face.phase(job(number), "fetch")
        face.phase(job(number), "save", 2)
        face.note(f"about {number}")
        face.done(Outcome(job(number), status, size=100))
    face.end()


def test_an_empty_run(face: Progress) -> None:
    face.begin("nothing", 0)
    face.end()


def test_ending_what_never_began_and_ending_twice(face: Progress) -> None:
    face.end()
    face.begin("Top 250", 1)
    face.end()
    face.end()


def test_one_run_after_the_other(face: Progress) -> None:
    for _ in range(3):
        face.begin("again", 1)
        face.done(Outcome(job(0), Status.COMPLETED))
        face.end()


def test_jobs_that_were_never_announced_and_more_than_announced(face: Progress) -> None:
    face.begin("few", 1)
    face.phase(job(7), "fetch")
    for number in range(5):
        face.done(Outcome(job(number), Status.COMPLETED))
    face.end()


def test_a_job_that_is_tried_again(face: Progress) -> None:
    face.begin("Top 250", 1)
    face.started(job(0))
    face.done(Outcome(job(0), Status.FAILED, retry=True))
    face.started(job(0, attempt=2))
    face.done(Outcome(job(0, attempt=2), Status.COMPLETED))
    face.end()


@pytest.mark.parametrize("text", ["", "two\nlines", "[bold]no markup[/]", "\x1b[31mred", "🎬" * 100, "\udc80"])
def test_any_text_can_be_shown(face: Progress, text: str) -> None:
    face.begin(text, 1)
    face.started(Job(0, text))
    face.phase(Job(0, text), "fetch")
    face.note(text.encode("utf-8", "replace").decode())
    face.done(Outcome(Job(0, text), Status.FAILED, text, text))
    face.end()


def test_workers_report_at_the_same_time(face: Progress) -> None:
    face.begin("Top 250", 400)
    together = threading.Barrier(9)

    def work(numbers: range) -> None:
        together.wait()
        for number in numbers:
            face.started(job(number))
            face.phase(job(number), "fetch", 2)

    workers = [threading.Thread(target=work, args=(range(start, 400, 8),)) for start in range(8)]
    for worker in workers:
        worker.start()
    together.wait()
    for number in range(400):
        face.done(Outcome(job(number), Status.COMPLETED))
    for worker in workers:
        worker.join()
    face.end()
