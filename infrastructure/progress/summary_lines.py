"""The text of a run's summary and of ``status``."""

from __future__ import annotations

from collections.abc import Iterator

from application.run_jobs import Summary
from application.run_report import RunStatus
from infrastructure.progress import units


def summary_lines(
    summary: Summary, *, verb: str = "fetched", noun: str = "titles", listed: int = 20, speed: bool = False
) -> Iterator[str]:
    """One line of counts, one of speed if requested, then the failures.

    Args:
        verb, noun: the action and its objects, such as "saved" and "titles".
        listed: how many failures are named one by one.
        speed: add requests, size and rate, if there was any work.
    """
    parts = [f"{verb} {summary.fetched} {noun}"]
    if summary.fresh:
        parts.append(f"{summary.fresh} already fresh")
    if summary.incomplete:
        parts.append(f"{summary.incomplete} incomplete")
    if summary.failed:
        parts.append(f"{summary.failed} failed")
    if summary.pending:
        parts.append(f"{summary.pending} pending")
    yield f"{', '.join(parts)}; {units.elapsed(summary.elapsed)}"
    if speed and summary.fetched and summary.elapsed:
        yield (
            f"{summary.requests} requests, {units.size(summary.size)}, {summary.retried} retries, "
            f"{units.rate(summary.rate)}; {summary.workers} workers, busy {summary.utilisation * 100:.0f}% of the time"
        )
    if summary.failed:
        yield "failed: " + ", ".join(f"{count} {reason}" for reason, count in summary.reasons)
        for failure in summary.failures[:listed]:
            yield f"  {failure.key}  {failure.reason}: {failure.detail}"
        if summary.failed > listed:
            yield f"  and {summary.failed - listed} more"


def status_lines(status: RunStatus) -> Iterator[str]:
    """One fact per line; times are local, with their offset from UTC."""
    logged, counts = status.logged, status.logged.counts
    yield f"{logged.identity} (run {logged.run}): {_state(status)}"
    if not logged.whole:
        yield f"{counts.total} listed so far; the list is not complete"
    else:
        done = counts.completed + counts.failed
        yield (
            f"{counts.total} in total: {counts.completed} completed, {counts.failed} failed, {counts.pending} pending "
            f"({units.percent(done, counts.total)}% done)"
        )
    if logged.reasons:
        yield "failed: " + ", ".join(f"{count} {reason}" for reason, count in logged.reasons)
    if logged.waiting:
        yield f"{logged.waiting} of the pending ones have failed before and will be retried"
    yield f"started {units.local_time(logged.started)}, last event {units.local_time(logged.last_event)}"
    if logged.pace is not None:
        yield f"{units.rate(status.rate)}{_end(status)}"
    if logged.unusable:
        yield f"{logged.unusable} lines of the job log are damaged and were skipped"


def _state(status: RunStatus) -> str:
    logged = status.logged
    if logged.alive:
        return f"running in process {logged.pid}"
    if logged.alive is None:
        return "whether it is running is unknown"
    if logged.ended is None:
        return "stopped unexpectedly: killed, or the machine went down"
    return str(logged.ended)


def _end(status: RunStatus) -> str:
    end = status.estimated_end
    if end is None:
        return ""
    return f", about {units.duration((end - status.at).total_seconds())} left, until {units.local_time(end)}"
