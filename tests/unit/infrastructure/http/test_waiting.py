"""What counts as waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import Cancelled
from infrastructure.http.limit import HostRegistry, StallTimer, pause
from infrastructure.http.messages import Origin
from infrastructure.http.policies import ProbePolicy
from tests.support.clock import ManualClock


def test_a_pause_that_is_cancelled_says_so() -> None:
    cancel = threading.Event()
    pause(0, cancel)
    cancel.set()

    with pytest.raises(Cancelled):
        pause(600, cancel)


def test_waits_of_several_threads_count_once() -> None:
    clock = ManualClock()
    stall = StallTimer(clock)
    with stall.waiting():
        clock.seconds += 2
        with stall.waiting():
            clock.seconds += 3

    assert stall.seconds == 5


def test_time_in_which_pages_arrive_does_not_count() -> None:
    clock = ManualClock()
    stall = StallTimer(clock)
    with stall.waiting():
        for _ in range(10):
            clock.seconds += 1
            stall.arrived()
        clock.seconds += 0.5

    assert stall.seconds == 0.5


def test_time_without_a_waiting_thread_does_not_count() -> None:
    clock = ManualClock()
    stall = StallTimer(clock)
    clock.seconds += 100
    with stall.waiting():
        clock.seconds += 1

    assert stall.seconds == 1


def test_unrecognised_pages_count_in_a_row_over_all_threads() -> None:
    host = HostRegistry(None, ProbePolicy(), ManualClock()).host(Origin.of("http://site.test/"))

    with ThreadPoolExecutor(8) as executor:
        counts = sorted(executor.map(lambda _: host.page_unrecognised(), range(100)))
    assert counts == list(range(1, 101))
    host.page_recognised()
    assert host.page_unrecognised() == 1
