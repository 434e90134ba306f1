"""Spreads files that need not be together (saved pages, posters) over folders on several disks."""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from domain.errors import StoreUnavailable
from shared.atomic import write_atomically

log = logging.getLogger(__name__)

_STORE: Final = "files"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Disk(NamedTuple):
    """The disk of a folder: a number that folders on one disk share, and its free space."""

    number: int
    free: int


def disk_under(folder: Path) -> Disk:
    """The current state of a folder's disk.

    Raises:
        OSError: the folder does not exist.
    """
    return Disk(folder.stat().st_dev, shutil.disk_usage(folder).free)


class Destinations:
    """Puts each file into the folder whose disk has the most room: free space minus reservations and margin.

    A size is reserved before the file is written and released afterwards. Folders on one disk share its space.
    Thread-safe.

    Args:
        folders: created if missing; the first is preferred where there is equal room.
        margin: bytes to leave free on each disk.
        check: without it everything goes to the first folder.
        look: finds the disk of a folder.

    Raises:
        OSError: a folder cannot be created.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        margin: int = 1 << 30,
        check: bool = True,
        look: Callable[[Path], Disk] = disk_under,
    ) -> None:
        if not folders:
            raise ValueError("at least one folder is needed")
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._folders = tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._margin = margin
        self._check = check
        self._look = look
        self._lock = threading.Lock()
        self._reserved: Counter[int] = Counter()  # by disk

    @contextmanager
    def reserve(self, size: int, *, but: Collection[Path] = ()) -> Iterator[Path]:
        """Yields a folder with room for ``size`` bytes, reserved until the end of the block.

        Args:
            but: folders that have been tried already.

        Raises:
            StoreUnavailable: no folder has room; nothing is reserved.
        """
        if not self._check:
            yield self._folders[0]
            return
        folder, disk = self._route(size, but)
        try:
            yield folder
        finally:
            with self._lock:
                self._reserved[disk] -= size

    def write(self, name: str, data: bytes) -> Path:
        """Writes a file atomically; an older file of that name is removed from every folder.

        A disk that is full although it reported room, because of a quota, is skipped.

        Args:
            name: relative, with ``/`` between folders.

        Raises:
            StoreUnavailable: no folder has room or can be written; an older file is kept.
            ValueError: the name leads out of the folder.
        """
        relative = _relative(name)
        full: list[Path] = []
        while True:
            with self.reserve(len(data), but=full) as folder:
                target = folder / relative
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_atomically(target, data)
                except OSError as error:
                    if error.errno in _FULL and self._check:
                        log.warning("%s is full: %s", folder, error.strerror)
                        full.append(folder)
                        continue
                    raise StoreUnavailable(_STORE, f"cannot write {target}: {error.strerror}") from error
            break
        for other in self._folders:
            if other != folder:
                (other / relative).unlink(missing_ok=True)
        return target

    def find(self, name: str) -> Path | None:
        """The path of the file of that name; ``None`` if it does not exist."""
        relative = _relative(name)
        return next((found for folder in self._folders if (found := folder / relative).is_file()), None)

    def reserved(self) -> int:
        """Bytes currently reserved, on all disks together."""
        with self._lock:
            return self._reserved.total()

    def _route(self, size: int, but: Collection[Path]) -> tuple[Path, int]:
        with self._lock:
            best: tuple[int, Path, int] | None = None
            gone = []
            for folder in (each for each in self._folders if each not in but):
                try:
                    disk, free = self._look(folder)
                except OSError as error:
                    gone.append(f"{folder} ({error.strerror})")
                    continue
                room = free - self._reserved[disk] - self._margin
                if room >= size and (best is None or room > best[0]):
                    best = (room, folder, disk)
            if best is not None:
                self._reserved[best[2]] += size
                return best[1], best[2]
        raise StoreUnavailable(_STORE, self._no_room(size, gone))

    def _no_room(self, size: int, gone: list[str]) -> str:
        names = ", ".join(str(folder) for folder in self._folders)
        lost = f"; not there: {', '.join(gone)}" if gone else ""
        return (
            f"none of {names} has room for {size:,} bytes beside the margin of {self._margin:,}{lost}: "
            "free some space, add a folder to DATA_DIRS or lower DISK_MARGIN, then run the same command again"
        )


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} is not a name within the folder")
    return path
