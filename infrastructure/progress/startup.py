"""The activities of a command before its progress display can begin, shown after the first tenth of a second.

Standard library only: it must appear before anything large is imported.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TextIO, cast

from shared.logs import listen

_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR: Final = "\r\x1b[K"
_INTERVAL: Final = 0.1


def is_live_terminal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines on this stream can be redrawn; ``TERM`` is read from ``environ``."""
    return stream.isatty() and environ.get("TERM", "").lower() not in ("dumb", "unknown")


class StartupDisplay:
    """A spinner with the current phases on a terminal; elsewhere one line with what was begun.

    While the spinner is on the screen, ``sys.stderr`` clears its line before
    anything else is written, so that warnings and the spinner never mix.

    Args:
        stream: a text stream, usually standard error.
        quiet: show nothing.
        environ: ``TERM`` is read from here.
    """

    def __init__(self, stream: TextIO, *, quiet: bool, environ: Mapping[str, str]) -> None:
        terminal = is_live_terminal(stream, environ)
        self._stream = stream
        self._spinner = terminal and not quiet
        self._plain = not terminal and not quiet
        self._title = ""
        self._phases: list[str] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._began = time.monotonic()
        self._frame = 0
        self._visible = False
        self._replaced: TextIO | None = None
        listen(self.phase)

    def begin(self, name: str) -> None:
        """Shows the command's activity until ``end``; as a line in plain output, once."""
        with self._lock:
            self._title = name
            if self._plain:
                self._write(f"{name}\n")
            self._show()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Shows a phase while the block runs; several may run at the same time, on any thread."""
        with self._lock:
            self._phases.append(name)
            self._show()
        try:
            yield
        finally:
            with self._lock:
                self._phases.remove(name)
                self._draw()

    def _show(self) -> None:
        self._draw()
        if self._spinner and self._thread is None and not self._stop.is_set():
            self._replaced, sys.stderr = sys.stderr, cast("TextIO", _ClearingStream(self, self._stream))
            self._thread = threading.Thread(target=self._spin, name="startup", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Clears the line, gives standard error back and shows no more activities. May be called again."""
        listen(None)
        self._stop.set()
        with self._lock:
            thread, self._thread = self._thread, None
            if self._replaced is not None:
                sys.stderr, self._replaced = self._replaced, None
            self._clear()
        if thread is not None:
            thread.join()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Clears the spinner while the block writes to the terminal."""
        with self._lock:
            self._clear()
            yield

    def _spin(self) -> None:
        while not self._stop.wait(_INTERVAL):
            with self._lock:
                self._frame += 1
                self._draw()

    def _draw(self) -> None:
        if not self._spinner or self._stop.is_set():
            return
        shown = ", ".join(self._phases) or self._title
        if not shown:
            self._clear()
            return
        line = f"{_FRAMES[self._frame % len(_FRAMES)]} {shown}  {time.monotonic() - self._began:.1f} s"
        self._write(_CLEAR + line[: self._width() - 1])  # a line that wraps could not be cleared
        self._visible = True

    def _clear(self) -> None:
        if self._visible:
            self._write(_CLEAR)
            self._visible = False

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal has gone; the run reports that if it needs the terminal
            self._spinner = self._plain = False


class _ClearingStream:
    """Standard error while the spinner is drawn."""

    def __init__(self, display: StartupDisplay, stream: TextIO) -> None:
        self._display = display
        self._stream = stream

    def write(self, text: str) -> int:
        with self._display.paused():
            return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
