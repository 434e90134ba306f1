"""Every port on one page: what the program needs from the world, and what may go wrong there.

Adapters live in ``infrastructure`` and satisfy these by shape; nothing inherits.
The small values that cross a port (a job, an outcome, a title as it was read)
stand here too. A cancel event is a ``threading.Event``: once set, every wait
ends at once and the call raises ``domain.errors.Cancelled``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from application.records import Row, Table
from domain.chart import ChartEntry, ChartName
from domain.movie import Movie

# --- values ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do.

    Attributes:
        seq: its place in the list, from 0.
        key: an IMDb id or a file.
        rank: in the chart, where there is one.
        attempt: how often it was taken in this run, this time included.
        spent: HTTP requests used up for it in this run by earlier attempts.
    """

    seq: int
    key: str
    rank: int | None = None
    attempt: int = 1
    spent: int = 0


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
        blocked: the site refuses programs; the run should stop.
        unavailable: a store has gone away for good; the run should stop.
        size: body bytes over the wire.
        requests: HTTP requests spent, retries included.
        milliseconds: from start to end in the worker.
        source: where the record came from: ``page``, ``graphql``, ``file``.
        missing: fields that this source could not tell; empty when complete.
        saved_as: the id under which IMDb has the title now, if that is another than the job's.
    """

    job: Job
    status: Status
    detail: str = ""
    reason: str = ""
    retry: bool = False
    blocked: bool = False
    unavailable: bool = False
    size: int = 0
    requests: int = 0
    milliseconds: int = 0
    source: str = ""
    missing: tuple[str, ...] = ()
    saved_as: str = ""


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


@dataclass(frozen=True, slots=True)
class FetchedTitle:
    """A title as a source read it.

    Attributes:
        movie: the record; without a rank, unless the source was given the chart.
        source: ``page``, ``graphql`` or ``file``.
        missing: fields the source could not tell, which is not the same as the
            title having none; a saved older value must not be blanked by them.
        size: body bytes over the wire.
        requests: HTTP requests spent, retries included.
    """

    movie: Movie
    source: str
    missing: frozenset[str] = frozenset()
    size: int = 0
    requests: int = 0


# --- where movies come from -----------------------------------------------------


class ChartSource(Protocol):
    """One place where a chart can be read."""

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        """What this source has of the chart, in any order; it need not be complete.

        Raises:
            SourceError: nothing could be read.
        """


class TitleSource(Protocol):
    """Where one title can be read. Called from many threads at once."""

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        """Fetch and read one title, with at most ``max_requests`` HTTP requests.

        The movie's id differs from ``imdb_id`` only if IMDb has moved the title.

        Raises:
            SourceError: as its class says; ``requests`` and ``size`` are filled in.
            InvalidMovie: the page holds values that cannot be true.
        """


# --- where movies go ------------------------------------------------------------


class MovieRepository(Protocol):
    """A store of movies. Called from many threads at once."""

    @property
    def name(self) -> str:
        """What messages call it: ``csv``, ``postgres``."""

    def save(self, movie: Movie) -> None:
        """Insert or replace one movie with its credits; durable when this returns.

        An older record (``scraped_at``) never replaces a newer one, nor does it
        name anybody; one of the same time does. Where two movies name a person
        differently, the newer movie's name stays, then the smaller id's; it
        stays too when that movie no longer credits the person.

        Raises:
            StoreUnavailable: nothing was saved; may work later.
            RecordRejected: this record can never be saved (NUL, half a surrogate pair); the message names the column.
        """

    def find(self, imdb_id: str) -> Movie | None:
        """The movie as it is stored, or ``None``.

        Raises:
            StoreError: it is there, but cannot be read as a movie.
        """

    def ids(self) -> Iterator[str]:
        """The ids of all movies, in no order; of several stores in one, those that each of them holds."""

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of one table as canonical cells, ordered by the table's key.

        Text is ordered by code point, positions by number: ``application.row_order.sort_key``.
        Streams: memory does not grow with the table. Works while another process writes.
        """

    def finalize(self) -> None:
        """Bring the store into its final form at the end of a run. May be called again.

        People whom no movie credits any more are dropped here, and only here.
        """

    def close(self) -> None:
        """Let go of files and connections. Saving afterwards is an error."""


