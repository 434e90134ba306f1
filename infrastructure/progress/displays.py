"""Progress displays without a terminal, the guard around every display, and the choice between them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from msgspec.structs import replace

from application.ports.runs import Job, Outcome, Progress, Status
from infrastructure.progress import units
from infrastructure.progress.state import ProgressSnapshot, ProgressState
from shared.clock import Clock
from shared.logs import SCREEN, LineWriter
from shared.secret import mask
from shared.text import printable, text_to_path

log = logging.getLogger(__name__)
screen = logging.getLogger(SCREEN)


class NullProgress:
    """Shows nothing: for ``--quiet``."""

    def begin(self, label: str, total: int) -> None: ...

    def started(self, job: Job) -> None: ...

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None: ...

    def done(self, outcome: Outcome) -> None: ...

    def note(self, message: str) -> None: ...

    def end(self) -> None: ...


class PlainProgress:
    """Writes a line when ``seconds`` have passed, or another ``step`` percent are done and ``pause`` seconds passed.

    Lines are written when a job ends; there is no thread.
    """

    def __init__(
        self, stream: TextIO, clock: Clock, *, seconds: float = 10.0, step: int = 10, pause: float = 1.0
    ) -> None:
        self._writer = LineWriter(lambda: stream)
        self._clock = clock
        self._seconds = seconds
        self._step = step
        self._pause = pause
        self._state = ProgressState(clock)
        self._shown_at = 0.0
        self._shown_percent = 0
        self._shown_done = 0

    def begin(self, label: str, total: int) -> None:
        self._state.begin(label, total)
        self._shown_at = self._clock.monotonic()
        self._shown_percent = self._shown_done = 0
        self.note(f"{label}: {total} to do")

    def started(self, job: Job) -> None:
        self._state.started(job)

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._state.phase(job, phase, attempt)

    def done(self, outcome: Outcome) -> None:
        self._state.done(outcome)
        passed = self._clock.monotonic() - self._shown_at
        percent = units.percent(*self._state.counts())
        if passed >= self._seconds or (passed >= self._pause and percent >= self._shown_percent + self._step):
            self._show(self._state.snapshot())

    def note(self, message: str) -> None:
        self._writer.write(message)

    def end(self) -> None:
        snapshot = self._state.snapshot()
        if snapshot.done != self._shown_done:
            self._show(replace(snapshot, left=None))  # remaining jobs are not waited for

    def _show(self, snapshot: ProgressSnapshot) -> None:
        self._shown_at = self._clock.monotonic()
        self._shown_percent = units.percent(snapshot.done, snapshot.total)
        self._shown_done = snapshot.done
        self.note(progress_line(snapshot))


def progress_line(snapshot: ProgressSnapshot) -> str:
    """The run in one line: ``[ 29%] 72/250, 12.3/s, 19.7 MB/s, 1 failed, 0:14 left``."""
    parts = [
        f"[{units.percent(snapshot.done, snapshot.total):3}%] {snapshot.done}/{snapshot.total}",
        units.rate(snapshot.rate),
        f"{units.size(snapshot.byte_rate)}/s",
    ]
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    if snapshot.retried:
        parts.append(f"{snapshot.retried} retried")
    if snapshot.left is not None and snapshot.done < snapshot.total:
        parts.append(f"{units.duration(snapshot.left)} left")
    return ", ".join(parts)


class FileProgress:
    """Writes ``[5/20 | 25%] page.html: complete, The Title`` when a file is done."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._total = 0
        self._done = 0

    def begin(self, label: str, total: int) -> None:
        self._total, self._done = total, 0
        self._say(f"{label}: {total} files to parse")

    def started(self, job: Job) -> None: ...

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None: ...

    def done(self, outcome: Outcome) -> None:
        if outcome.status is Status.CANCELLED:
            return
        self._done += 1
        share = units.percent(self._done, self._total)
        self._say(
            f"[{self._done}/{self._total} | {share}%] {text_to_path(outcome.job.key).name}: {_file_result(outcome)}"
        )

    def note(self, message: str) -> None:
        self._say(message)

    def end(self) -> None: ...


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
        if isinstance(broken, NullProgress):
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


def is_live_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines on this stream can be redrawn."""
    return stream.isatty() and environ.get("TERM", "").lower() not in ("dumb", "unknown")
