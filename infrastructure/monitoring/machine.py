"""The checks of ``doctor`` on this machine: data directory, disk, clock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from application.ports.runs import CheckResult
from shared.clock import Clock

MIN_FREE: Final = 500 * 10**6  # bytes: a full chart with its database takes about 200 MB
_RELEASED: Final = datetime(2026, 1, 1, tzinfo=UTC)  # this program is younger


def examine_machine(data_dir: Path, clock: Clock) -> Iterator[CheckResult]:
    """Checks rights, free space and the clock; creates nothing."""
    yield rights(data_dir)
    yield disk(_existing(data_dir))
    yield time(clock)


def rights(data_dir: Path) -> CheckResult:
    """Checks whether files can be created in the data directory, or where it would be made."""
    folder = _existing(data_dir)
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = f"{folder} cannot be written: {error.strerror}"
        return CheckResult("data directory", False, detail, "check its owner and mode, or set DATA_DIR")
    where = str(data_dir) if folder == data_dir else f"{data_dir} does not exist yet; it can be made"
    return CheckResult("data directory", True, where)


def disk(folder: Path, *, min_free: int = MIN_FREE) -> CheckResult:
    """Checks whether the disk of an existing folder has enough free space."""
    free = shutil.disk_usage(folder).free
    advice = "" if free >= min_free else f"free some space: {min_free / 10**6:.0f} MB should be free"
    return CheckResult("disk", free >= min_free, f"{free / 10**9:.1f} GB free", advice)


def time(clock: Clock) -> CheckResult:
    """Checks whether the clock is plausible; records carry its time, and TLS needs it."""
    now = clock.now()
    advice = "" if now >= _RELEASED else "set the clock, for example with NTP"
    return CheckResult("clock", now >= _RELEASED, now.astimezone().isoformat(" ", "seconds"), advice)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
