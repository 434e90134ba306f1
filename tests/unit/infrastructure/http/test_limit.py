"""The rate to a host, waits that can be cancelled, and the breaker of a site that blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Blocked, Cancelled
from infrastructure.http.limit import TRANSITIONS, Breaker, BreakerState, HostRegistry, Pacer, Permit, StallTimer, pause
from infrastructure.http.messages import Origin
from infrastructure.http.policies import ProbePolicy
from shared.clock import SystemClock
from tests.support.clock import ManualClock, SkippingEvent


def moments(pacer: Pacer, clock: ManualClock, count: int) -> list[float]:
    """When so many requests may go, one thread asking, from now."""
    begin = clock.monotonic()
    return [round(pacer.acquire(SkippingEvent(clock)) - begin, 6) for _ in range(count)]


def test_requests_are_evenly_spaced() -> None:
    clock = ManualClock()

    assert moments(Pacer(4.0, clock), clock, 5) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_time_without_requests_is_not_made_up_for() -> None:
    clock = ManualClock()
    pacer = Pacer(4.0, clock)
    moments(pacer, clock, 2)
    clock.seconds += 100

    gaps = [round(later - earlier, 6) for earlier, later in pairwise(moments(pacer, clock, 4))]

    assert all(gap >= 0.24 for gap in gaps)


def test_without_a_rate_nothing_waits() -> None:
    clock = ManualClock()

    assert moments(Pacer(None, clock), clock, 100) == [0.0] * 100


def test_the_rate_can_be_changed_while_threads_wait() -> None:
    clock = ManualClock()
    pacer = Pacer(0.1, clock)
    moments(pacer, clock, 1)

    class Change(SkippingEvent):
        def wait(self, timeout: float | None = None) -> bool:
            pacer.limit(10.0)
            return super().wait(timeout)

    begin = clock.monotonic()
    assert pacer.acquire(Change(clock)) - begin <= 1.0  # not the ten seconds it was to wait at first


def test_a_hold_applies_to_those_that_wait_already() -> None:
    clock = ManualClock()
    pacer = Pacer(1.0, clock)
    moments(pacer, clock, 1)

    class Hold(SkippingEvent):
        def wait(self, timeout: float | None = None) -> bool:
            if not self.waits:
                pacer.hold(30)
            return super().wait(timeout)

    begin = clock.monotonic()
    assert pacer.acquire(Hold(clock)) - begin == pytest.approx(30)


def test_a_wait_ends_when_it_is_cancelled() -> None:
    clock = ManualClock()
    pacer = Pacer(0.001, clock)
    moments(pacer, clock, 1)

    class Stop(SkippingEvent):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return super().wait(timeout)

    with pytest.raises(Cancelled):
        pacer.acquire(Stop(clock))


def test_many_threads_together_keep_the_rate() -> None:
    pacer = Pacer(200.0, SystemClock())
    cancel = threading.Event()
    with ThreadPoolExecutor(20) as executor:
        went = sorted(executor.map(lambda _: pacer.acquire(cancel), range(60)))

    for first, last in zip(went, went[20:], strict=False):
        assert last - first >= 20 / 200 - 0.011  # what a late thread may make up for


def test_trouble_slows_and_good_answers_bring_the_rate_back() -> None:
    clock = ManualClock()
    pacer = Pacer(10.0, clock)
    for _ in range(30):
        pacer.record_failure(pacer.acquire(SkippingEvent(clock)))
        clock.seconds += 1
    slow = pacer.rate or 0
    assert slow == pytest.approx(1.0)  # a tenth: never slower

    for _ in range(50):
        pacer.record_success()
    assert slow < (pacer.rate or 0) < 10  # slowly

    for _ in range(100):
        pacer.record_success()
    assert pacer.rate == 10.0


def test_a_single_error_hardly_slows_but_being_told_does() -> None:
    clock = ManualClock()
    once, told = Pacer(10.0, clock), Pacer(10.0, clock)

    once.record_failure(once.acquire(SkippingEvent(clock)))
    told.record_failure(told.acquire(SkippingEvent(clock)), told=True)

    assert 9.5 < (once.rate or 0) < 10
    assert told.rate == pytest.approx(8.0)


def test_requests_that_were_under_way_slow_it_once() -> None:
    clock = ManualClock()
    pacer = Pacer(None, clock)
    under_way = [pacer.acquire(SkippingEvent(clock)) for _ in range(300)]
    clock.seconds += 0.3
    for sent_at in under_way:
        pacer.record_failure(sent_at, told=True)

    assert pacer.rate == pytest.approx(300 * 0.8)  # what was reached before, less a fifth


@given(st.lists(st.booleans(), max_size=300))
def test_the_rate_stays_between_its_floor_and_the_full_one(answers: list[bool]) -> None:
    clock = ManualClock()
    pacer = Pacer(10.0, clock)
    for good in answers:
        clock.seconds += 1
        pacer.record_success() if good else pacer.record_failure(clock.monotonic(), told=True)
        assert 1.0 <= (pacer.rate or 0) <= 10.0


def test_remote_hosts_are_paced_by_default_and_loopback_is_not() -> None:
    hosts = HostRegistry(None, ProbePolicy(), ManualClock())
    remote, local = Origin.of("https://www.imdb.com/"), Origin.of("http://localhost:8080/")

    assert (hosts.host(remote).pacer.rate, hosts.host(local).pacer.rate) == (10.0, None)


def test_workers_share_the_rate_of_known_and_future_hosts() -> None:
    hosts = HostRegistry(12.0, ProbePolicy(), ManualClock())
    known = hosts.host(Origin.of("https://www.imdb.com/")).pacer

    hosts.divide(4)
    assert (known.rate, hosts.host(Origin.of("http://localhost/")).pacer.rate) == (3.0, 3.0)
    hosts.divide(2)
    assert known.rate == 6.0


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


@given(st.floats(0.001, 86_400))
def test_probes_double_their_intervals_and_end_with_the_wait(max_wait: float) -> None:
    offsets = ProbePolicy(max_wait).offsets

    intervals = [later - earlier for earlier, later in zip((0.0, *offsets), offsets, strict=False)]
    assert offsets[-1] == pytest.approx(max_wait)
    assert len(offsets) >= 5
    assert intervals[0] <= 60
    assert all(later == pytest.approx(2 * earlier) for earlier, later in pairwise(intervals))


def test_by_default_the_first_probe_comes_after_ten_seconds() -> None:
    assert [round(offset) for offset in ProbePolicy(300).offsets] == [10, 29, 68, 145, 300]


def tripped(max_wait: float = 300.0) -> tuple[Breaker, ManualClock, SkippingEvent]:
    clock = ManualClock()
    clock.seconds = 1000.0
    breaker = Breaker("site.test", ProbePolicy(max_wait), clock)
    breaker.trip("a challenge")
    return breaker, clock, SkippingEvent(clock)


def test_a_closed_breaker_lets_everything_pass() -> None:
    breaker = Breaker("site.test", ProbePolicy(), ManualClock())

    assert breaker.enter(threading.Event(), able=True, patient=False) is Permit.GO


def test_it_probes_when_it_said_and_gives_up_with_advice() -> None:
    breaker, clock, cancel = tripped()
    probed_at = []

    def ask() -> None:
        while breaker.enter(cancel, able=True, patient=True) is Permit.PROBE:
            probed_at.append(round(clock.seconds - 1000))
            breaker.probed(answered=False)

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
    assert breaker.enter(cancel, able=True, patient=True) is Permit.PROBE
    breaker.probed(answered=True)

    assert breaker.enter(cancel, able=True, patient=True) is Permit.GO


def test_no_wait_means_no_probe() -> None:
    breaker, clock, cancel = tripped(max_wait=0)

    with pytest.raises(Blocked):
        breaker.enter(cancel, able=True, patient=True)
    assert clock.seconds == 1000.0


def test_without_patience_it_is_raised_at_once() -> None:
    breaker, clock, cancel = tripped()

    with pytest.raises(Blocked, match="a challenge"):
        breaker.enter(cancel, able=True, patient=False)
    assert clock.seconds == 1000.0


def test_without_a_thread_that_could_probe_it_gives_up_soon() -> None:
    breaker, clock, cancel = tripped()

    with pytest.raises(Blocked):
        breaker.enter(cancel, able=False, patient=True)
    assert clock.seconds < 1003


def test_a_relapse_continues_where_it_stopped() -> None:
    breaker, clock, cancel = tripped()
    for _ in range(2):
        breaker.enter(cancel, able=True, patient=True)
        breaker.probed(answered=False)
    breaker.enter(cancel, able=True, patient=True)
    breaker.probed(answered=True)
    clock.seconds += 1
    breaker.trip("a challenge again")

    assert breaker.enter(cancel, able=True, patient=True) is Permit.PROBE
    assert round(clock.seconds - 1000) == 145  # not ten seconds after the relapse


def test_after_some_pages_a_block_is_a_new_one() -> None:
    breaker, clock, cancel = tripped()
    breaker.enter(cancel, able=True, patient=True)
    breaker.probed(answered=True)
    for _ in range(10):
        breaker.page_arrived()
    again_at = clock.seconds
    breaker.trip("a challenge again")

    assert breaker.enter(cancel, able=True, patient=True) is Permit.PROBE
    assert round(clock.seconds - again_at) == 10


def test_long_after_giving_up_it_starts_over_with_a_probe() -> None:
    breaker, clock, cancel = tripped(max_wait=0)
    with pytest.raises(Blocked):
        breaker.enter(cancel, able=True, patient=True)
    clock.seconds += 61

    assert breaker.enter(cancel, able=True, patient=True) is Permit.PROBE


def test_of_many_threads_one_probes_and_all_continue() -> None:
    breaker = Breaker("site.test", ProbePolicy(3.1), SystemClock())
    breaker.trip("a challenge")
    cancel = threading.Event()
    probing: list[int] = []
    most: list[int] = []

    def enter(number: int) -> Permit:
        granted = breaker.enter(cancel, able=True, patient=True)
        if granted is Permit.PROBE:
            probing.append(number)
            most.append(len(probing))
            probing.remove(number)
            breaker.probed(answered=True)
        return granted

    with ThreadPoolExecutor(30) as executor:
        granted = list(executor.map(enter, range(30)))

    assert granted.count(Permit.PROBE) == 1
    assert granted.count(Permit.GO) == 29
    assert most == [1]


def test_waiting_ends_at_once_when_cancelled() -> None:
    breaker = Breaker("site.test", ProbePolicy(86_400), SystemClock())
    breaker.trip("a challenge")
    cancel = threading.Event()
    threading.Timer(0.05, cancel.set).start()

    with pytest.raises(Cancelled):
        breaker.enter(cancel, able=True, patient=True)


def in_state(state: BreakerState) -> tuple[Breaker, ManualClock, SkippingEvent]:
    """A breaker in this state, brought there by what a run does."""
    if state is BreakerState.CLOSED:
        clock = ManualClock()
        return Breaker("site.test", ProbePolicy(), clock), clock, SkippingEvent(clock)
    breaker, clock, cancel = tripped(max_wait=0 if state is BreakerState.GIVEN_UP else 300)
    if state is BreakerState.PROBING:
        assert breaker.enter(cancel, able=True, patient=True) is Permit.PROBE
    if state is BreakerState.GIVEN_UP:
        with pytest.raises(Blocked):
            breaker.enter(cancel, able=True, patient=True)
    assert breaker.state is state
    return breaker, clock, cancel


def _enter_after_rest(breaker: Breaker, clock: ManualClock, cancel: SkippingEvent) -> None:
    clock.seconds += 61
    breaker.enter(cancel, able=True, patient=True)


def _enter_without_requests(breaker: Breaker, clock: ManualClock, cancel: SkippingEvent) -> None:
    with pytest.raises(Blocked):
        breaker.enter(cancel, able=False, patient=True)


Event = Callable[[Breaker, ManualClock, SkippingEvent], object]
EVENTS: dict[str, Event] = {
    "trip": lambda breaker, clock, cancel: breaker.trip("a challenge"),
    "probe answered": lambda breaker, clock, cancel: breaker.probed(answered=True),
    "probe refused": lambda breaker, clock, cancel: breaker.probed(answered=False),
    "page": lambda breaker, clock, cancel: breaker.page_arrived(),
    "enter": _enter_after_rest,
    "enter without requests": _enter_without_requests,
}
CLOSED, OPEN, PROBING, GIVEN_UP = BreakerState
AFTER = {
    (CLOSED, "trip"): OPEN,
    (CLOSED, "page"): CLOSED,
    (CLOSED, "enter"): CLOSED,
    (OPEN, "trip"): OPEN,
    (OPEN, "page"): OPEN,
    (OPEN, "enter"): PROBING,
    (OPEN, "enter without requests"): GIVEN_UP,
    (PROBING, "trip"): PROBING,
    (PROBING, "page"): PROBING,
    (PROBING, "probe answered"): CLOSED,
    (PROBING, "probe refused"): OPEN,
    (GIVEN_UP, "trip"): GIVEN_UP,
    (GIVEN_UP, "page"): GIVEN_UP,
    (GIVEN_UP, "enter"): PROBING,
    (GIVEN_UP, "enter without requests"): GIVEN_UP,
}
IMPOSSIBLE = [(state, event) for state in (CLOSED, OPEN, GIVEN_UP) for event in ("probe answered", "probe refused")]


@pytest.mark.parametrize(("state", "event", "after"), [(*key, after) for key, after in AFTER.items()])
def test_each_event_leads_to_one_state(state: BreakerState, event: str, after: BreakerState) -> None:
    breaker, clock, cancel = in_state(state)

    EVENTS[event](breaker, clock, cancel)

    assert breaker.state is after
    assert state is after or (state, after) in TRANSITIONS


def test_every_transition_is_made_by_an_event() -> None:
    assert {(state, after) for (state, _), after in AFTER.items() if state is not after} == TRANSITIONS


@pytest.mark.parametrize(("state", "event"), IMPOSSIBLE)
def test_a_probe_that_was_not_permitted_is_an_error(state: BreakerState, event: str) -> None:
    breaker, clock, cancel = in_state(state)

    with pytest.raises(RuntimeError, match="cannot go from"):
        EVENTS[event](breaker, clock, cancel)
    assert breaker.state is state
