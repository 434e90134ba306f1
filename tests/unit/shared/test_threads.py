"""Locks by key, and contexts that are entered in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from shared.threads import KeyedLocks, enter_in_background


def test_one_key_is_held_by_one_thread_at_a_time() -> None:
    locks, inside, most = KeyedLocks(), [0], [0]

    def work(_: int) -> None:
        with locks.hold("a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(16) as executor:
        list(executor.map(work, range(2000)))
    assert most == [1]


def test_other_keys_do_not_wait() -> None:
    locks, meeting = KeyedLocks(), threading.Barrier(50, timeout=10)

    def work(number: int) -> None:
        with locks.hold(str(number)):
            meeting.wait()

    with ThreadPoolExecutor(50) as executor:
        list(executor.map(work, range(50)))


def test_a_key_that_is_no_longer_used_takes_no_memory() -> None:
    locks = KeyedLocks()
    for number in range(100):
        with locks.hold(str(number)):
            pass
    assert not locks._locks


class Recorded:
    """A context that notes what happens to it, and may be told to wait or to fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_enter, self.stopped = threading.Event(), threading.Event()
        self.notes: list[str] = []
        self.error = error
        self.left_by: threading.Thread | None = None

    @contextmanager
    def manager(self) -> Iterator[str]:
        self.may_enter.wait(30)
        if self.stopped.is_set():
            raise InterruptedError("stopped while waiting")
        if self.error:
            raise self.error
        self.notes.append("entered")
        try:
            yield "it"
        except Exception as error:
            self.notes.append(f"saw {error}")
            raise
        finally:
            self.notes.append("left")
            self.left_by = threading.current_thread()

    def abandon(self) -> None:
        self.notes.append("abandoned")
        self.stopped.set()
        self.may_enter.set()


def test_the_block_goes_on_while_it_is_entered() -> None:
    context = Recorded()
    with enter_in_background(context.manager(), abandon=context.abandon) as it:
        assert context.notes == []  # it waits, and the block is already here
        context.may_enter.set()
        assert it() == it() == "it"
        assert context.notes == ["entered"]
    assert context.notes == ["entered", "left"]
    assert context.left_by is threading.current_thread()


def test_it_is_left_though_nobody_asked_for_it() -> None:
    context = Recorded()
    context.may_enter.set()
    with enter_in_background(context.manager(), abandon=context.abandon):
        pass
    assert context.notes == ["entered", "left"]


def test_what_entering_raises_is_raised_where_it_is_asked_for() -> None:
    context = Recorded(ValueError("wrong address"))
    context.may_enter.set()
    with (
        enter_in_background(context.manager(), abandon=context.abandon) as it,
        pytest.raises(ValueError, match="wrong address"),
    ):
        it()


def test_it_is_raised_at_the_end_if_nobody_asked() -> None:
    context = Recorded(ValueError("wrong address"))
    context.may_enter.set()
    with (
        pytest.raises(ValueError, match="wrong address"),
        enter_in_background(context.manager(), abandon=context.abandon),
    ):
        pass


def test_a_block_that_fails_first_does_not_wait_for_it() -> None:
    context = Recorded()
    with pytest.raises(KeyError, match="chart"), enter_in_background(context.manager(), abandon=context.abandon):
        raise KeyError("chart")
    assert context.notes == ["abandoned"]


def test_a_block_that_fails_later_is_seen_by_the_context() -> None:
    context = Recorded()
    context.may_enter.set()

    def failing_run() -> None:
        with enter_in_background(context.manager(), abandon=context.abandon) as it:
            it()
            raise KeyError("run")

    with pytest.raises(KeyError):
        failing_run()
    assert context.notes == ["entered", "abandoned", "saw 'run'", "left"]
