"""A lock on a file that the kernel lets go of when its holder dies.

flock(2) belongs to the open file description, so a child process that inherits
the descriptor holds the lock too; that is what it is used for here, and what
the lock libraries hide. Standard library only: the supervisor runs without
site-packages.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

_POLL_SECONDS = 0.02


class FileLock:
    """An exclusive lock on ``path``, which is created if need be and never removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def fileno(self) -> int:
        """The locked descriptor, to be handed to child processes."""
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not locked")
        return self._descriptor

    def try_acquire(self) -> bool:
        """Take the lock if it is free.

        Raises:
            OSError: the file cannot be opened.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def acquire(self, *, seconds: float, wait: Callable[[float], object]) -> bool:
        """Take the lock, asking again until it is free.

        Args:
            seconds: give up after this long and answer False.
            wait: called between two attempts with how long to wait; a true answer gives up at once.
        """
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() > deadline or wait(_POLL_SECONDS):
                return False
        return True

    def release(self) -> None:
        """Let go, unless a child process still holds it. May be called again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
