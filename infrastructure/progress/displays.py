"""The state of a run, the displays that need no terminal, the guard around every display, and the choice of one."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TextIO

import msgspec
from msgspec.structs import replace

from application.ports.runs import Job, Outcome, Progress, Status
from infrastructure.progress import run_text
from infrastructure.progress.startup import is_live_terminal
from shared.clock import Clock
from shared.logs import SCREEN, LineWriter
from shared.secret import mask
from shared.text import printable, text_to_path

log = logging.getLogger(__name__)
screen = logging.getLogger(SCREEN)
_WINDOW: Final = 20  # samples, at most one a second: the rate covers the last 20 seconds


class ActiveJob(msgspec.Struct, frozen=True):
    """A job in progress, its current phase, and the seconds since a worker took it."""

    job: Job
    phase: str
    attempt: int
    seconds: float


class ProgressSnapshot(msgspec.Struct, frozen=True):
    """A run at one moment.

    Attributes:
        done: jobs completed or failed for good, ``failed`` included.
        retried: failures whose job stays pending.
        rate: jobs done per second, over the last 20 seconds.
        byte_rate: body bytes per second, over the last 20 seconds.
        left: seconds until all jobs are done at this rate; ``None`` while it is unknown.
        active: jobs that workers have in hand, longest-running first.
    """

    label: str
    total: int
    done: int
    failed: int
    retried: int
    rate: float
    byte_rate: float
    left: float | None
    active: tuple[ActiveJob, ...]


class ProgressState:
    """The state of a run, which displays are derived from. Thread-safe; memory: one entry for each active job."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._active: dict[int, tuple[Job, str, int, float]] = {}
        self._reset("", 0)

    def begin(self, label: str, total: int) -> None:
        """Starts a run: all counts are zero."""
        with self._lock:
            self._reset(label, total)

    def started(self, job: Job) -> None:
        """Adds the job to the active ones."""
        with self._lock:
            self._active[job.seq] = (job, "", job.attempt, self._clock.monotonic())

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        """Sets the job's phase; an unknown job counts as started now."""
        now = self._clock.monotonic()
        with self._lock:
            since = self._active[job.seq][3] if job.seq in self._active else now
            self._active[job.seq] = (job, phase, attempt, since)

    def done(self, outcome: Outcome) -> None:
        """Counts a job that has ended; one that stays pending is not done."""
        now = self._clock.monotonic()
        with self._lock:
            self._active.pop(outcome.job.seq, None)
            self._size += outcome.size
            if outcome.status is Status.FAILED and outcome.retry:
                self._retried += 1
            elif outcome.status is not Status.CANCELLED:
                self._done += 1
                self._failed += outcome.status is Status.FAILED
            if now - self._samples[-1][0] >= 1:
                self._samples.append((now, self._done, self._size))

    def counts(self) -> tuple[int, int]:
        """Jobs done and jobs in total; cheaper than a snapshot."""
        with self._lock:
            return self._done, self._total

    def snapshot(self) -> ProgressSnapshot:
        """The run as it is now."""
        now = self._clock.monotonic()
        with self._lock:
            since, done, size = self._samples[0]
            span = now - since
            rate = (self._done - done) / span if span > 0 else 0.0
            left = (self._total - self._done) / rate if rate else None
            active = sorted(self._active.values(), key=lambda entry: entry[3])
            return ProgressSnapshot(
                label=self._label,
                total=self._total,
                done=self._done,
                failed=self._failed,
                retried=self._retried,
                rate=rate,
                byte_rate=(self._size - size) / span if span > 0 else 0.0,
                left=left if self._done < self._total else 0.0,
                active=tuple(ActiveJob(job, phase, attempt, now - at) for job, phase, attempt, at in active),
            )

    def _reset(self, label: str, total: int) -> None:
        self._label = label
        self._total = total
        self._done = self._failed = self._retried = self._size = 0
        self._active.clear()
        self._samples = deque([(self._clock.monotonic(), 0, 0)], _WINDOW)


class NullProgress:
    """Shows nothing: for ``--quiet``."""

    def begin(self, label: str, total: int) -> None: ...

    def started(self, job: Job) -> None: ...

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None: ...

    def done(self, outcome: Outcome) -> None: ...

    def note(self, message: str) -> None: ...

    def end(self) -> None: ...


