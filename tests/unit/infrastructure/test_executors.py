from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from application.ports.runs import Job, JobExecutor, Outcome, Status
from infrastructure.executors import SerialExecutor, ThreadedExecutor, job_executor


def _jobs(count: int) -> Iterator[Job]:
    return (Job(seq, f"tt{seq:07}") for seq in range(count))


@pytest.mark.parametrize("threads", [1, 2, 50])
def test_every_job_is_done_once(threads: int) -> None:
    outcomes = job_executor(threads).execute(_jobs(200), lambda job: Outcome(job, Status.COMPLETED), threading.Event())
    assert sorted(outcome.job.seq for outcome in outcomes) == list(range(200))


def test_one_thread_needs_no_executor() -> None:
    here = threading.get_ident()
    seen = set()

    def work(job: Job) -> Outcome:
        seen.add(threading.get_ident())
        return Outcome(job, Status.COMPLETED)

    serial = job_executor(1)
    assert isinstance(serial, SerialExecutor)
    assert len(list(serial.execute(_jobs(3), work, threading.Event()))) == 3
    assert seen == {here}


def test_as_many_as_asked_run_at_once_and_no_job_is_taken_ahead() -> None:
    meeting = threading.Barrier(5, timeout=10)
    taken = 0

    def jobs() -> Iterator[Job]:
        nonlocal taken
        for job in _jobs(10):
            taken += 1
            yield job

    def work(job: Job) -> Outcome:
        meeting.wait()  # broken unless five are under way together
        return Outcome(job, Status.COMPLETED)

    done = 0
    for _ in ThreadedExecutor(5).execute(jobs(), work, threading.Event()):
        done += 1
        assert taken <= done + 5 + 4  # those in flight, and those that ended in the same moment
    assert done == 10


@pytest.mark.parametrize("make", [SerialExecutor, lambda: ThreadedExecutor(3)])
def test_once_cancelled_no_new_job_is_taken_and_those_in_flight_answer(make: type[SerialExecutor]) -> None:
    cancel = threading.Event()
    crawl: JobExecutor = make()

    def work(job: Job) -> Outcome:
        cancel.set()
        return Outcome(job, Status.COMPLETED)

    assert 1 <= len(list(crawl.execute(_jobs(100), work, cancel))) <= 3


def test_none_means_ask_again_when_one_is_done() -> None:
    answers: list[Job | None] = [Job(0, "tt0000000"), None, Job(1, "tt0000001"), None]

    def jobs() -> Iterator[Job | None]:
        yield from answers

    outcomes = ThreadedExecutor(4).execute(jobs(), lambda job: Outcome(job, Status.COMPLETED), threading.Event())
    assert [outcome.job.seq for outcome in outcomes] == [0, 1]
