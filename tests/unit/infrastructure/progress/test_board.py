"""What there is to show of a run."""

from __future__ import annotations

from application.ports import Job, Outcome, Status
from infrastructure.progress.board import Board, Busy
from shared.clock import SystemClock


class HandClock(SystemClock):
    """Moved by hand."""

    def __init__(self) -> None:
        self.at = 50.0

    def monotonic(self) -> float:
        return self.at


def test_done_is_what_will_not_come_back() -> None:
    board = Board(HandClock())
    board.begin("Top 250", 4)
    board.done(Outcome(Job(0, "a"), Status.COMPLETED))
    board.done(Outcome(Job(1, "b"), Status.FAILED))
    board.done(Outcome(Job(2, "c"), Status.FAILED, retry=True))
    board.done(Outcome(Job(3, "d"), Status.CANCELLED))
    snapshot = board.snapshot()
    assert (snapshot.done, snapshot.failed, snapshot.retried, snapshot.total) == (2, 1, 1, 4)
    assert board.counts() == (2, 4)


def test_rate_and_time_left_are_those_of_late() -> None:
    clock = HandClock()
    board = Board(clock)
    board.begin("Top 250", 1000)
    for number in range(100):
        clock.at += 1
        board.done(Outcome(Job(number, "a"), Status.COMPLETED, size=1000))
    for number in range(100, 500):
        clock.at += 0.1
        board.done(Outcome(Job(number, "a"), Status.COMPLETED, size=1000))
    snapshot = board.snapshot()
    assert round(snapshot.rate, 6) == 10
    assert round(snapshot.byte_rate, 3) == 10_000
    assert snapshot.left is not None
    assert round(snapshot.left, 6) == 50
    clock.at += 20
    assert board.snapshot().rate < 6


def test_nobody_can_tell_before_anything_is_done_and_nothing_is_left_at_the_end() -> None:
    clock = HandClock()
    board = Board(clock)
    board.begin("Top 250", 1)
    clock.at += 5
    assert board.snapshot().left is None
    board.done(Outcome(Job(0, "a"), Status.COMPLETED))
    assert board.snapshot().left == 0


def test_workers_stand_there_as_long_as_they_are_busy_the_longest_first() -> None:
    clock = HandClock()
    board = Board(clock)
    board.begin("Top 250", 3)
    board.started(Job(0, "slow"))
    clock.at += 2
    board.started(Job(1, "quick"))
    board.phase(Job(0, "slow"), "fetch", 3)
    clock.at += 1
    assert board.snapshot().busy == (Busy("slow", "fetch", 3, 3.0), Busy("quick", "", 1, 1.0))
    board.done(Outcome(Job(0, "slow"), Status.FAILED, retry=True))
    assert [busy.key for busy in board.snapshot().busy] == ["quick"]


def test_a_new_run_begins_from_nothing() -> None:
    board = Board(HandClock())
    board.begin("one", 1)
    board.started(Job(0, "a"))
    board.done(Outcome(Job(1, "b"), Status.FAILED))
    board.begin("two", 7)
    snapshot = board.snapshot()
    assert (snapshot.label, snapshot.total, snapshot.done, snapshot.failed, snapshot.busy) == ("two", 7, 0, 0, ())
