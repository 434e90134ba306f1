"""What to do when no route is left: pause, probe with one request at growing intervals, then give up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from domain.errors import Blocked
from infrastructure.http.waiting import pause
from shared.clock import Clock

log = logging.getLogger(__name__)
_POLL_SECONDS: Final = 0.2  # seconds between two looks at whether another thread's probe has changed things
_LONGEST_FIRST: Final = 60.0
_FEWEST_PROBES: Final = 5  # with the request that was blocked, the six that a title has by default
_NOBODY: Final = 1.0  # seconds without anyone who could probe, until giving up
_RELAPSE: Final = 30.0  # blocked again so soon after it seemed over: it was not over
_RECOVERED: Final = 10  # pages, until it was over after all
_REST: Final = 60.0  # after giving up, until a new request begins all over
ADVICE: Final = "wait some hours, or use PROXIES, USE_TOR, DETAIL_SOURCE=graphql or saved pages (parse)"


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """Probes at intervals that double and end exactly when ``max_wait`` seconds are over."""

    max_wait: float = 300.0

    @property
    def offsets(self) -> tuple[float, ...]:
        """Seconds after the block at which to probe."""
        if self.max_wait <= 0:
            return ()
        number = _FEWEST_PROBES
        while self.max_wait / (2**number - 1) > _LONGEST_FIRST:
            number += 1
        first = self.max_wait / (2**number - 1)
        return tuple(first * (2**probe - 1) for probe in range(1, number + 1))


class Pass(Enum):
    """What a thread may do."""

    GO = auto()
    PROBE = auto()  # go, alone; and say what came of it


class Breaker:
    """Stands before all requests of one scope. Called from many threads at once.

    Args:
        name: of the site, for messages.
        plan: when to probe.
        clock: monotonic time.
    """

    def __init__(self, name: str, plan: ProbePlan, clock: Clock) -> None:
        self._name = name
        self._offsets = plan.offsets
        self._max_wait = plan.max_wait
        self._clock = clock
        self._lock = threading.Lock()
        self._reason = ""
        self._since: float | None = None  # open since; None: closed
        self._probes = 0
        self._probing = False
        self._gave_up_at: float | None = None
        self._able = 0  # waiting threads that have a request left to probe with
        self._seen_able = 0.0
        self._closed_at = float("-inf")
        self._answers = 0  # since then
        self._previous: tuple[float, int] = (0.0, 0)  # since when and with how many probes it was open then

    def enter(self, cancel: threading.Event, *, able: bool, patient: bool) -> Pass:
        """Wait until requests may be sent.

        Args:
            cancel: ends the wait.
            able: whether the caller has a request left; if not it only waits for the outcome.
            patient: False: do not wait, raise.

        Raises:
            Blocked: given up, or not ``patient``.
            Cancelled: ``cancel`` was set.
        """
        if self._since is None:
            return Pass.GO
        with self._present(able):
            while True:
                with self._lock:
                    if (decided := self._decide(able, patient)) is not None:
                        return decided
                    wait = self._due() - self._clock.monotonic() if able and not self._probing else _POLL_SECONDS
                pause(min(max(wait, 0.001), _POLL_SECONDS), cancel)

    def trip(self, reason: str) -> None:
        """No route is left."""
        with self._lock:
            self._reason = reason
            if self._since is not None:
                return
            now = self._clock.monotonic()
            relapse = now - self._closed_at < _RELAPSE
            self._since, self._probes = self._previous if relapse else (now, 0)
            self._seen_able = now
            if self._offsets:
                log.warning(
                    "%s blocks every route (%s): pausing, next try in %.0f s, giving up after %.0f s",
                    self._name, reason, max(0.0, self._due() - now), self._max_wait,
                )  # fmt: skip

    def probed(self, *, opened: bool) -> None:
        """What came of the probe."""
        with self._lock:
            self._probing = False
            self._seen_able = self._clock.monotonic()
            if not opened:
                return
            if self._since is not None:
                self._previous = (self._since, self._probes)
                self._closed_at, self._answers = self._seen_able, 0
                log.warning("%s answers again", self._name)
            self._since = self._gave_up_at = None

    def answered(self) -> None:
        """A page came; after some of them the next block is a new one."""
        if self._closed_at > float("-inf") and self._since is None:
            with self._lock:
                self._answers += 1
                if self._answers >= _RECOVERED:
                    self._closed_at = float("-inf")

    def _decide(self, able: bool, patient: bool) -> Pass | None:
        """Called with the lock held."""
        now = self._clock.monotonic()
        if self._since is None:
            return Pass.GO
        if self._gave_up_at is not None and now - self._gave_up_at > _REST and able:
            self._since, self._probes, self._gave_up_at = now, 0, None
            self._probing = True
            return Pass.PROBE
        if self._gave_up_at is not None or not patient:
            raise self._blocked(now)
        if self._probing:
            return None
        if self._probes >= len(self._offsets) or (not self._able and now - self._seen_able > _NOBODY):
            self._gave_up_at = now
            raise self._blocked(now)
        if able and now >= self._due():
            self._probes += 1
            self._probing = True
            return Pass.PROBE
        return None

    def _due(self) -> float:
        since = self._since or 0.0
        return since + self._offsets[self._probes] if self._probes < len(self._offsets) else since

    def _blocked(self, now: float) -> Blocked:
        waited = now - (self._since or now)
        tried = f" after {waited:.0f} s of waiting and {self._probes} probes" if self._probes else ""
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
                    self._seen_able = self._clock.monotonic()
