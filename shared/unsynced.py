"""Files that can be made again: whole or not at all for readers, but not forced to the disk.

Tens of thousands of pages would spend most of their time waiting for the disk
with ``shared.atomic``; after a power cut they are simply published again.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_unsynced(target: Path, content: bytes) -> None:
    """Replace a file's content in one step, readable by all; missing folders are made.

    Raises:
        OSError: full disk, no permission; the target is then what it was before.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
