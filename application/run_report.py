"""How a run goes or ended: its report, and its state as the job log has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from application.ports.runs import JobCounts, RunIdentity
from application.run_jobs import RunResult, StopReason

if TYPE_CHECKING:
    from application.chart_changes import Move

# --- the report of a run that has ended -----------------------------------------

MAX_LISTED: Final = 10


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run that has ended, also if it ended before its first title.

    Attributes:
        subject: the chart, or the file of ids.
        started, finished: in UTC.
        result: of its jobs; ``None`` if it ended before them.
        error: why it ended early; empty if it did not.
        refused: the site refuses automated clients.
        moves: what changed in the chart since the last complete run.
    """

    subject: str
    started: datetime
    finished: datetime
    result: RunResult | None = None
    error: str = ""
    refused: bool = False
    moves: tuple[Move, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether every title was saved."""
        result = self.result
        return (
            not self.error
            and result is not None
            and result.stop_reason is StopReason.FINISHED
            and not result.summary.failed
        )

    @property
    def seconds(self) -> float:
        """The duration of the run."""
        return (self.finished - self.started).total_seconds()

    def title(self) -> str:
        """One line: the subject, and how the run ended."""
        if self.refused:
            ended = "refused by the site"
        elif self.error:
            ended = "failed"
        elif self.result is None:
            ended = "ended"
        elif self.result.stop_reason is StopReason.FINISHED and self.result.summary.failed:
            ended = f"finished, {self.result.summary.failed} failed"
        else:
            ended = str(self.result.stop_reason)
        return f"filmledger: {self.subject} {ended}"

    def lines(self, title_of: Callable[[str], str]) -> Iterator[str]:
        """The report in plain text.

        Args:
            title_of: the title of an IMDb id.
        """
        if self.error:
            yield self.error
        if self.result is not None:
            summary = self.result.summary
            counts = {
                "fetched": summary.fetched,
                "already fresh": summary.fresh,
                "incomplete": summary.incomplete,
                "failed": summary.failed,
                "pending": summary.pending,
            }
            yield ", ".join(f"{count} {name}" for name, count in counts.items() if count or name == "fetched")
            if self.result.message and not self.error:
                yield self.result.message
        groups: dict[str, list[str]] = {"newcomers": [], "leavers": [], "movers": []}
        for move in self.moves:
            title = title_of(move.imdb_id)
            if move.before is None:
                groups["newcomers"].append(f"{move.rank} {title}")
            elif move.rank is None:
                groups["leavers"].append(f"{title} (was {move.before})")
            else:
                groups["movers"].append(f"{title} ({move.before} to {move.rank})")
        if self.result is not None:
            groups["failed"] = [f"{each.key} {each.reason}" for each in self.result.summary.failures]
        for name, found in groups.items():
            if found:
                more = f" and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
                yield f"{name}: {', '.join(found[:MAX_LISTED])}{more}"


# --- the state of a run, from its job log ---------------------------------------


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
