"""A face for terminals: an overall bar, and below it a line for each busy worker.

One ``rich.live.Live`` over the board, redrawn four times a second by one
thread. rich's own progress columns cost ten times as much at fifty lines.
Imported only when a terminal is there: rich takes a tenth of a second to load.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from typing import Final

from rich.cells import set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from application.ports import Job, Outcome
from infrastructure.progress import figures
from infrastructure.progress.board import Board, Busy, Snapshot
from shared.clock import Clock
from shared.printable import printable

log = logging.getLogger(__name__)

_CELL: Final = 38  # columns that one worker takes
_LEAST_BAR: Final = 8


class LiveProgress:
    """Redraws itself from a thread of its own between ``begin`` and ``end``.

    The cursor stays visible, so that a process that ends without a word leaves
    a usable terminal behind.
    """

    def __init__(self, console: Console, clock: Clock, *, interval: float = 0.25) -> None:
        self._console = console
        self._interval = interval
        self._board = Board(clock)
        self._stop = threading.Event()
        self._notes: deque[str] = deque()
        self._live: Live | None = None
        self._thread: threading.Thread | None = None

    def begin(self, label: str, total: int) -> None:
        self.end()
        self._board.begin(label, total)
        self._stop = threading.Event()
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            get_renderable=self._frame,
            redirect_stdout=sys.stdout.isatty(),  # what goes into a pipe or a file is not ours to show
        )
        self._live.start()
        self._console.show_cursor()
        self._thread = threading.Thread(
            target=self._redraw, args=(self._live, self._stop), name="progress", daemon=True
        )
        self._thread.start()

    def started(self, job: Job) -> None:
        self._board.started(job)

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._board.phase(job, phase, attempt)

    def done(self, outcome: Outcome) -> None:
        self._board.done(outcome)

    def note(self, message: str) -> None:
        # Left to the thread that draws: this may be a signal handler in the middle of anything.
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
                log.warning("the screen cannot be redrawn and stands still from here on", exc_info=True)
                return

    def _show_notes(self) -> None:
        while self._notes:
            self._console.print(Text(self._notes.popleft()))

    def _frame(self) -> RenderableType:
        snapshot = self._board.snapshot()
        width, height = self._console.size
        if self._stop.is_set():  # the last frame stays on the screen: the bar alone
            return overall(snapshot, width)
        return Group(overall(snapshot, width), *workers(snapshot.busy, width, height - 2))


def overall(snapshot: Snapshot, width: int) -> RenderableType:
    """The bar with as many figures as fit; the least important go first."""
    figures_by_weight = [
        f"{snapshot.done}/{snapshot.total}",
        f"{figures.percent(snapshot.done, snapshot.total)}%",
        f"{snapshot.failed} failed" if snapshot.failed else "",
        f"{figures.duration(snapshot.left)} left" if snapshot.left else "",
        figures.rate(snapshot.rate),
        f"{figures.size(snapshot.byte_rate)}/s",
    ]
    shown = [figure for figure in figures_by_weight if figure]
    while len(shown) > 1 and len("  ".join(shown)) + _LEAST_BAR + 2 > width:
        shown.pop()
    text = "  ".join(shown)
    label = snapshot.label if len(snapshot.label) + len(text) + _LEAST_BAR + 4 <= width else ""
    bar_width = width - len(text) - 2 - (len(label) + 2 if label else 0)
    if bar_width < _LEAST_BAR:
        return Text(text, no_wrap=True, overflow="ellipsis")
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    bar = ProgressBar(total=max(1, snapshot.total), completed=snapshot.done, width=bar_width)
    styled = Text(text, style="bold", no_wrap=True)
    if snapshot.failed:
        styled.highlight_words([f"{snapshot.failed} failed"], "red")
    table.add_row(*((Text(label, no_wrap=True),) if label else ()), bar, styled)
    return table


def workers(busy: tuple[Busy, ...], width: int, rows: int) -> list[Text]:
    """A line for each worker, in several columns where there are more workers than rows."""
    rows = max(1, rows)
    columns = max(1, min(width // _CELL, -(-len(busy) // rows)))
    room = rows * columns
    cells = [_cell(each) for each in busy[:room]]
    if len(busy) > room:
        cells[-1] = f"and {len(busy) - room + 1} more"
    height = -(-len(cells) // columns)
    lines = []
    for row in range(height):
        line = "".join(set_cell_size(cell, _CELL) if columns > 1 else cell for cell in cells[row::height])
        lines.append(Text(line.rstrip(), style="dim", no_wrap=True, overflow="ellipsis"))
    return lines


def _cell(busy: Busy) -> str:
    again = f"  attempt {busy.attempt}" if busy.attempt > 1 else ""
    return f"  {printable(busy.key[-20:]):<10}  {busy.phase:<5} {busy.seconds:5.1f} s{again}"
