"""A file lock that the kernel releases when its holder dies.

flock(2) belongs to the open file description, so a child process that inherits
the descriptor holds the lock too. The embedded server depends on this, and lock
libraries hide it. Standard library only: the supervisor runs without
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
    """An exclusive lock on ``path``. The file is created if necessary and never removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def fileno(self) -> int:
        """The locked descriptor, for child processes."""
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not locked")
        return self._descriptor

    def try_acquire(self) -> bool:
        """Takes the lock if it is free.

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
        """Takes the lock, retrying until it is free.

        Args:
            seconds: gives up after this time and returns False.
            wait: called between two attempts with the seconds to wait; a true result gives up at once.
        """
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() > deadline or wait(_POLL_SECONDS):
                return False
        return True

    def release(self) -> None:
        """Releases the lock, unless a child process still holds it. May be called again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
