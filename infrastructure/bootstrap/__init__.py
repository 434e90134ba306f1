"""Composes the program from the settings; the only package that names concrete classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from domain.errors import UsageError
from shared import clock as clocks
from shared.clock import Clock


def clock_of(environ: Mapping[str, str]) -> Clock:
    """The clock that the environment selects.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    try:
        return clocks.from_environment(environ)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError("SOURCE_DATE_EPOCH: allowed: whole seconds since 1970") from error


def require_usable(data_dir: Path) -> None:
    """Checks that the data directory is a folder, or can become one.

    Raises:
        UsageError: its disk is not mounted, or it is no folder.
    """
    from infrastructure.data_dir import DataDir

    DataDir(data_dir).require_usable()
