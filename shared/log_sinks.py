"""Destinations of log lines: the screen and a file."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TextIO


class LineWriter:
    """Writes lines on a text stream in one piece each, from any thread and from signal handlers.

    No caller waits: the thread that is writing also writes lines that arrive
    meanwhile. A signal handler that interrupts a write could not wait for it, and
    must not write into the middle of it (Python's streams raise RuntimeError).
    """

    def __init__(self, stream: Callable[[], TextIO]) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._turn = threading.Lock()

    def write(self, text: str) -> None:
        """Writes the text and ends the line.

        Raises:
            OSError, ValueError: the stream has gone, or is closed.
        """
        self._waiting.append(text)
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                stream = self._stream()
                while self._waiting:
                    stream.write(self._waiting.popleft() + "\n")
                stream.flush()
            finally:
                self._turn.release()


class ScreenSink:
    """The current standard error: a live display replaces it, to keep its bar below."""

    def __init__(self) -> None:
        self._writer = LineWriter(lambda: sys.stderr)
        self._gone = False

    def write(self, lines: list[str]) -> None:
        """Writes the lines in one piece. After the stream is closed, nothing is written."""
        if self._gone:
            return
        try:
            self._writer.write("\n".join(lines))
        except (OSError, ValueError):  # the terminal or the pipe has gone, or the stream is closed
            self._gone = True


class LogFileSink:
    """A file that only its owner can read. A full disk is reported once on the screen; the run continues.

    Raises:
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, screen: ScreenSink) -> None:
        self._path = path
        self._screen = screen
        self._lock = threading.RLock()  # a signal handler may log in the middle of a line
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "ab", buffering=0, opener=_private)  # noqa: SIM115 - Path.open has no opener

    def write(self, lines: list[str]) -> None:
        """Appends the lines in one piece."""
        data = ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file.closed:
                return
            try:
                while data:
                    data = data[self._file.write(data) :]
                return
            except OSError as error:
                self._file.close()
                reason = error.strerror
        self._screen.write([f"the log file {self._path} cannot be written and ends here: {reason}"])

    def close(self) -> None:
        """Closes the file. May be called again."""
        with self._lock:
            self._file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
