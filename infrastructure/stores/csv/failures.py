"""What the operating system refused, in words that tell the user what to do."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from domain.errors import StoreUnavailable

STORE: Final = "csv"
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def told_apart(directory: Path) -> Iterator[None]:
    """Raise what the disk refuses as ``StoreUnavailable``.

    Raises:
        StoreUnavailable: full disk, unwritable or vanished folder, broken disk.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(STORE, _explained(directory, error)) from error
    except sqlite3.Error as error:
        reason = f"no room for temporary files in {tempfile.gettempdir()} ({error}): free some and run again"
        raise StoreUnavailable(STORE, reason) from error


def _explained(directory: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return f"no space left in {directory} ({reason}): free some and run again"
    if error.errno in _FORBIDDEN:
        return (
            f"{error.filename or directory} cannot be written ({reason}): make it writable, or choose another DATA_DIR"
        )
    if error.errno == errno.ENOENT:
        return f"{error.filename or directory} has vanished: was {directory} moved or unmounted?"
    return f"{error.filename or directory}: {reason}"
