"""What ``status`` says, as plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from application.status import RunStatus
from infrastructure.progress import figures


def status_lines(status: RunStatus) -> Iterator[str]:
    """One fact a line; times are those of this machine's time zone."""
    logged, counts = status.logged, status.logged.counts
    yield f"{logged.identity} (run {logged.run}), {_state(status)}"
    if not logged.whole:
        yield f"{counts.total} listed so far; the list is not whole"
    else:
        done = counts.completed + counts.failed
        yield (
            f"{counts.total} in all: {counts.completed} completed, {counts.failed} failed, {counts.pending} pending "
            f"({figures.percent(done, counts.total)}% done)"
        )
    if logged.reasons:
        yield "failed: " + ", ".join(f"{count} {reason}" for reason, count in logged.reasons)
    if logged.waiting:
        yield f"{logged.waiting} of those pending have failed before and are tried again"
    yield f"started {_local(logged.started)}, last event {_local(logged.last_event)}"
    if logged.pace is not None:
        yield f"{figures.rate(status.rate)}{_end(status)}"
    if logged.unusable:
        yield f"{logged.unusable} lines of the log could not be used"


def _state(status: RunStatus) -> str:
    logged = status.logged
    if logged.alive:
        return f"under way in process {logged.pid}"
    if logged.alive is None:
        return "and whether it is under way cannot be told"
    if logged.ended is None:
        return "ended without a word: killed, or the machine went down"
    return f"ended: {logged.ended}"


def _end(status: RunStatus) -> str:
    end = status.estimated_end
    return "" if end is None else f", about {figures.duration((end - status.at).total_seconds())} left, {_local(end)}"


def _local(moment: datetime | None) -> str:
    return "at an unknown time" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
