"""A file that only grows, by whole lines."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from domain.errors import StoreUnavailable
from shared.atomic import sync
from shared.clock import Clock

log = logging.getLogger(__name__)

_NAME: Final = "job log"


class AppendFile:
    """Appends to an existing file; a torn last line is ended first, so that the next one stands alone.

    What was appended survives the process at once, and the machine from the
    next sync on: an appended line that matters syncs unless that happened less
    than ``sync_seconds`` ago, and closing syncs in any case. For one thread.

    Raises:
        OSError: the file cannot be opened for writing.
        StoreUnavailable: its torn line cannot be ended.
    """

    def __init__(self, path: Path, clock: Clock, *, sync_seconds: float = 0.2) -> None:
        self._path = path
        self._clock = clock
        self._sync_seconds = sync_seconds
        self._file = path.open("ab+", buffering=0)
        self._size = self._file.seek(0, os.SEEK_END)
        self._synced_at = clock.monotonic()
        self._dirty = False
        self._torn = self._size > 0 and self._last_byte() != b"\n"
        if self._torn:
            log.warning("%s ended in a torn line; it stays there, and new lines stand below it", path)
            self.append(b"", matters=True)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def append(self, data: bytes, *, matters: bool) -> int:
        """Append whole lines; answers the byte at which they begin.

        Raises:
            StoreUnavailable: nothing, or nothing that counts, was written: full disk, failing device.
        """
        begin = self._size + self._torn
        data = b"\n" + data if self._torn else data
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:] if written else data)
        except OSError as error:
            self._cut_back()
            raise self._unavailable(error) from error
        self._size += len(data)
        self._torn = False
        if matters:
            self._dirty = True
            if self._clock.monotonic() - self._synced_at >= self._sync_seconds:
                self.sync()
        return begin

    def sync(self) -> None:
        """Have everything on the device that mattered and is not yet there.

        Raises:
            StoreUnavailable: the device failed.
        """
        if not self._dirty:
            return
        try:
            sync(self._file.fileno())
        except OSError as error:
            raise self._unavailable(error) from error
        self._dirty = False
        self._synced_at = self._clock.monotonic()

    def close(self) -> None:
        """Sync and let go. May be called again.

        Raises:
            StoreUnavailable: the device failed; the file is closed all the same.
        """
        if self._file.closed:
            return
        try:
            self.sync()
        finally:
            self._file.close()

    def _last_byte(self) -> bytes:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1)

    def _cut_back(self) -> None:
        """Take half a line away again; where even that fails, the next line ends it first."""
        try:
            self._file.truncate(self._size)
        except OSError as error:
            self._size = self._file.seek(0, os.SEEK_END)
            self._torn = True
            log.warning("half a line stays at the end of %s: %s", self._path, error)

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            _NAME, f"cannot write {self._path}: {error.strerror}; the same command goes on from here"
        )