class BackgroundRepository(MovieRepository, Protocol):
    """A store that writes on a thread of its own, so that a caller can do other work meanwhile."""

    def save_async(self, movie: Movie) -> Callable[[], None]:
        """Begin what ``save`` does; calling the answer, once, waits for its end.

        Raises:
            RecordRejected: as ``save``. Whatever else ``save`` raises comes from the answer.
        """


# --- how a run is carried out ---------------------------------------------------


class JobExecutor(Protocol):
    """Carries out jobs, some at a time."""

    def execute(
        self, jobs: Iterator[Job | None], work: Callable[[Job], Outcome], cancel: threading.Event
    ) -> Iterator[Outcome]:
        """Outcomes as they come; takes the next job only when there is room for it.

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

    def reopen(self, kept: Container[str]) -> int:
        """Make completed jobs pending again that are not among the ``kept`` ids; answers how many."""

    def failures(self) -> Iterator[Failure]:
        """Jobs that failed for good, in the order in which they failed."""

    def started(self, job: Job) -> None:
        """Write down that a worker has taken a job."""

    def record(self, outcome: Outcome) -> None:
        """Write down how a job ended."""

    def close(self, reason: str) -> None:
        """Write down why the run ended, and let go of the file."""


class Progress(Protocol):
    """A face of the run. ``started`` comes from worker threads, the rest from the main one."""

    def begin(self, label: str, total: int) -> None:
        """A run of so many jobs begins."""

    def started(self, job: Job) -> None:
        """A worker has taken a job."""

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        """What a worker is doing now: ``fetch``, ``parse``, ``save``, ``wait``."""

    def done(self, outcome: Outcome) -> None:
        """A job has ended."""

    def note(self, message: str) -> None:
        """A line for the user, shown above the bar."""

    def end(self) -> None:
        """The run is over; give the screen back."""


# --- posters and the catalogue ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class PosterFile:
    """One file of a poster: ``role`` is ``full`` or ``thumb``, ``format`` ``webp``, ``jpeg``, ``png`` or ``gif``."""

    path: Path
    role: str
    format: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class Poster:
    """A poster that is kept, with what its server said about its version.

    Attributes:
        imdb_id: of its movie.
        url: where it was fetched from.
        etag, last_modified: the server's marks of this version; empty where it gave none.
        checked_at: when the server was last asked, in UTC.
        files: full size first.
    """

    imdb_id: str
    url: str
    etag: str
    last_modified: str
    checked_at: datetime
    files: tuple[PosterFile, ...]


@dataclass(frozen=True, slots=True)
class PosterAnswer:
    """What an image server answered; ``body`` is None where the version asked about is still the one."""

    body: bytes | None
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    size: int = 0
    requests: int = 0


class PosterSource(Protocol):
    """Where posters are fetched. Called from many threads at once."""

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        """Fetch the picture, or learn that the ``known`` one has not changed.

        Raises:
            SourceError: as its class says; ``requests`` and ``size`` are filled in.
        """


class PosterStore(Protocol):
    """Where posters are kept. Called from many threads at once."""

    def find(self, imdb_id: str) -> Poster | None:
        """The poster of a movie if all its files are there and made by today's recipe."""

    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        """Check a picture, make its sizes and put them on the shelf; the ones it replaces are removed.

        Raises:
            UnusablePicture: it is no picture, a broken one or a dangerous one.
            StoreUnavailable: it could not be written.
        """

    def confirm(self, poster: Poster, answer: PosterAnswer, checked_at: datetime) -> None:
        """Write down that the server still has this very version.

        Raises:
            StoreUnavailable: it could not be written.
        """

    def posters(self) -> Iterator[Poster]:
        """Every poster on the shelf whose files are there."""


