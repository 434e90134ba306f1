"""What counts as waiting."""

from __future__ import annotations

import threading

import pytest

from domain.errors import Cancelled
from infrastructure.http.recognition import Recognition
from infrastructure.http.scope import Origin, Scope
from infrastructure.http.waiting import Standstill, pause
from tests.support.clock import StandingClock

SITE = Scope(Origin.of("http://site.test/"), "GET")


def test_a_pause_that_is_cancelled_says_so() -> None:
    cancel = threading.Event()
    pause(0, cancel)
    cancel.set()

    with pytest.raises(Cancelled):
        pause(600, cancel)


def test_waits_of_several_threads_count_once() -> None:
    clock = StandingClock()
    standstill = Standstill(clock)
    with standstill.waiting():
        clock.seconds += 2
        with standstill.waiting():
            clock.seconds += 3

    assert standstill.seconds == 5


def test_time_in_which_pages_arrive_does_not_count() -> None:
    clock = StandingClock()
    standstill = Standstill(clock)
    with standstill.waiting():
        for _ in range(10):
            clock.seconds += 1
            standstill.arrived()
        clock.seconds += 0.5

    assert standstill.seconds == 0.5


def test_time_in_which_nobody_waits_does_not_count() -> None:
    clock = StandingClock()
    standstill = Standstill(clock)
    clock.seconds += 100
    with standstill.waiting():
        clock.seconds += 1

    assert standstill.seconds == 1


def test_unrecognised_pages_count_in_a_row_over_all_threads() -> None:
    recognition = Recognition()
    counts = []

    def read() -> None:
        recognition.fetched(SITE)
        counts.append(recognition.unrecognised(SITE))

    for _ in range(4):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    recognition.fetched(SITE)
    recognition.fetched(SITE)  # nobody complained of the page before
    counts.append(recognition.unrecognised(SITE))

    assert counts == [1, 2, 3, 4, 1]