class PlainProgress(ProgressState):
    """Writes a line when ``seconds`` have passed, or a second and another 10 % of the jobs are done.

    Lines are written when a job ends; there is no thread.
    """

    def __init__(self, stream: TextIO, clock: Clock, *, seconds: float = 10.0) -> None:
        super().__init__(clock)
        self._writer = LineWriter(lambda: stream)
        self._seconds = seconds
        self._shown_at = 0.0
        self._shown_done = 0

    def begin(self, label: str, total: int) -> None:
        super().begin(label, total)
        self._shown_at = self._clock.monotonic()
        self._shown_done = 0
        self.note(f"{label}: {total} to do")

    def done(self, outcome: Outcome) -> None:
        super().done(outcome)
        done, total = self.counts()
        passed = self._clock.monotonic() - self._shown_at
        advance = run_text.percent(done, total) - run_text.percent(self._shown_done, total)
        if passed >= self._seconds or (passed >= 1 and advance >= 10):
            self._show(self.snapshot())

    def note(self, message: str) -> None:
        self._writer.write(message)

    def end(self) -> None:
        snapshot = self.snapshot()
        if snapshot.done != self._shown_done:
            self._show(replace(snapshot, left=None))  # remaining jobs are not waited for

    def _show(self, snapshot: ProgressSnapshot) -> None:
        self._shown_at = self._clock.monotonic()
        self._shown_done = snapshot.done
        self.note(progress_line(snapshot))


def progress_line(snapshot: ProgressSnapshot) -> str:
    """The run in one line: ``[ 29%] 72/250, 12.3/s, 19.7 MB/s, 1 failed, 0:14 left``."""
    parts = [
        f"[{run_text.percent(snapshot.done, snapshot.total):3}%] {snapshot.done}/{snapshot.total}",
        run_text.rate(snapshot.rate),
        f"{run_text.size(snapshot.byte_rate)}/s",
    ]
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    if snapshot.retried:
        parts.append(f"{snapshot.retried} retried")
    if snapshot.left is not None and snapshot.done < snapshot.total:
        parts.append(f"{run_text.duration(snapshot.left)} left")
    return ", ".join(parts)


class FileProgress(NullProgress):
    """Writes ``[5/20 | 25%] page.html: complete, The Title`` when a file is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._total = 0
        self._done = 0

    def begin(self, label: str, total: int) -> None:
        self._total, self._done = total, 0
        self._say(f"{label}: {total} files to parse")

    def done(self, outcome: Outcome) -> None:
        if outcome.status is Status.CANCELLED:
            return
        self._done += 1
        share = run_text.percent(self._done, self._total)
        self._say(
            f"[{self._done}/{self._total} | {share}%] {text_to_path(outcome.job.key).name}: {_file_result(outcome)}"
        )

    def note(self, message: str) -> None:
        self._say(message)


def _file_result(outcome: Outcome) -> str:
    if outcome.status is Status.FAILED:
        return f"{_REASONS.get(outcome.reason, outcome.reason)}: {outcome.detail}"
    if outcome.source == "chart":
        return outcome.detail
    if outcome.missing:
        return f"partial (missing: {', '.join(outcome.missing)}), {outcome.detail}"
    return f"complete, {outcome.detail}"


_REASONS: Final = {
    "BlockedPage": "blocked",
    "NotATitlePage": "not a title",
    "UnreadableFile": "unreadable",
    "InvalidMovie": "invalid values",
}


class GuardedProgress:
    """Forwards every call to a display until the display raises; then logs one warning and shows nothing more.

    Notes are masked, cannot contain control characters, and are written to the log file too.
    """

    def __init__(self, display: Progress) -> None:
        self._display = display

    def begin(self, label: str, total: int) -> None:
        screen.info("%s: %d to do", label, total)
        self._try(lambda: self._display.begin(label, total))

    def started(self, job: Job) -> None:
        self._try(lambda: self._display.started(job))

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._try(lambda: self._display.phase(job, phase, attempt))

    def done(self, outcome: Outcome) -> None:
        self._try(lambda: self._display.done(outcome))

    def note(self, message: str) -> None:
        message = printable(mask(message))
        screen.info("%s", message)
        self._try(lambda: self._display.note(message))

    def end(self) -> None:
        self._try(self._display.end)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - a broken terminal must not end the run
            self._switch_off(error)

    def _switch_off(self, error: Exception) -> None:
        broken, self._display = self._display, NullProgress()
        if type(broken) is NullProgress:
            return  # another thread has switched it off already
        try:
            broken.end()
        except Exception as second:  # noqa: BLE001 - the first error is the one to report
            log.debug("the progress display could not be closed either: %r", second)
        log.warning("the progress display failed and is switched off: %r", error, exc_info=error)


def progress_for(
    stream: TextIO, *, quiet: bool, clock: Clock, environ: Mapping[str, str], cancel: threading.Event | None = None
) -> GuardedProgress:
    """A live display on a terminal, plain lines elsewhere, nothing when quiet.

    Args:
        environ: ``TERM`` (``dumb`` and ``unknown`` get plain lines) and ``NO_COLOR`` are read from here
            (https://no-color.org: present and not empty means no colours).
    """
    if quiet:
        return GuardedProgress(NullProgress())
    if not is_live_terminal(stream, environ):
        return GuardedProgress(PlainProgress(stream, clock))
    from rich.console import Console

    from infrastructure.progress.live import LiveProgress

    console = Console(file=stream, no_color=bool(environ.get("NO_COLOR")), highlight=False, soft_wrap=False)
    return GuardedProgress(LiveProgress(console, clock, cancel=cancel))
