"""A short folder for sockets that only its owner can enter.

A socket's path may have 103 bytes (104 on macOS, 108 on Linux, with the end
mark), which a data directory's path can exceed, so the sockets live in the
temporary folder. The name follows from the data directory's inode: the same one after a
crash, so nothing is left behind. If somebody else has taken the name, a random
one is used; either way users read the path from the supervisor's state file.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

_LONGEST = 103 - len("/.s.PGSQL.65535")
_PREFIX = "filmledger-"


def create(data_directory: Path, owner: int) -> Path:
    """An empty folder, mode 0700, of this process or of the user id that the server will run as.

    Raises:
        OSError: the temporary folder cannot be written.
    """
    status = data_directory.stat()
    name = f"{_PREFIX}{os.geteuid()}-{status.st_dev:x}-{status.st_ino:x}"
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) + 1 + len(name) > _LONGEST:
        base = Path("/tmp")  # noqa: S108 - the folder made in it is private
    chosen = base / name
    try:
        chosen.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_private(chosen, owner):
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        _empty(chosen)
    return chosen


def remove(directory: Path, owner: int) -> None:
    """Remove what ``create`` made; nothing if it is gone or somebody else's."""
    if _is_private(directory, owner) and directory.name.startswith(_PREFIX):
        shutil.rmtree(directory)


def _is_private(directory: Path, owner: int) -> bool:
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    return private and status.st_uid in (os.geteuid(), owner)


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        entry.unlink()
