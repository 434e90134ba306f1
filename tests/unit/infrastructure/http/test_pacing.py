"""The moments at which one host may be asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Cancelled
from infrastructure.http.limit import HostRegistry, Pacer
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
