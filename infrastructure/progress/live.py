"""The progress display for terminals: an overall bar, and below it the jobs that have run longest.

One ``rich.live.Live``, redrawn four times a second by one thread; rich's own
progress columns cost ten times as much with fifty jobs. Import this module only
for a terminal: rich takes a tenth of a second to load.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from infrastructure.progress import run_text
from infrastructure.progress.displays import ActiveJob, ProgressSnapshot, ProgressState
from shared.clock import Clock
from shared.text import printable

log = logging.getLogger(__name__)

MAX_LINES: Final = 8
_MIN_BAR: Final = 8
_MAX_BAR: Final = 60
_MAX_NAME: Final = 60
_MIN_NAME: Final = 10
_WIDE: Final = 60  # columns from which on the attempt has room


class LiveProgress(ProgressState):
    """Redraws itself from its own thread between ``begin`` and ``end``.

    The cursor stays visible, so that a killed process leaves a usable terminal.

    Args:
        interval: seconds between two frames.
        cancel: no rate and no time left are shown once it is set.
    """

    def __init__(
        self, console: Console, clock: Clock, *, interval: float = 0.25, cancel: threading.Event | None = None
    ) -> None:
        super().__init__(clock)
        self._console = console
        self._interval = interval
        self._cancel = cancel or threading.Event()
        self._stop = threading.Event()
        self._notes: deque[str] = deque()
        self._live: Live | None = None
        self._thread: threading.Thread | None = None

    def begin(self, label: str, total: int) -> None:
        self.end()
        super().begin(label, total)
        self._stop = threading.Event()
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            get_renderable=self._frame,
            redirect_stdout=sys.stdout.isatty(),  # output to a pipe or a file must not appear on the terminal
        )
        self._live.start(refresh=True)
        self._console.show_cursor()
        self._thread = threading.Thread(
            target=self._redraw, args=(self._live, self._stop), name="progress", daemon=True
        )
        self._thread.start()

    def note(self, message: str) -> None:
        # The drawing thread prints it: the caller may be a signal handler that interrupted a print.
        self._notes.append(message)
        if self._thread is None or not self._thread.is_alive():
            self._show_notes()

    def end(self) -> None:
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._show_notes()
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _redraw(self, live: Live, stop: threading.Event) -> None:
        while not stop.wait(self._interval):
            try:
                self._show_notes()
                live.refresh()
            except Exception:
                log.warning("the progress display cannot be redrawn and stops here", exc_info=True)
                return

    def _show_notes(self) -> None:
        while self._notes:
            self._console.print(Text(self._notes.popleft()))

    def _frame(self) -> RenderableType:
        snapshot = self.snapshot()
        width, height = self._console.size
        if self._stop.is_set():  # the last frame stays on the screen
            return overall_line(snapshot, width, final=True)
        line = overall_line(snapshot, width, final=self._cancel.is_set())
        return Group(line, *job_lines(snapshot.active, width, height - 2))


def overall_line(snapshot: ProgressSnapshot, width: int, *, final: bool = False) -> RenderableType:
    """The bar with as many numbers as fit, the most important first; a ``final`` one has no rate and no time left."""
    numbers = [
        f"{snapshot.done}/{snapshot.total}",
        f"{run_text.percent(snapshot.done, snapshot.total)}%",
        f"{snapshot.failed} failed" if snapshot.failed else "",
    ]
    if not final:
        numbers += [
            f"{run_text.duration(snapshot.left)} left" if snapshot.left else "",
            run_text.rate(snapshot.rate),
            f"{run_text.size(snapshot.byte_rate)}/s",
        ]
    shown = [number for number in numbers if number]
    while len(shown) > 1 and len("  ".join(shown)) + _MIN_BAR + 2 > width:
        shown.pop()
    text = "  ".join(shown)
    label = printable(snapshot.label)
    label = label if cell_len(label) + len(text) + _MIN_BAR + 4 <= width else ""
    bar_width = min(_MAX_BAR, width - len(text) - 2 - (cell_len(label) + 2 if label else 0))
    if bar_width < _MIN_BAR:
        return Text(text, no_wrap=True, overflow="ellipsis")
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    bar = ProgressBar(total=max(1, snapshot.total), completed=snapshot.done, width=bar_width)
    styled = Text(text, style="bold", no_wrap=True)
    if snapshot.failed:
        styled.highlight_words([f"{snapshot.failed} failed"], "red")
    table.add_row(*((Text(label, no_wrap=True),) if label else ()), bar, styled)
    return table


def job_lines(active: tuple[ActiveJob, ...], width: int, rows: int) -> list[Text]:
    """At most ``MAX_LINES`` jobs, longest-running first, and how many more there are."""
    rows = max(1, rows)
    shown = active if len(active) <= min(rows, MAX_LINES) else active[: min(rows - 1, MAX_LINES)]
    lines = [_job_line(each, width) for each in shown]
    if len(active) > len(shown):
        lines.append(f"  and {len(active) - len(shown)} more")
    return [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]


def _job_line(active: ActiveJob, width: int) -> str:
    job = active.job
    rank = "" if job.rank is None else f"{job.rank:>4}  "
    right = f"  {active.phase:<5} {active.seconds:5.1f} s"
    attempt = f"  attempt {active.attempt}" if active.attempt > 1 else ""
    reserved = len("  attempt 2") if width >= _WIDE else 0
    room = min(_MAX_NAME, width - 2 - len(rank) - len(right) - reserved)
    return f"  {rank}{_fitted(job.label or job.key, max(room, _MIN_NAME))}{right}{attempt if reserved else ''}"


def _fitted(text: str, width: int) -> str:
    """The text in exactly so many terminal cells, shortened with an ellipsis."""
    text = printable(text)
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)
