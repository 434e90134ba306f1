"""A folder for sockets with a short path that only its owner can enter.

A socket's path may have 103 bytes (104 on macOS, 108 on Linux, with the end
mark), and the path of a data directory can be longer, so the sockets lie in the
temporary folder. The name is derived from the data directory's inode: a server
that starts after a crash reuses the folder. If another user owns that name, a
random one is used. Users read the path from the supervisor's state file.
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
    """Creates an empty folder, mode 0700, owned by this process or by the user id that the server will run as.

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
    """Removes what ``create`` made, unless it does not exist or belongs to another user."""
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
