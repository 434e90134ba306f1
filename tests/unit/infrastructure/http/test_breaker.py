"""What happens when a site refuses every route: pause, probe, give up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Blocked, Cancelled
from infrastructure.http.breaker import Breaker, Pass, ProbePlan
from shared.clock import SystemClock
from tests.support.clock import SkippingEvent, StandingClock


@given(st.floats(0.001, 86_400))
def test_probes_double_their_intervals_and_end_with_the_wait(max_wait: float) -> None:
    offsets = ProbePlan(max_wait).offsets

    intervals = [later - earlier for earlier, later in zip((0.0, *offsets), offsets, strict=False)]
    assert offsets[-1] == pytest.approx(max_wait)
    assert len(offsets) >= 5
    assert intervals[0] <= 60
    assert all(later == pytest.approx(2 * earlier) for earlier, later in pairwise(intervals))


def test_by_default_the_first_probe_comes_after_ten_seconds() -> None:
    assert [round(offset) for offset in ProbePlan(300).offsets] == [10, 29, 68, 145, 300]


def tripped(max_wait: float = 300.0) -> tuple[Breaker, StandingClock, SkippingEvent]:
    clock = StandingClock()
    clock.seconds = 1000.0
    breaker = Breaker("site.test", ProbePlan(max_wait), clock)
    breaker.trip("a challenge")
    return breaker, clock, SkippingEvent(clock)


def test_a_closed_breaker_lets_everything_pass() -> None:
    breaker = Breaker("site.test", ProbePlan(), StandingClock())

    assert breaker.enter(threading.Event(), able=True, patient=False) is Pass.GO


def test_it_probes_when_it_said_and_gives_up_with_advice() -> None:
    breaker, clock, cancel = tripped()
    probed_at = []

    def ask() -> None:
        while breaker.enter(cancel, able=True, patient=True) is Pass.PROBE:
            probed_at.append(round(clock.seconds - 1000))
            breaker.probed(opened=False)

    with pytest.raises(Blocked) as raised:
        ask()

    assert probed_at == [10, 29, 68, 145, 300]
    said = str(raised.value)
    assert said.startswith(
        "site.test blocks this program after 300 s of waiting and 5 probes: a challenge; wait some hours"
    )
    assert all(word in said for word in ("wait", "PROXIES", "DETAIL_SOURCE", "saved"))
    with pytest.raises(Blocked):
        breaker.enter(cancel, able=True, patient=True)


def test_a_good_probe_opens_the_way() -> None:
    breaker, _, cancel = tripped()
    assert breaker.enter(cancel, able=True, patient=True) is Pass.PROBE
    breaker.probed(opened=True)

    assert breaker.enter(cancel, able=True, patient=True) is Pass.GO


def test_no_wait_means_no_probe() -> None:
    breaker, clock, cancel = tripped(max_wait=0)

    with pytest.raises(Blocked):
        breaker.enter(cancel, able=True, patient=True)
    assert clock.seconds == 1000.0


def test_who_is_not_patient_is_told_at_once() -> None:
    breaker, clock, cancel = tripped()

    with pytest.raises(Blocked, match="a challenge"):
        breaker.enter(cancel, able=True, patient=False)
    assert clock.seconds == 1000.0


def test_without_anybody_who_could_probe_it_gives_up_soon() -> None:
    breaker, clock, cancel = tripped()

    with pytest.raises(Blocked):
        breaker.enter(cancel, able=False, patient=True)
    assert clock.seconds < 1003


def test_a_relapse_goes_on_where_it_stopped() -> None:
    breaker, clock, cancel = tripped()
    for _ in range(2):
        breaker.enter(cancel, able=True, patient=True)
        breaker.probed(opened=False)
    breaker.enter(cancel, able=True, patient=True)
    breaker.probed(opened=True)
    clock.seconds += 1
    breaker.trip("a challenge again")

    assert breaker.enter(cancel, able=True, patient=True) is Pass.PROBE
    assert round(clock.seconds - 1000) == 145  # not ten seconds after the relapse


def test_after_some_pages_a_block_is_a_new_one() -> None:
    breaker, clock, cancel = tripped()
    breaker.enter(cancel, able=True, patient=True)
    breaker.probed(opened=True)
    for _ in range(10):
        breaker.answered()
    again_at = clock.seconds
    breaker.trip("a challenge again")

    assert breaker.enter(cancel, able=True, patient=True) is Pass.PROBE
    assert round(clock.seconds - again_at) == 10


def test_long_after_giving_up_it_begins_anew_with_a_probe() -> None:
    breaker, clock, cancel = tripped(max_wait=0)
    with pytest.raises(Blocked):
        breaker.enter(cancel, able=True, patient=True)
    clock.seconds += 61

    assert breaker.enter(cancel, able=True, patient=True) is Pass.PROBE


def test_of_many_threads_one_probes_and_all_go_on() -> None:
    breaker = Breaker("site.test", ProbePlan(3.1), SystemClock())
    breaker.trip("a challenge")
    cancel = threading.Event()
    probing: list[int] = []
    most: list[int] = []

    def enter(number: int) -> Pass:
        granted = breaker.enter(cancel, able=True, patient=True)
        if granted is Pass.PROBE:
            probing.append(number)
            most.append(len(probing))
            probing.remove(number)
            breaker.probed(opened=True)
        return granted

    with ThreadPoolExecutor(30) as executor:
        granted = list(executor.map(enter, range(30)))

    assert granted.count(Pass.PROBE) == 1
    assert granted.count(Pass.GO) == 29
    assert most == [1]


def test_waiting_ends_at_once_when_cancelled() -> None:
    breaker = Breaker("site.test", ProbePlan(86_400), SystemClock())
    breaker.trip("a challenge")
    cancel = threading.Event()
    threading.Timer(0.05, cancel.set).start()

    with pytest.raises(Cancelled):
        breaker.enter(cancel, able=True, patient=True)
