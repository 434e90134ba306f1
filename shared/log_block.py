"""The lines of one job come out together: they gather in a block until the job is over.

The block travels in a context variable. Threads that work for the job see it if
they run in a copy of its context (``contextvars.copy_context().run``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

_MAX_LINES: Final = 1000  # a job that says more than that is written in several pieces


class Writer(Protocol):
    """Where a block goes when it is over."""

    def write(self, lines: list[str]) -> None:
        """Write the lines in one piece."""


class Block:
    """What one job has said so far, for each writer."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._lock = threading.RLock()  # a signal handler may log in the middle of a line
        self._lines: dict[Writer, list[str]] = {}
        self._open = True

    def add(self, writer: Writer, line: str) -> None:
        """Keep the line, or write it at once if the job is over already."""
        with self._lock:
            held = self._lines.setdefault(writer, [])
            held.append(line)
            if self._open and len(held) < _MAX_LINES:
                return
            del self._lines[writer]
        writer.write(held)

    def close(self) -> None:
        """Write everything."""
        with self._lock:
            self._open = False
            lines, self._lines = self._lines, {}
        for writer, held in lines.items():
            writer.write(held)


_block: ContextVar[Block | None] = ContextVar("log_block", default=None)


def current_block() -> Block | None:
    """The block of the job that this thread works for; ``None`` outside jobs."""
    return _block.get()


@contextmanager
def job_log_scope(key: str) -> Iterator[None]:
    """Whatever is logged inside belongs to the job with this key. Scopes of the same job may be nested."""
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
