"""How long a route is left alone, and what is known of its health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from infrastructure.http.scope import Scope

_ERROR: Final = 0.6  # what is left of a score after an error
_REGAINED: Final = 0.2  # of what is missing, by each success


@dataclass(frozen=True, slots=True)
class BenchPolicy:
    """Seconds that a route is left alone: ``first``, doubled each further time, ``longest`` at most."""

    first: float = 60.0
    longest: float = 3600.0

    def seconds(self, times: int) -> float:
        """After the ``times``-th time, which counts from 1."""
        return min(self.first * 2.0 ** min(times - 1, 32), self.longest)


@dataclass(slots=True)
class Bench:
    """Why, how often and until when a route is left alone for something.

    ``since`` is the serial number at which it began: leases with a lower one were
    under way by then and say nothing new. Once it is over the route is on trial,
    one request at a time, until one succeeds.
    """

    reason: str = ""
    times: int = 0
    until: float = float("-inf")
    since: int = -1
    trial: bool = False

    def close(self, policy: BenchPolicy, now: float, serial: int, reason: str) -> None:
        """Begin anew, for longer than the last time."""
        self.times += 1
        self.until = now + policy.seconds(self.times)
        self.since, self.reason, self.trial = serial, reason, True

    def reopen(self) -> None:
        """End it now; the trial remains."""
        self.until = float("-inf")


@dataclass(slots=True)
class Health:
    """What is known of one route."""

    score: float = 1.0
    active: int = 0
    used: int = 0  # serial of the last lease
    taken: int = 0  # leases since it was renewed
    worked: bool = False
    silences: int = 0
    dead: Bench = field(default_factory=Bench)
    blocked: dict[Scope, Bench] = field(default_factory=dict)

    def spoil(self, times: int = 1) -> None:
        """Errors lower the score."""
        self.score *= _ERROR**times

    def mend(self) -> None:
        """A success raises the score."""
        self.worked, self.silences = True, 0
        self.score += (1 - self.score) * _REGAINED
