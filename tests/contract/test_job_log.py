"""One suite for every job log: the one on a file, and the one that other tests use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports.runs import Failure, Job, JobCounts, JobLog, Outcome, RunIdentity, Status
from infrastructure.joblog.file import JobLogFile
from shared.clock import SystemClock
from tests.support.joblog import MemoryJobLog

TITLES = [Job(0, "tt0000001", 1), Job(0, "tt0000002", 2), Job(0, "tt0000003", 3)]


class Logs(Protocol):
    """Opens the same log again and again, each time as a new process would."""

    def __call__(self) -> JobLog: ...


def on_file(folder: Path) -> Logs:
    identity = RunIdentity("scrape", "top250", "http://127.0.0.1")
    return lambda: JobLogFile(folder / "joblog.jsonl", identity, version="1", clock=SystemClock())


def in_memory(_folder: Path) -> Logs:
    held: list[MemoryJobLog] = []

    def reopen() -> JobLog:
        held.append(held[-1].reopened() if held else MemoryJobLog())
        return held[-1]

    return reopen


@pytest.fixture(params=[on_file, in_memory])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Logs:
    make: Callable[[Path], Logs] = request.param
    return make(tmp_path)


@pytest.fixture
def job_log(logs: Logs) -> Iterator[JobLog]:
    opened = logs()
    yield opened
    opened.close("finished")


def keys(job_log: JobLog) -> list[str]:
    return [job.key for job in job_log.pending()]


def test_a_new_log_has_nothing_and_says_so(job_log: JobLog) -> None:
    assert not job_log.resumed
    assert not job_log.listed
    assert job_log.counts == JobCounts(0, 0, 0)
    with pytest.raises(ValueError, match="list"):
        job_log.pending()


def test_jobs_come_back_in_order_and_numbered(job_log: JobLog) -> None:
    assert job_log.list(TITLES) == 3
    assert job_log.listed
    assert list(job_log.pending()) == [Job(0, "tt0000001", 1), Job(1, "tt0000002", 2), Job(2, "tt0000003", 3)]


def test_all_jobs_and_the_beginning_are_known_whatever_came_of_them_and_whoever_asks(logs: Logs) -> None:
    first = logs()
    first.list(TITLES)
    first.record(Outcome(next(first.pending()), Status.COMPLETED))
    begun = first.begun
    first.close("interrupted")
    second = logs()
    assert [(job.key, job.rank) for job in second.jobs()] == [(job.key, job.rank) for job in TITLES]
    assert second.begun == begun
    second.close("finished")


def test_empty_and_repeated_keys_are_left_out_and_leave_no_gap(job_log: JobLog) -> None:
    wanted = ["tt0000001", "", "tt0000001", "  ", "page.html", "page.html", "tt00000001"]
    assert job_log.list(Job(0, key) for key in wanted) == 3
    assert [(job.seq, job.key) for job in job_log.pending()] == [(0, "tt0000001"), (1, "page.html"), (2, "tt00000001")]


def test_labels_are_kept_for_the_next_process(logs: Logs) -> None:
    first = logs()
    first.list([Job(0, "tt0000001", 1, label="Half a \ud83c pair"), Job(0, "tt0000002", 2)])
    first.close("interrupted")
    second = logs()
    assert [job.label.replace("\ud83c", "?") for job in second.pending()] == ["Half a ? pair", ""]
    assert [job.label.replace("\ud83c", "?") for job in second.jobs()] == ["Half a ? pair", ""]
    second.close("finished")


def test_an_empty_list_is_a_list(job_log: JobLog) -> None:
    assert job_log.list([]) == 0
    assert job_log.listed
    assert keys(job_log) == []


def test_completed_and_failed_for_good_is_done(job_log: JobLog) -> None:
    job_log.list(TITLES)
    first, second, _ = job_log.pending()
    job_log.record(Outcome(first, Status.COMPLETED, "A film"))
    job_log.record(Outcome(second, Status.FAILED, "no such title", "NotFound"))
    assert keys(job_log) == ["tt0000003"]
    assert job_log.counts == JobCounts(3, 1, 1)
    assert job_log.counts.pending == 1
    assert list(job_log.failures()) == [Failure("tt0000002", "NotFound", "no such title")]


def test_a_failure_that_may_pass_stays_pending_with_its_tries(logs: Logs) -> None:
    job_log = logs()
    job_log.list(TITLES[:1])
    (job,) = job_log.pending()
    job_log.record(Outcome(job, Status.FAILED, "reset", "Transient", retry=True, requests=2))
    (again,) = job_log.pending()
    assert (again.attempt, again.spent) == (2, 2)
    job_log.record(Outcome(again, Status.FAILED, "reset", "Transient", retry=True, requests=3))
    job_log.close("interrupted")
    resumed = logs()
    (third,) = resumed.pending()
    assert resumed.resumed
    assert (third.attempt, third.spent) == (3, 5)
    resumed.close("interrupted")


def test_being_cut_off_costs_no_try_but_its_requests_count(job_log: JobLog) -> None:
    job_log.list(TITLES[:1])
    (job,) = job_log.pending()
    job_log.record(Outcome(job, Status.CANCELLED, requests=1))
    (again,) = job_log.pending()
    assert (again.attempt, again.spent) == (1, 1)
    assert job_log.counts == JobCounts(1, 0, 0)


@pytest.mark.parametrize("whose", ["blocked", "unavailable"])
def test_a_block_or_a_lost_store_costs_no_try(job_log: JobLog, whose: str) -> None:
    job_log.list(TITLES[:1])
    (job,) = job_log.pending()
    job_log.record(
        Outcome(job, Status.FAILED, retry=True, blocked=whose == "blocked", unavailable=whose == "unavailable")
    )
    (again,) = job_log.pending()
    assert again.attempt == 1


def test_the_next_process_goes_on_where_the_last_one_stopped(logs: Logs) -> None:
    job_log = logs()
    job_log.list(TITLES)
    job_log.record(Outcome(next(job_log.pending()), Status.COMPLETED))
    job_log.close("interrupted")
    resumed = logs()
    assert resumed.resumed
    assert resumed.listed
    assert keys(resumed) == ["tt0000002", "tt0000003"]
    resumed.close("interrupted")


def test_what_a_store_has_lost_is_pending_again(logs: Logs) -> None:
    first = logs()
    first.list(TITLES)
    for job in list(first.pending()):
        status = Status.FAILED if job.seq == 2 else Status.COMPLETED
        first.record(Outcome(job, status, reason="NotFound" if job.seq == 2 else "", requests=1))
    assert first.reopen({"tt0000002"}) == 1
    assert list(first.pending()) == [Job(0, "tt0000001", 1)]
    first.close("interrupted")
    second = logs()
    assert second.resumed
    assert second.counts == JobCounts(3, 1, 1)
    assert second.reopen({"tt0000002"}) == 0
    second.record(Outcome(next(second.pending()), Status.COMPLETED))
    assert second.counts == JobCounts(3, 2, 1)
    second.close("finished")


def test_a_title_that_moved_is_not_lost(logs: Logs) -> None:
    first = logs()
    first.list(TITLES)
    jobs = list(first.pending())
    first.record(Outcome(jobs[0], Status.COMPLETED, saved_as="tt0000009"))
    first.record(Outcome(jobs[1], Status.COMPLETED))
    first.close("interrupted")
    second = logs()
    assert second.reopen({"tt0000009", "tt0000002"}) == 0
    assert second.reopen({"tt0000001", "tt0000002"}) == 1
    assert [job.key for job in second.pending()] == ["tt0000001", "tt0000003"]
    second.close("interrupted")


def test_what_is_done_while_pending_is_read_does_not_come_up(job_log: JobLog) -> None:
    job_log.list(TITLES)
    all_three = [*job_log.pending()]
    reading = job_log.pending()
    next(reading)
    job_log.record(Outcome(all_three[1], Status.COMPLETED))
    assert [job.key for job in reading] == ["tt0000003"]


def test_a_log_that_was_closed_twice_is_resumed_with_all_its_jobs(logs: Logs) -> None:
    job_log = logs()
    job_log.list(TITLES)
    job_log.record(Outcome(next(job_log.pending()), Status.COMPLETED))
    job_log.close("interrupted")
    job_log.close("finished")
    resumed = logs()
    assert resumed.resumed
    assert resumed.counts == JobCounts(3, 1, 0)
    assert keys(resumed) == ["tt0000002", "tt0000003"]
    resumed.close("interrupted")


def test_a_log_whose_jobs_are_done_is_not_resumed(logs: Logs) -> None:
    job_log = logs()
    job_log.list(TITLES[:1])
    job_log.record(Outcome(next(job_log.pending()), Status.COMPLETED))
    job_log.close("finished")
    begun = job_log.begun
    following = logs()
    following.list(TITLES)
    assert (following.resumed, following.counts) == (False, JobCounts(3, 0, 0))
    assert following.begun >= begun
    following.close("interrupted")


def test_workers_say_at_the_same_time_that_they_begin(job_log: JobLog) -> None:
    job_log.list(Job(0, f"tt{number:07}") for number in range(1, 401))
    together = threading.Barrier(8)
    jobs = [*job_log.pending()]

    def begin(mine: list[Job]) -> None:
        together.wait()
        for job in mine:
            job_log.started(job)

    workers = [threading.Thread(target=begin, args=(jobs[number::8],)) for number in range(8)]
    for worker in workers:
        worker.start()
    for job in jobs:
        job_log.record(Outcome(job, Status.COMPLETED))
    for worker in workers:
        worker.join()
    assert job_log.counts == JobCounts(400, 400, 0)


steps = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["completed", "failed", "again", "cancelled", "reopen"])), max_size=25
)


@pytest.mark.parametrize("make", [on_file, in_memory])
@given(steps=steps)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_happens_in_whatever_order(
    make: Callable[[Path], Logs], steps: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = make(tmp_path_factory.mktemp("log"))
    job_log = logs()
    job_log.list(Job(0, f"tt{number:07}") for number in range(6))
    state = dict.fromkeys(range(6), ("pending", 1, 0))
    for seq, step in steps:
        what, attempt, spent = state[seq]
        if all(held[0] != "pending" for held in state.values()):
            break  # the run is over; opening it again would begin another
        if step == "reopen":
            job_log.close("interrupted")
            job_log = logs()
            assert job_log.resumed
        elif what == "pending":
            job = Job(seq, f"tt{seq:07}", None, attempt, spent)
            match step:
                case "completed":
                    job_log.record(Outcome(job, Status.COMPLETED, requests=1))
                    state[seq] = ("completed", attempt, spent)
                case "failed":
                    job_log.record(Outcome(job, Status.FAILED, reason="NotFound", requests=1))
                    state[seq] = ("failed", attempt, spent)
                case "again":
                    job_log.record(Outcome(job, Status.FAILED, reason="Transient", retry=True, requests=2))
                    state[seq] = ("pending", attempt + 1, spent + 2)
                case _:
                    job_log.record(Outcome(job, Status.CANCELLED, requests=1))
                    state[seq] = ("pending", attempt, spent + 1)
    held = [what for what, _, _ in state.values()]
    assert job_log.counts == JobCounts(6, held.count("completed"), held.count("failed"))
    assert list(job_log.pending()) == [
        Job(seq, f"tt{seq:07}", None, attempt, spent)
        for seq, (what, attempt, spent) in state.items()
        if what == "pending"
    ]
    assert {failure.key for failure in job_log.failures()} == {
        f"tt{seq:07}" for seq, (what, _, _) in state.items() if what == "failed"
    }
    job_log.close("interrupted")
