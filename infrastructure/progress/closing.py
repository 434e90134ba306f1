"""The closing words of a run, as plain lines."""

from __future__ import annotations

from collections.abc import Iterator

from application.summary import Summary
from infrastructure.progress import figures


def closing_lines(summary: Summary, *, noun: str = "titles", listed: int = 20) -> Iterator[str]:
    """What came of the run: one line of totals, one of speed, then the failures.

    Args:
        summary: of the run.
        noun: what the jobs are, in the plural.
        listed: how many failures are named one by one.
    """
    yield (
        f"saved {summary.saved} {noun} in {summary.elapsed:.1f} s ({summary.pages_per_second:.1f} a second), "
        f"{summary.requests} requests, {figures.size(summary.size)}"
    )
    if summary.saved and summary.busy and summary.elapsed:
        yield (
            f"{summary.speed_up:.1f} times as fast as one after the other; "
            f"{summary.workers} workers, busy {summary.utilisation * 100:.0f}% of the time"
        )
    if summary.partial:
        yield f"{summary.partial} of them incomplete: their source could not tell every field"
    if summary.retried:
        yield f"tried again: {summary.retried}"
    if summary.cancelled:
        yield f"{summary.cancelled} cut off; they stay pending"
    if summary.failed:
        yield f"{summary.failed} failed: " + ", ".join(f"{count} {reason}" for reason, count in summary.reasons)
        for failure in summary.failures[:listed]:
            yield f"  {failure.key}  {failure.reason}: {failure.detail}"
        if summary.failed > listed:
            yield f"  and {summary.failed - listed} more"
