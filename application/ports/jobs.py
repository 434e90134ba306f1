"""What a run does: jobs, how they end, who carries them out, logs them and shows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do.

    Attributes:
        seq: its place in the list, from 0.
        key: an IMDb id or a file.
        rank: in the chart, where there is one.
        label: its name for people, such as the title in the chart; empty if unknown.
        attempt: how often it was taken in this run, this time included.
        spent: HTTP requests used up for it in this run by earlier attempts.
    """

    seq: int
    key: str
    rank: int | None = None
    attempt: int = 1
    spent: int = 0
    label: str = ""


class Status(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one job.

    Attributes:
        job: which one.
        status: how it ended.
        detail: the title saved, or the reason in one line.
        reason: the error's class (``NotFound``, ``StoreUnavailable``); empty when completed.
        retry: a failure that may pass; the job stays pending.
        minor: a failure that leaves the record complete, such as a poster that cannot be read.
        blocked: the site refuses programs; the run should stop.
        unavailable: a store has gone away for good; the run should stop.
        size: body bytes over the wire.
        requests: HTTP requests spent, retries included.
        milliseconds: from start to end in the worker.
        source: where the record came from: ``page``, ``graphql``, ``file``.
        missing: fields that this source could not tell; empty when complete.
        saved_as: the id under which IMDb has the title now, if that is another than the job's.
        fresh: completed without a request, because what is saved is recent enough.
    """

    job: Job
    status: Status
    detail: str = ""
    reason: str = ""
    retry: bool = False
    minor: bool = False
    blocked: bool = False
    unavailable: bool = False
    size: int = 0
    requests: int = 0
    milliseconds: int = 0
    source: str = ""
    missing: tuple[str, ...] = ()
    saved_as: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed for good: its key, the error's class, and the reason in one line."""

    key: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How far a run has come: ``failed`` for good, the rest of ``total`` is pending."""

    total: int
    completed: int
    failed: int

    @property
    def pending(self) -> int:
        """Jobs neither completed nor failed for good."""
        return self.total - self.completed - self.failed


class JobExecutor(Protocol):
    """Carries out jobs, some at a time."""

    def execute(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Generator[Outcome, None, None]:
        """Yields outcomes as they come; takes the next job only when there is room for it.

        ``None`` from ``jobs`` means: none now, ask again when one of those in
        flight is done. Once ``cancel`` is set no new job is taken; those in
        flight still answer. ``work`` runs in worker threads and never raises.
        """


class JobLog(Protocol):
    """Remembers what a run was asked for and how far it came. ``started`` comes from worker threads.

    Every method that writes raises ``StoreUnavailable`` when the log cannot take it.
    """

    @property
    def resumed(self) -> bool:
        """Whether this continues a run that another process left unfinished."""

    @property
    def listed(self) -> bool:
        """Whether the list is whole; until it is, ``list`` must come before everything else."""

    @property
    def counts(self) -> JobCounts:
        """How far the run has come."""

    def list(self, jobs: Iterable[Job]) -> int:
        """Write down all jobs and that the list is whole; answers how many.

        They are numbered anew, without gaps. Empty and repeated keys are left
        out, with one warning that counts them.

        Raises:
            UsageError: more than 100 million jobs.
        """

    @property
    def begun(self) -> datetime:
        """When the run first began, in UTC; the same for every process that goes on with it."""

    def jobs(self) -> Iterator[Job]:
        """All jobs of the list, in its order, whatever came of them."""

    def pending(self) -> Iterator[Job]:
        """Jobs neither completed nor failed for good, in the order of the list, with their tries so far."""

    def reopen(self, stored: Iterable[str]) -> int:
        """Make completed jobs pending again whose title is not among the stored ids; answers how many."""

    def failures(self) -> Iterator[Failure]:
        """Jobs that failed for good, in the order in which they failed."""

    def started(self, job: Job) -> None:
        """Write down that a worker has taken a job."""

    def record(self, outcome: Outcome) -> None:
        """Write down how a job ended."""

    def close(self, reason: str) -> None:
        """Write down why the run ended, and let go of the file."""


class Progress(Protocol):
    """A progress display. ``started`` and ``phase`` come from worker threads, the rest from the main thread."""

    def begin(self, label: str, total: int) -> None:
        """Begins a run of ``total`` jobs; may follow another run."""

    def started(self, job: Job) -> None:
        """Shows that a worker has taken a job."""

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        """Shows what a worker does now: ``fetch``, ``parse``, ``save``, ``wait``."""

    def done(self, outcome: Outcome) -> None:
        """Counts a job that has ended."""

    def note(self, message: str) -> None:
        """Shows a line to the user, above the bar."""

    def end(self) -> None:
        """Ends the display and gives the terminal back. May be called again."""
