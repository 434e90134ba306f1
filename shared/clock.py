"""Time as a parameter: code receives a clock instead of reading the machine's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the time."""

    def now(self) -> datetime:
        """The time in UTC, to the microsecond."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences are meaningful."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class FixedClock(SystemClock):
    """Always the same calendar time, for output that can be compared byte by byte."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


def from_environment(environ: Mapping[str, str]) -> Clock:
    """A fixed clock if SOURCE_DATE_EPOCH is set, else the system's.

    Source: https://reproducible-builds.org/specs/source-date-epoch/

    Raises:
        ValueError: the variable is not a whole number of seconds since 1970.
    """
    epoch = environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return SystemClock()
    return FixedClock(datetime.fromtimestamp(int(epoch), UTC))
