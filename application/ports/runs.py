"""Jobs and runs: outcomes, job log, progress, history and reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.chart import ChartEntry

# --- jobs -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work.

    Attributes:
        seq: its place in the list, from 0.
        key: an IMDb id or a file.
        rank: in the chart, if there is one.
        label: its name for people, such as the title in the chart; empty if unknown.
        attempt: how often it was started in this run, this time included.
        spent: HTTP requests of earlier attempts in this run.
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
    """The result of one job.

    Attributes:
        detail: the title saved, or the reason in one line.
        reason: the error's class (``NotFound``, ``StoreUnavailable``); empty when completed.
        retry: a failure that may pass; the job stays pending.
        minor: a failure that leaves the record complete, such as a poster that cannot be read.
        blocked: the site refuses automated clients; the run should stop.
        unavailable: a store is unavailable for good; the run should stop.
        size: body bytes received.
        requests: HTTP requests sent, retries included.
        milliseconds: from start to end in the worker.
        source: where the record came from: ``page``, ``graphql``, ``file``.
        missing: fields that this source did not have; empty when complete.
        saved_as: IMDb's current id of the title, if that is another than the job's.
        fresh: completed without a request, because the saved record is recent enough.
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
    """The progress of a run: ``failed`` for good, the rest of ``total`` is pending."""

    total: int
    completed: int
    failed: int

    @property
    def pending(self) -> int:
        """Jobs neither completed nor failed for good."""
        return self.total - self.completed - self.failed


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What a run works on. A log continues only the run that it was created for.

    Attributes:
        work: ``scrape``, ``parse``, ``posters``.
        subject: a chart's name, a list or a folder.
        site: the site's address, where there is one.
        limit: how many jobs at most; ``None``: all.
    """

    work: str
    subject: str
    site: str = ""
    limit: int | None = None

    def __str__(self) -> str:
        at = f" at {self.site}" if self.site else ""
        limit = "" if self.limit is None else f", the first {self.limit}"
        return f"{self.work} of {self.subject}{at}{limit}"


class JobExecutor(Protocol):
    """Executes jobs, some at a time."""

    def execute(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Generator[Outcome, None, None]:
        """Yields outcomes as they complete; takes the next job only when a worker is free.

        ``None`` from ``jobs`` means: none at the moment, ask again when a job in flight
        has ended. Once ``cancel`` is set no new job is taken; those in flight still
        yield their outcome. ``work`` runs in worker threads and never raises.
        """


class JobLog(Protocol):
    """The log of a run's jobs and outcomes. ``started`` is called from worker threads.

    Every method that writes raises ``StoreUnavailable`` when the log cannot be written.
    """

    @property
    def resumed(self) -> bool:
        """Whether this continues a run that another process left unfinished."""

    @property
    def listed(self) -> bool:
        """Whether the list is complete; until it is, ``list`` must be called before any other method."""

    @property
    def counts(self) -> JobCounts:
        """The progress of the run."""

    def list(self, jobs: Iterable[Job]) -> int:
        """Records all jobs and the end of the list; returns their number.

        They are numbered again, without gaps. Empty and repeated keys are left
        out, with one warning that counts them.

        Raises:
            UsageError: more than 100 million jobs.
        """

    @property
    def begun(self) -> datetime:
        """When the run first began, in UTC; the same in every process that resumes it."""

    def jobs(self) -> Iterator[Job]:
        """All jobs of the list, in its order, with any outcome."""

    def pending(self) -> Iterator[Job]:
        """Jobs neither completed nor failed for good, in the order of the list, with their tries so far."""

    def reopen(self, stored: Iterable[str]) -> int:
        """Makes completed jobs pending again whose title is not among the stored ids; returns their number."""

    def failures(self) -> Iterator[Failure]:
        """Jobs that failed for good, in the order in which they failed."""

    def started(self, job: Job) -> None:
        """Records that a worker has started a job."""

    def record(self, outcome: Outcome) -> None:
        """Records the outcome of a job."""

    def close(self, reason: str) -> None:
        """Records why the run ended, and closes the file."""


class Progress(Protocol):
    """A progress display. ``started`` and ``phase`` come from worker threads, the rest from the main thread."""

    def begin(self, label: str, total: int) -> None:
        """Begins a run of ``total`` jobs; may follow another run."""

    def started(self, job: Job) -> None:
        """Shows that a worker has started a job."""

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        """Shows the worker's current phase: ``fetch``, ``parse``, ``save``, ``wait``."""

    def done(self, outcome: Outcome) -> None:
        """Counts a job that has ended."""

    def note(self, message: str) -> None:
        """Shows a line to the user, above the bar."""

    def end(self) -> None:
        """Ends the display and restores the terminal. May be called again."""


# --- history and reports --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A place in a chart of one run."""

    rank: int
    imdb_id: str
    rating: float | None = None
    votes: int | None = None


@dataclass(frozen=True, slots=True)
class ChartSnapshot:
    """The chart of one complete run, in rank order; ``taken_at`` is the end of the run, in UTC."""

    run_id: str
    chart: str
    taken_at: datetime
    entries: tuple[RankedTitle, ...]


class ChartHistory(Protocol):
    """The charts of earlier runs."""

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        """The last ``limit`` complete runs of each chart, oldest first.

        Raises:
            StoreUnavailable: they cannot be read at the moment.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """A scraping run; identified by site, chart and start, also when it is resumed.

    Attributes:
        chart: its name; ``None`` for a list of ids.
        asked: number of titles.
        started_at: when it first began, in UTC.
        fresh_since: records read since then belong to this run; ``None``: since it began.
    """

    site: str
    chart: str | None
    asked: int
    started_at: datetime
    fresh_since: datetime | None = None


class RunHistory(Protocol):
    """Records every run and its chart."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        """Records the begin of a new or resumed run, and its chart.

        Raises:
            StoreUnavailable: it cannot be written at the moment.
            RecordRejected: the database refuses it.
        """

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        """Records the end of a run, with the saved ratings and votes. Called again if the run is resumed.

        Args:
            saved, failed: titles, including those of earlier processes of the run.
            complete: the run was for the whole chart and saved it.
            finished_at: now, in UTC.

        Raises:
            StoreUnavailable: it cannot be written at the moment.
            RecordRejected: the database refuses it.
        """


Value: TypeAlias = str | int | float | Decimal | None
"""A cell of a table for people; what has no number or text of its own comes as ISO 8601 or JSON."""


@dataclass(frozen=True, slots=True)
class TableOfValues:
    """A table for people to read; ``rows`` may be a stream that can be read once."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Value, ...]]


class Reports(Protocol):
    """Queries with names that the database supports."""

    def names(self) -> tuple[str, ...]:
        """The names of the reports."""

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        """The results of these reports, or of all.

        Raises:
            UsageError: there is no such report.
            StoreUnavailable: the database cannot be reached.
        """


# --- checks of doctor -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; ``advice`` is what to do, empty if nothing."""

    subject: str
    ok: bool
    detail: str
    advice: str = ""
