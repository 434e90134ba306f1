"""Files that are there whole or not at all, and that survive a power cut.

The recipe: write a temporary file beside the target, sync it, rename it over the
target, sync the folder. Without the first sync a crash may leave an empty file
under the right name; without the last the rename itself may be forgotten.
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
        """Wait until what was written is on the disk itself; fsync alone stops at the drive's cache here."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

elif hasattr(os, "fdatasync"):

    def sync(descriptor: int) -> None:
        """Wait until what was written is on the disk, and the file's length with it.

        Raises:
            OSError: the disk could not take it; what was written since the last sync may be lost.
        """
        os.fdatasync(descriptor)

else:

    def sync(descriptor: int) -> None:
        """Wait until what was written is on the disk."""
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames, new names and removals in a folder survive a power cut.

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
def replacing(target: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A binary file to write to; it takes the target's place when the block ends without an error.

    Args:
        target: what is to be replaced or created.
        mode: permission bits; the old file's where there is one, else what the umask leaves of 0666.

    Raises:
        OSError: full disk, no permission; the target is then what it was before.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name != "nt":
                os.fchmod(descriptor, _mode_for(target) if mode is None else mode)
            yield file
            file.flush()
            sync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)


def write_atomically(target: Path, content: bytes | str, *, mode: int | None = None) -> None:
    """Replace a file's content in one step; text becomes UTF-8, line ends stay as they are.

    Raises:
        OSError: full disk, no permission; the target is then what it was before.
    """
    with replacing(target, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _mode_for(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _umask() -> int:
    # There is no way to read the mask without setting it, and threads share it; Linux shows it in /proc.
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o022
