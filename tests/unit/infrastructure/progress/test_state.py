"""The state that progress displays draw from."""

from __future__ import annotations

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.state import ActiveJob, ProgressState
from tests.support.clock import ManualClock


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
