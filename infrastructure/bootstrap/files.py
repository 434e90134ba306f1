"""Composes the destinations of saved pages and posters.

Imports are inside the functions, because a command should load only what it
uses: the start is part of every run's time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.data_dir import Destinations


def destinations(settings: Settings, *, check: bool) -> Destinations:
    """The folders for files other than the CSVs; ``check`` selects the disk with the most room.

    Raises:
        UsageError: a folder cannot be made.
    """
    from infrastructure.data_dir import Destinations
    from shared.text import parse_size

    folders = [Path(each.strip()) for each in settings.data_dirs.split(",") if each.strip()] or [settings.data_dir]
    try:
        return Destinations(folders, margin=parse_size(settings.disk_margin), check=check)
    except OSError as error:
        raise UsageError(f"DATA_DIRS: {error.filename} cannot be made: {error.strerror}") from error


def page_keeper(settings: Settings, *, check: bool) -> Callable[[str, bytes], object]:
    """Keeps fetched pages, compressed, on the disks of DATA_DIRS.

    Raises:
        UsageError: a folder cannot be made.
    """
    import gzip

    kept = destinations(settings, check=check)
    return lambda imdb_id, body: kept.write(f"pages/{imdb_id}.html.gz", gzip.compress(body, 6, mtime=0))
