"""The summary of a run."""

from __future__ import annotations

import json

from application.ports import Failure, Job, JobCounts, Outcome, Status
from application.summary import LISTED_FAILURES, Totals
from tests.support.clock import ManualClock

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