@dataclass(frozen=True, slots=True)
class RankedTitle:
    """A place in a chart as one run saw it."""

    rank: int
    imdb_id: str
    rating: float | None = None
    votes: int | None = None


@dataclass(frozen=True, slots=True)
class ChartSnapshot:
    """A chart as one complete run saw it, in rank order; ``taken_at`` is the end of the run, in UTC."""

    run_id: str
    chart: str
    taken_at: datetime
    entries: tuple[RankedTitle, ...]


class ChartHistory(Protocol):
    """The charts of earlier runs."""

    def snapshots(self, limit: int) -> tuple[ChartSnapshot, ...]:
        """Of each chart the last ``limit`` complete runs, oldest first.

        Raises:
            StoreUnavailable: they cannot be read now.
        """


# --- history and reports ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """A scraping run; site, chart and start tell it apart, also when it goes on after an interruption.

    Attributes:
        site: where from.
        chart: its name; ``None`` for a list of ids.
        asked: how many titles.
        started_at: when it first began, in UTC.
        fresh_since: records read since then count as this run's; ``None``: since it began.
    """

    site: str
    chart: str | None
    asked: int
    started_at: datetime
    fresh_since: datetime | None = None


class RunHistory(Protocol):
    """Remembers every run and the chart as it saw it."""

    def begin(self, run: Run, entries: Iterable[ChartEntry]) -> None:
        """Write down that a run begins, or goes on, and the chart it works through.

        Raises:
            StoreUnavailable: it cannot be written now.
        """

    def end(self, run: Run, *, saved: int, failed: int, complete: bool, finished_at: datetime) -> None:
        """Write down how a run ended, with the ratings and votes that it saved. May come again if it goes on.

        Args:
            saved, failed: titles, over all sittings of the run.
            complete: the whole chart was asked for and saved.
            finished_at: now, in UTC.

        Raises:
            StoreUnavailable: it cannot be written now.
        """


Value: TypeAlias = str | int | float | Decimal | None
"""A cell of a table for people; what has no number or text of its own comes as ISO 8601 or JSON."""


@dataclass(frozen=True, slots=True)
class TableOfValues:
    """The answer to one question, for people to read; ``rows`` may be a stream that can be read once."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Value, ...]]


class Reports(Protocol):
    """Questions that the database answers."""

    def names(self) -> tuple[str, ...]:
        """What can be asked."""

    def tables(self, names: Iterable[str] = ()) -> Iterator[TableOfValues]:
        """The answers to these questions, or to all.

        Raises:
            UsageError: there is no such question.
            StoreUnavailable: the database cannot be reached.
        """


# --- import and export ------------------------------------------------------------


class Snapshot(Protocol):
    """One moment's picture of a store, in the order that a finished run leaves in the CSV files."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Canonical cells: movies by rank, the rest by id; credits likewise, directors first; people by id."""

    def documents(self) -> Iterator[str]:
        """Each movie as a JSON object with its directors and cast, in the order of the movies."""


class Loader(Protocol):
    """Fills an empty store."""

    def load(self, rows: Callable[[Table], Iterator[Row]]) -> dict[Table, int]:
        """Take over all rows of all tables, or none.

        Args:
            rows: canonical cells of a table, in the order of its key.

        Returns:
            How many rows each table got.

        Raises:
            UsageError: the store is not empty, or a row cannot be true; the message says which.
            StoreUnavailable: the store went away.
        """


class PublishStep(Protocol):
    """One part of publishing that can fail by itself."""

    @property
    def name(self) -> str:
        """What its line calls it."""

    def run(self) -> None:
        """Do it.

        Raises:
            FilmledgerError: it could not be done; the message is the reason.
            OSError: a file could not be read or written.
        """
