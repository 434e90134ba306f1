"""The engine: every job once, failures again after a growing wait, an end that leaves the rest pending; totals."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.runs import Failure, Job, JobCounts, Outcome, Status
from application.run_jobs import LISTED_FAILURES, RetryRule, RunContext, RunResult, StopReason, Totals
from domain.errors import Blocked, Cancelled, NotFound, StoreUnavailable, Transient
from infrastructure.executors import job_executor
from tests.support.clock import ManualClock, SkippingEvent
from tests.support.joblog import MemoryJobLog
from tests.support.progress import RecordingProgress

# --- all jobs -------------------------------------------------------------------

RULE = RetryRule(retries=3, max_requests=6, delay=2.0, max_delay=5.0)


class Run:
    """A run over a list in memory, with time that passes at once."""

    def __init__(self, count: int, *, threads: int = 1, rule: RetryRule = RULE) -> None:
        self.clock = ManualClock()
        self.cancel = SkippingEvent(self.clock)
        self.job_log = MemoryJobLog()
        self.job_log.list(Job(seq, f"tt{seq:07}") for seq in range(count))
        self.progress = RecordingProgress()
        self.threads = threads
        self.rule = rule

    def of(self, work: Callable[[Job], Outcome]) -> RunResult:
        context = RunContext(
            executor=job_executor(self.threads),
            workers=self.threads,
            job_log=self.job_log,
            progress=self.progress,
            rule=self.rule,
            clock=self.clock,
            cancel=self.cancel,
        )
        return context.execute("titles", work)


def _done(job: Job) -> Outcome:
    return Outcome(job, Status.COMPLETED, requests=1)


def _fails(error: Exception) -> Callable[[Job], Outcome]:
    def work(job: Job) -> Outcome:
        raise error

    return work


@pytest.mark.parametrize("threads", [1, 7])
def test_every_job_is_done_and_written_down_once(threads: int) -> None:
    run = Run(100, threads=threads)
    ended = run.of(_done)
    assert (ended.stop_reason, ended.summary.fetched, ended.summary.requests) == (StopReason.FINISHED, 100, 100)
    assert run.job_log.completed == set(range(100))
    assert sorted(run.job_log.taken) == list(range(100))
    assert len(run.progress.outcomes) == 100


def test_a_failure_that_may_pass_is_tried_again_after_growing_waits() -> None:
    run = Run(1)
    tries: list[tuple[int, int]] = []

    def work(job: Job) -> Outcome:
        tries.append((job.attempt, job.spent))
        if job.attempt < 4:
            error = Transient("reset")
            error.requests = 1
            raise error
        return _done(job)

    assert run.of(work).summary.fetched == 1
    assert tries == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert run.cancel.waits == [2.0, 4.0, 5.0]


def test_a_job_is_given_up_when_its_tries_are_used_up() -> None:
    run = Run(1)
    ended = run.of(_fails(Transient("reset")))
    assert len(run.job_log.taken) == 1 + RULE.retries
    assert [(failure.reason, failure.detail) for failure in run.job_log.failures()] == [("Transient", "reset")]
    assert ended.summary.failed == 1


def test_a_job_never_costs_more_requests_than_allowed() -> None:
    run = Run(1)

    def work(job: Job) -> Outcome:
        error = Transient("reset")
        error.requests = 4
        raise error

    run.of(work)
    assert len(run.job_log.taken) == 2  # 4 requests, then the 2 that are left; the source is told so


def test_what_cannot_pass_is_not_tried_again() -> None:
    run = Run(3)
    assert run.of(_fails(NotFound("gone"))).summary.failed == 3
    assert len(run.job_log.taken) == 3


def test_an_unexpected_error_is_an_outcome_with_its_traceback_logged(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(2)

    def work(job: Job) -> Outcome:
        if job.seq == 0:
            raise ZeroDivisionError("a bug")
        return _done(job)

    ended = run.of(work)
    assert (ended.summary.fetched, ended.summary.failed) == (1, 1)
    assert [failure.reason for failure in run.job_log.failures()] == ["ZeroDivisionError"]
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("error", "ending"),
    [(Blocked("challenge"), StopReason.BLOCKED), (StoreUnavailable("csv", "disk full"), StopReason.STORE)],
)
def test_a_block_and_a_lost_store_end_the_run_and_leave_the_rest_pending(error: Exception, ending: StopReason) -> None:
    run = Run(50)

    def work(job: Job) -> Outcome:
        if job.seq == 10:
            raise error
        return _done(job)

    ended = run.of(work)
    assert ended.stop_reason is ending
    assert str(error) in ended.message
    assert [job.seq for job in run.job_log.pending()] == list(range(10, 50))
    assert list(run.job_log.failures()) == []


def test_a_stopped_run_leaves_the_rest_pending_and_costs_no_retry() -> None:
    run = Run(50)

    def work(job: Job) -> Outcome:
        if job.seq == 5:
            run.cancel.set()
            raise Cancelled("stopped")
        return _done(job)

    ended = run.of(work)
    assert (ended.stop_reason, ended.summary.fetched, ended.summary.cancelled) == (StopReason.INTERRUPTED, 5, 1)
    assert [job.seq for job in run.job_log.pending()] == list(range(5, 50))
    assert next(run.job_log.pending()).attempt == 1


def test_a_retry_that_waits_does_not_hold_up_the_others() -> None:
    run = Run(20)
    order: list[int] = []

    def work(job: Job) -> Outcome:
        order.append(job.seq)
        if job.seq == 0 and job.attempt == 1:
            raise Transient("reset")
        return _done(job)

    run.of(work)
    assert order == [*range(20), 0]


@given(
    failures=st.dictionaries(st.integers(0, 29), st.integers(1, 6), max_size=30),
    threads=st.sampled_from([1, 2, 8]),
)
def test_whatever_fails_every_job_ends_exactly_once(failures: dict[int, int], threads: int) -> None:
    run = Run(30, threads=threads)
    lock, tried = threading.Lock(), Counter[int]()

    def work(job: Job) -> Outcome:
        with lock:
            tried[job.seq] += 1
        if job.attempt <= failures.get(job.seq, 0):
            raise Transient("reset")
        return _done(job)

    run.of(work)
    lost = {seq for seq, times in failures.items() if times > RULE.retries}
    assert run.job_log.completed == set(range(30)) - lost
    assert {failure.key for failure in run.job_log.failures()} == {f"tt{seq:07}" for seq in lost}
    assert all(tried[seq] == min(failures.get(seq, 0), RULE.retries) + 1 for seq in range(30))


# --- totals of the outcomes -----------------------------------------------------

COUNTS = JobCounts(10, 6, 1)


def job(number: int) -> Job:
    return Job(number, f"tt{number:07}")


def test_everything_is_added_up() -> None:
    clock = ManualClock(100.0)
    totals = Totals(clock, workers=4)
    totals.add(Outcome(job(1), Status.COMPLETED, size=1000, requests=1, milliseconds=6000))
    totals.add(Outcome(job(2), Status.COMPLETED, size=500, requests=2, milliseconds=2000, missing=("votes",)))
    totals.add(Outcome(job(3), Status.FAILED, "gone", "NotFound", requests=1, milliseconds=500))
    totals.add(Outcome(job(4), Status.CANCELLED, requests=1, milliseconds=1500))
    totals.add(Outcome(job(5), Status.COMPLETED, fresh=True))
    clock.seconds += 5
    summary = totals.summary(COUNTS)
    assert (summary.fetched, summary.fresh, summary.incomplete, summary.failed, summary.cancelled) == (2, 1, 1, 1, 1)
    assert (summary.saved, summary.pending) == (6, 3)
    assert (summary.requests, summary.size, summary.elapsed, summary.busy) == (5, 1500, 5.0, 10.0)
    assert summary.rate == 0.4
    assert summary.utilisation == 0.5
    assert summary.failures == (Failure("tt0000003", "NotFound", "gone"),)


def test_a_job_that_is_tried_again_counts_once_it_is_over() -> None:
    totals = Totals(ManualClock(100.0), workers=1)
    totals.add(Outcome(job(1), Status.FAILED, "reset", "Transient", retry=True, requests=1))
    totals.add(Outcome(job(1), Status.FAILED, "reset", "Transient", retry=True, requests=1))
    totals.add(Outcome(job(1), Status.COMPLETED, requests=1))
    summary = totals.summary(COUNTS)
    assert (summary.fetched, summary.failed, summary.retried, summary.requests) == (1, 0, 2, 3)
    assert summary.reasons == ()


def test_failures_are_counted_by_reason_and_listed_up_to_a_bound() -> None:
    totals = Totals(ManualClock(100.0), workers=1)
    for number in range(LISTED_FAILURES + 50):
        totals.add(Outcome(job(number), Status.FAILED, "gone", "NotFound" if number % 3 else "Disallowed"))
    summary = totals.summary(COUNTS)
    assert summary.failed == LISTED_FAILURES + 50
    assert summary.reasons == (("NotFound", 100), ("Disallowed", 50))
    assert len(summary.failures) == LISTED_FAILURES


def test_nothing_done_in_no_time_divides_by_nothing() -> None:
    summary = Totals(ManualClock(100.0), workers=0).summary(COUNTS)
    assert (summary.rate, summary.utilisation) == (0.0, 0.0)


def test_it_is_json() -> None:
    clock = ManualClock(100.0)
    totals = Totals(clock, workers=2)
    totals.add(Outcome(job(3), Status.FAILED, "gone", "NotFound", requests=1, milliseconds=500))
    clock.seconds += 1
    told = json.loads(json.dumps(totals.summary(COUNTS).as_dict()))
    assert told["failed_by_reason"] == {"NotFound": 1}
    assert told["failures"] == [{"id": "tt0000003", "reason": "NotFound", "detail": "gone"}]
    assert (told["saved"], told["pending"]) == (6, 3)
    assert told["utilisation"] == 0.25
