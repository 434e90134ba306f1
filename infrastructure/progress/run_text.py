"""The text of a run: its numbers, durations and times for people, its summary, and its ``status``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from application.run_jobs import Summary
    from application.run_report import RunStatus

_MAX_FAILURES: Final = 20  # named one by one in a summary


def percent(part: int, whole: int) -> int:
    """Whole percent, rounded down: 100 only if the part is the whole."""
    return 100 if whole <= 0 else max(0, min(part, whole)) * 100 // whole


def rate(per_second: float) -> str:
    """``12.3/s``; below one per second ``30.0/min``."""
    return f"{per_second:.1f}/s" if per_second >= 1 or per_second == 0 else f"{per_second * 60:.1f}/min"


def size(count: float) -> str:
    """Bytes in decimal units: ``1.6 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``0:14``, ``1:02:03``, ``2 d 03:00``: rounded to seconds, from a day on to minutes."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def elapsed(seconds: float) -> str:
    """``1.9 s`` below a minute, else as ``duration``."""
    return f"{seconds:.1f} s" if seconds < 59.95 else duration(seconds)


def local_time(moment: datetime | None) -> str:
    """``2026-01-31 14:05:09 +01:00``: local time with its offset from UTC."""
    if moment is None:
        return "unknown"
    return moment.astimezone().isoformat(" ", "seconds").replace("+", " +").replace("-00:00", " +00:00")


def summary_lines(summary: Summary, *, noun: str = "titles", speed: bool = False) -> Iterator[str]:
    """One line of counts, one of speed if requested, then the failures.

    Args:
        noun: the jobs in the plural, such as "titles"; "files" are parsed, all else is fetched.
        speed: add requests, size and rate, if there was any work.
    """
    counts = (
        (summary.fresh, "already fresh"),
        (summary.incomplete, "incomplete"),
        (summary.failed, "failed"),
        (summary.pending, "pending"),
    )
    parts = [f"{'parsed' if noun == 'files' else 'fetched'} {summary.fetched} {noun}"]
    parts += [f"{count} {word}" for count, word in counts if count]
    yield f"{', '.join(parts)}; {elapsed(summary.elapsed)}"
    if speed and summary.fetched and summary.elapsed:
        yield (
            f"{summary.requests} requests, {size(summary.size)}, {summary.retried} retries, "
            f"{rate(summary.rate)}; {summary.workers} workers, busy {summary.utilisation * 100:.0f}% of the time"
        )
    if summary.failed:
        yield _reasons(summary.reasons)
        for failure in summary.failures[:_MAX_FAILURES]:
            yield f"  {failure.key}  {failure.reason}: {failure.detail}"
        if summary.failed > _MAX_FAILURES:
            yield f"  and {summary.failed - _MAX_FAILURES} more"


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
            f"({percent(done, counts.total)}% done)"
        )
    if logged.reasons:
        yield _reasons(logged.reasons)
    if logged.waiting:
        yield f"{logged.waiting} of the pending ones have failed before and will be retried"
    yield f"started {local_time(logged.started)}, last event {local_time(logged.last_event)}"
    if logged.pace is not None:
        yield f"{rate(status.rate)}{_end(status)}"
    if logged.unusable:
        yield f"{logged.unusable} lines of the job log are damaged and were skipped"


def _reasons(counted: Iterable[tuple[str, int]]) -> str:
    return "failed: " + ", ".join(f"{count} {reason}" for reason, count in counted)


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
    return f", about {duration((end - status.at).total_seconds())} left, until {local_time(end)}"
