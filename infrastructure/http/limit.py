"""Decides when a request may be sent: the rate to its host, and the breaker of a site that blocks.

One pacer per host and one breaker per scope serve all threads. Every wait ends at once when it is cancelled.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final

from domain.errors import Blocked, Cancelled
from infrastructure.http.messages import Origin, Scope
from infrastructure.http.policies import DEFAULT_RATE, ProbePolicy, RatePolicy
from shared.clock import Clock

log = logging.getLogger(__name__)
ADVICE: Final = "wait some hours, or use PROXIES, USE_TOR, DETAIL_SOURCE=graphql or saved pages (parse)"
_POLL_SECONDS: Final = 0.2  # between two checks of what another thread does
_CATCH_UP: Final = 0.01  # seconds that a late thread may catch up, so that slow wake-ups do not lower the rate
_RATE: Final = RatePolicy()
_MAX_SLEEP: Final = 1.0  # longest sleep before checking whether the rate has changed


def pause(seconds: float, cancel: threading.Event) -> None:
    """Waits.

    Raises:
        Cancelled: ``cancel`` was set before the time was over.
    """
    if cancel.wait(max(0.0, seconds)):
        raise Cancelled("stopped while waiting")


@contextmanager
def locked(lock: threading.Lock, cancel: threading.Event) -> Iterator[None]:
    """Holds a lock during the block, once it is free.

    Raises:
        Cancelled: ``cancel`` was set before the lock was free.
    """
    while not lock.acquire(timeout=_POLL_SECONDS):
        pause(0, cancel)
    try:
        yield
    finally:
        lock.release()


class StallTimer:
    """Measures how long a run has waited while nothing arrived, all threads together.

    A waiting thread delays nothing while others receive pages. Only time with at least one waiting thread and no
    arrival counts, and it counts once, however many threads waited.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._from = clock.monotonic()  # start of the time not counted yet, if a thread waits
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """The sum so far."""
        return self._seconds

    def arrived(self) -> None:
        """Records that a page arrived."""
        with self._lock:
            self._from = self._clock.monotonic()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Counts the block as a wait."""
        with self._lock:
            if not self._waiting:
                self._from = self._clock.monotonic()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                now = self._clock.monotonic()
                self._seconds += now - self._from
                self._from = now
                self._waiting -= 1


class Pacer:
    """Grants the moments at which requests to one host may be sent, evenly spaced.

    A bad answer lowers the rate in proportion to the share of bad answers among the last ones; a good answer raises it
    by a hundredth of the full rate. Without a configured rate, the rate before the first bad answer is the full one.

    Args:
        per_second: the full rate; ``None``: unlimited.
    """

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._configured = per_second
        self._full = per_second
        self._rate = per_second
        self._ready = clock.monotonic()  # when the next request may be sent
        self._held_until = self._ready
        self._issued = self._departed = 0  # tickets: how many threads wait ahead of one
        self._bad_share = 0.0
        self._slowed_at = float("-inf")
        self._sent: deque[float] = deque()  # within the last second

    @property
    def rate(self) -> float | None:
        """The current requests per second; ``None``: unlimited."""
        with self._lock:
            return self._rate

    def acquire(self, cancel: threading.Event) -> float:
        """Waits until a request may be sent; returns that moment in monotonic seconds.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        with self._lock:
            ticket, self._issued = self._issued, self._issued + 1
        try:
            while True:
                with self._lock:
                    now = self._clock.monotonic()
                    ready = max(self._ready, self._held_until)
                    interval = 1 / self._rate if self._rate else 0.0
                    if now >= ready:
                        self._ready = max(ready, now - min(interval, _CATCH_UP)) + interval
                        self._count(now)
                        return now
                    ahead = max(0, ticket - self._departed)
                pause(min(ready + ahead * interval - now, _MAX_SLEEP), cancel)
        finally:
            with self._lock:
                self._departed += 1

    def limit(self, per_second: float | None) -> None:
        """Sets another full rate, for waiting threads as well."""
        with self._lock:
            self._configured = self._full = self._rate = per_second
            self._ready = min(self._ready, self._clock.monotonic() + (1 / per_second if per_second else 0.0))

    def hold(self, seconds: float) -> None:
        """Grants nothing for this time, because the host has requested it."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def record_success(self) -> None:
        """Records a good answer."""
        with self._lock:
            self._bad_share -= self._bad_share / _RATE.memory
            if self._rate is None or self._full is None or self._rate >= self._full:
                return
            self._rate = min(self._full, self._rate + self._full * _RATE.recovery)
            if self._rate >= self._full and self._configured is None:
                self._rate = self._full = None

    def record_failure(self, sent_at: float, *, told: bool = False) -> None:
        """Records a bad answer.

        Args:
            sent_at: what ``acquire`` returned for its request. Requests that were in flight when the rate was lowered
                do not lower it again.
            told: the host has reported too many requests.
        """
        with self._lock:
            self._bad_share += (1 - self._bad_share) / _RATE.memory
            if sent_at <= self._slowed_at:
                return
            if self._rate is None or self._full is None:
                self._rate = self._full = max(_RATE.unlimited, float(len(self._sent)))
            share = 1 - self._bad_share / 2
            self._rate = max(self._full * _RATE.floor, self._rate * (min(share, _RATE.told) if told else share))
            self._slowed_at = self._clock.monotonic()

    def _count(self, now: float) -> None:
        if self._configured is None:
            self._sent.append(now)
            while self._sent[0] < now - 1:
                self._sent.popleft()


class Permit(Enum):
    """What a thread may do."""

    GO = auto()
    PROBE = auto()  # send one request alone, and report its outcome


class BreakerState(Enum):
    """The current behaviour of a breaker."""

    CLOSED = auto()  # all pass
    OPEN = auto()  # all wait for the next probe
    PROBING = auto()  # a probe is in flight, and all others wait for its outcome
    GIVEN_UP = auto()  # all fail at once, until the rest is over


TRANSITIONS: Final = frozenset(
    {
        (BreakerState.CLOSED, BreakerState.OPEN),  # every route is blocked
        (BreakerState.OPEN, BreakerState.PROBING),  # a probe is due
        (BreakerState.PROBING, BreakerState.CLOSED),  # the probe was answered
        (BreakerState.PROBING, BreakerState.OPEN),  # it was not
        (BreakerState.OPEN, BreakerState.GIVEN_UP),  # no probe is left, or no thread to send it
        (BreakerState.GIVEN_UP, BreakerState.PROBING),  # a new request after the rest
    }
)


class Breaker:
    """Holds back all requests of one scope while the site blocks every route. Thread-safe."""

    def __init__(self, name: str, policy: ProbePolicy, clock: Clock) -> None:
        self._name = name
        self._policy = policy
        self._offsets = policy.offsets
        self._clock = clock
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._reason = ""
        self._opened_at = 0.0
        self._probes = 0
        self._gave_up_at = 0.0
        self._able = 0  # waiting threads that have a request left to probe with
        self._last_able = 0.0
        self._closed_at = float("-inf")
        self._pages = 0  # since then
        self._previous: tuple[float, int] = (0.0, 0)  # opened_at and probes of the block before

    @property
    def state(self) -> BreakerState:
        """The current state."""
        return self._state

    def enter(self, cancel: threading.Event, *, able: bool, patient: bool) -> Permit:
        """Waits until requests may be sent.

        Args:
            able: whether the caller has a request left; otherwise it only waits for the outcome.
            patient: False: raise instead of waiting.

        Raises:
            Blocked: given up, or not ``patient``.
            Cancelled: ``cancel`` was set.
        """
        if self._state is BreakerState.CLOSED:
            return Permit.GO
        with self._present(able):
            while True:
                with self._lock:
                    if (permit := self._decide(able, patient)) is not None:
                        return permit
                    waits_for_probe = able and self._state is BreakerState.OPEN
                    wait = self._due() - self._clock.monotonic() if waits_for_probe else _POLL_SECONDS
                pause(min(max(wait, 0.001), _POLL_SECONDS), cancel)

    def trip(self, reason: str) -> None:
        """Records that every route is blocked."""
        with self._lock:
            self._reason = reason
            if self._state is not BreakerState.CLOSED:
                return
            now = self._clock.monotonic()
            relapse = now - self._closed_at < self._policy.relapse
            self._opened_at, self._probes = self._previous if relapse else (now, 0)
            self._last_able = now
            self._become(BreakerState.OPEN)
            if self._offsets:
                log.warning(
                    "%s blocks every route (%s): pausing, next try in %.0f s, giving up after %.0f s",
                    self._name, reason, max(0.0, self._due() - now), self._policy.max_wait,
                )  # fmt: skip

    def probed(self, *, answered: bool) -> None:
        """Records the outcome of the probe."""
        with self._lock:
            self._become(BreakerState.CLOSED if answered else BreakerState.OPEN, only_from=BreakerState.PROBING)
            self._last_able = self._clock.monotonic()
            if answered:
                self._previous = (self._opened_at, self._probes)
                self._closed_at, self._pages = self._last_able, 0
                log.warning("%s answers again", self._name)

    def page_arrived(self) -> None:
        """Records a page; after some of them the next block counts as a new one."""
        if self._closed_at > float("-inf") and self._state is BreakerState.CLOSED:
            with self._lock:
                self._pages += 1
                if self._pages >= self._policy.recovered:
                    self._closed_at = float("-inf")

    def _become(self, state: BreakerState, *, only_from: BreakerState | None = None) -> None:
        """Called with the lock held."""
        if (self._state, state) not in TRANSITIONS or only_from not in (None, self._state):
            raise RuntimeError(f"the breaker of {self._name} cannot go from {self._state.name} to {state.name}")
        self._state = state

    def _decide(self, able: bool, patient: bool) -> Permit | None:
        """Called with the lock held; ``None``: wait."""
        now = self._clock.monotonic()
        match self._state:
            case BreakerState.CLOSED:
                return Permit.GO
            case BreakerState.GIVEN_UP if able and now - self._gave_up_at > self._policy.rest:
                self._opened_at, self._probes = now, 0
                self._become(BreakerState.PROBING)
                return Permit.PROBE
            case BreakerState.GIVEN_UP:
                raise self._blocked(now)
            case _ if not patient:
                raise self._blocked(now)
            case BreakerState.OPEN:
                return self._decide_open(able, now)
        return None

    def _decide_open(self, able: bool, now: float) -> Permit | None:
        abandoned = not self._able and now - self._last_able > self._policy.idle
        if self._probes >= len(self._offsets) or abandoned:
            self._gave_up_at = now
            self._become(BreakerState.GIVEN_UP)
            raise self._blocked(now)
        if not able or now < self._due():
            return None
        self._probes += 1
        self._become(BreakerState.PROBING)
        return Permit.PROBE

    def _due(self) -> float:
        offset = self._offsets[self._probes] if self._probes < len(self._offsets) else 0.0
        return self._opened_at + offset

    def _blocked(self, now: float) -> Blocked:
        tried = f" after {now - self._opened_at:.0f} s of waiting and {self._probes} probes" if self._probes else ""
        return Blocked(f"{self._name} blocks this program{tried}: {self._reason}; {ADVICE}")

    @contextmanager
    def _present(self, able: bool) -> Iterator[None]:
        with self._lock:
            self._able += able
        try:
            yield
        finally:
            with self._lock:
                self._able -= able
                if able:
                    self._last_able = self._clock.monotonic()


class HostState:
    """The state of one host that all threads share; ``answered`` once anything was received from it."""

    def __init__(self, pacer: Pacer) -> None:
        self.pacer = pacer
        self.answered = False
        self._lock = threading.Lock()
        self._unrecognised = 0

    def page_recognised(self) -> None:
        """Resets the count of unrecognised pages."""
        if self._unrecognised:
            with self._lock:
                self._unrecognised = 0

    def page_unrecognised(self) -> int:
        """Returns how many pages in a row were not recognised, this one included."""
        with self._lock:
            self._unrecognised += 1
            return self._unrecognised


class HostRegistry:
    """All hosts and scopes that were requested. Thread-safe.

    Args:
        per_second: requests a second to each host; ``None``: the default, and no limit on loopback.
    """

    def __init__(self, per_second: float | None, policy: ProbePolicy, clock: Clock) -> None:
        self._per_second = per_second
        self._workers = 1
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[Origin, HostState] = {}
        self._breakers: dict[Scope, Breaker] = {}

    def host(self, origin: Origin) -> HostState:
        """The state of this host."""
        with self._lock:
            if origin not in self._hosts:
                self._hosts[origin] = HostState(Pacer(self._rate(origin), self._clock))
            return self._hosts[origin]

    def breaker(self, scope: Scope) -> Breaker:
        """The breaker of this scope."""
        with self._lock:
            if scope not in self._breakers:
                self._breakers[scope] = Breaker(str(scope), self._policy, self._clock)
            return self._breakers[scope]

    def divide(self, workers: int) -> None:
        """Divides the rate to every known or future host by the number of workers."""
        with self._lock:
            self._workers = workers
            for origin, host in self._hosts.items():
                host.pacer.limit(self._rate(origin))

    def _rate(self, origin: Origin) -> float | None:
        default = None if origin.loopback else DEFAULT_RATE
        rate = default if self._per_second is None else self._per_second
        return None if rate is None else rate / self._workers
