"""The state of a run, read from its job log during the run and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from application.ports import JobCounts, RunIdentity
from application.run_jobs import StopReason


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs that ended recently: ``count`` after the one at ``since``, the last of them at ``until``."""

    count: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """The last run of a log.

    Attributes:
        whole: whether the list of jobs is complete.
        reasons: failures for good by error, most frequent first.
        waiting: pending jobs that have failed before.
        last_event: when the last line was written.
        alive: whether a process works on it now; ``None`` if unknown.
        pid: of that process, or of the last one.
        ended: why the last process stopped; ``None`` if it stopped unexpectedly.
        pace: recently, in the last process.
        unusable: lines that were skipped.
    """

    run: str
    identity: RunIdentity
    whole: bool
    counts: JobCounts
    reasons: tuple[tuple[str, int], ...]
    waiting: int
    started: datetime | None
    last_event: datetime | None
    alive: bool | None
    pid: int
    ended: str | None
    pace: Pace | None
    unusable: int


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A log's last run at the moment ``at``."""

    logged: LoggedRun
    at: datetime

    @property
    def rate(self) -> float:
        """Recently ended jobs per second. It falls towards 0 while a running run makes no progress."""
        pace = self.logged.pace
        if pace is None:
            return 0.0
        span = ((self.at if self.logged.alive else pace.until) - pace.since).total_seconds()
        return pace.count / span if span > 0 else 0.0

    @property
    def estimated_end(self) -> datetime | None:
        """When a running run will end at this rate; ``None`` when that is unknown."""
        if not self.logged.alive or not self.logged.whole or not self.rate:
            return None
        try:
            return self.at + timedelta(seconds=self.logged.counts.pending / self.rate)
        except OverflowError:
            return None

    @property
    def well(self) -> bool:
        """Whether nothing needs attention: the run is running; or it finished or was stopped, and nothing failed."""
        logged = self.logged
        if logged.alive or logged.ended is None:
            return logged.alive is not False
        return logged.ended in (StopReason.FINISHED, StopReason.INTERRUPTED) and not logged.counts.failed

    def as_dict(self) -> dict[str, Any]:
        """All attributes as JSON types; times are ISO 8601 in UTC."""
        logged, counts, identity = self.logged, self.logged.counts, self.logged.identity
        return {
            "run": logged.run,
            "work": identity.work,
            "subject": identity.subject,
            "site": identity.site or None,
            "limit": identity.limit,
            "listed": logged.whole,
            "total": counts.total,
            "completed": counts.completed,
            "failed": counts.failed,
            "failed_by_reason": dict(logged.reasons),
            "pending": counts.pending,
            "waiting_for_another_try": logged.waiting,
            "rate_per_second": round(self.rate, 3),
            "estimated_end": _iso(self.estimated_end),
            "started": _iso(logged.started),
            "last_event": _iso(logged.last_event),
            "alive": logged.alive,
            "pid": logged.pid,
            "ended": logged.ended,
            "unusable_lines": logged.unusable,
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
