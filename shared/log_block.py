"""Keeps the log lines of one job together: they are collected in a block until the job has ended.

The block is stored in a context variable. Threads that work for the job see it if
they run in a copy of its context (``contextvars.copy_context().run``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

_MAX_LINES: Final = 1000  # a job with more lines is written in several pieces


class Writer(Protocol):
    """The destination of a block."""

    def write(self, lines: list[str]) -> None:
        """Writes the lines in one piece."""


class Block:
    """The lines of one job so far, for each writer."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._lock = threading.RLock()  # a signal handler may log in the middle of a line
        self._lines: dict[Writer, list[str]] = {}
        self._open = True

    def add(self, writer: Writer, line: str) -> None:
        """Keeps the line, or writes it at once if the job has ended."""
        with self._lock:
            held = self._lines.setdefault(writer, [])
            held.append(line)
            if self._open and len(held) < _MAX_LINES:
                return
            del self._lines[writer]
        writer.write(held)

    def close(self) -> None:
        """Writes all lines."""
        with self._lock:
            self._open = False
            lines, self._lines = self._lines, {}
        for writer, held in lines.items():
            writer.write(held)


_block: ContextVar[Block | None] = ContextVar("log_block", default=None)


def current_block() -> Block | None:
    """The block of this thread's job; ``None`` outside jobs."""
    return _block.get()


@contextmanager
def job_log_scope(key: str) -> Iterator[None]:
    """Assigns everything logged inside to the job with this key. Scopes of the same job may be nested."""
    outer = _block.get()
    if outer is not None and outer.key == key:
        yield
        return
    block = Block(key)
    token = _block.set(block)
    try:
        yield
    finally:
        _block.reset(token)
        block.close()
