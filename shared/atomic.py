"""Writes files that readers see complete or not at all, and that survive a power failure.

It writes a temporary file beside the target, syncs it, renames it over the
target and syncs the folder. Without the first sync a crash may leave an empty
file under the right name; without the last the rename itself may be lost.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform == "darwin":
    import fcntl

    def sync(descriptor: int) -> None:
        """Waits until the written data is on the disk itself; fsync alone stops at the drive's cache here."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

elif hasattr(os, "fdatasync"):

    def sync(descriptor: int) -> None:
        """Waits until the written data and the file's length are on the disk.

        Raises:
            OSError: the disk refused; data written since the last sync may be lost.
        """
        os.fdatasync(descriptor)

else:

    def sync(descriptor: int) -> None:
        """Waits until the written data is on the disk."""
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes renames, new names and removals in a folder survive a power failure.

    Raises:
        OSError: the folder cannot be opened or synced.
    """
    if os.name == "nt":
        return  # a folder cannot be opened there; NTFS journals its names itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(
    target: Path, *, mode: int | None = None, durable: bool = True, parents: bool = False
) -> Iterator[BinaryIO]:
    """Gives a binary file to write to; it replaces the target when the block ends without an error.

    Args:
        target: the file to replace or create.
        mode: permission bits; by default those of the old file, or what the umask leaves of 0644 for a new one.
        durable: wait until content and name are on the disk. Tens of thousands of files that can be made again
            would spend most of their time waiting; after a power cut they may be missing or empty.
        parents: create missing folders.

    Raises:
        OSError: full disk, no permission; the target is then unchanged.
    """
    descriptor, name = _temporary(target, parents=parents)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name != "nt":
                os.fchmod(descriptor, _mode_for(target) if mode is None else mode)
            yield file
            file.flush()
            if durable:
                sync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(target.parent)


def write_atomically(
    target: Path, content: bytes | str, *, mode: int | None = None, durable: bool = True, parents: bool = False
) -> None:
    """Replaces a file's content in one step; text becomes UTF-8, line ends stay as they are. See ``replacing``."""
    with replacing(target, mode=mode, durable=durable, parents=parents) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _temporary(target: Path, *, parents: bool) -> tuple[int, str]:
    folder, prefix = target.parent, f".{target.name[:50]}."  # a long name with the suffix would become too long
    try:
        return tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=folder)
    except FileNotFoundError:
        if not parents:
            raise
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=folder)


def _mode_for(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o644 & ~_umask()


def _umask() -> int:
    # There is no way to read the mask without setting it, and threads share it; Linux shows it in /proc.
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o022
