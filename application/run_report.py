"""The report of a run for people and monitoring systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from application.run_jobs import RunResult, StopReason

if TYPE_CHECKING:
    from application.chart_changes import Move

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
