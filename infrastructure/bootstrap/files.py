"""Pages and posters on the disks that the settings name.

Imports stand inside the functions, because a command should load only what it
uses: the start is part of every run's time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from application.ports import PosterSource
from application.records import Table
from domain.errors import UsageError
from infrastructure.bootstrap.stores import postgres_store
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.data_dir.destinations import Destinations
    from infrastructure.http import Downloader
    from infrastructure.posters import PosterFolder
    from infrastructure.stores.postgres.database import Database


def destinations(settings: Settings, *, check: bool) -> Destinations:
    """The disks for files other than the CSVs; ``check`` looks for the one with most room.

    Raises:
        UsageError: a folder cannot be made.
    """
    from infrastructure.data_dir.destinations import Destinations
    from shared.sizes import parse_size

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


def poster_store(settings: Settings, *, check: bool = True) -> PosterFolder:
    """Where posters are kept: on the disks of DATA_DIRS, their manifest in the data directory.

    Raises:
        UsageError: a folder cannot be made.
        StoreUnavailable: the manifest cannot be read.
    """
    from infrastructure.posters import EncodingOptions, PosterFolder, within

    placement = within(destinations(settings, check=check).reserve) if settings.data_dirs else None
    options = EncodingOptions(optimize=settings.optimize_assets)
    return PosterFolder(settings.data_dir / "posters", options, placement=placement)


def poster_source(opened: Downloader, store: PosterFolder) -> PosterSource:
    """Where posters are fetched, in the width the store keeps."""
    from infrastructure.posters import HttpPosterSource

    return HttpPosterSource(opened, store.options.full_width)


def poster_addresses(opened: Database) -> dict[str, str]:
    """The poster's address of each movie that has one, by IMDb id."""
    columns = Table.MOVIES.columns
    place = columns.index("poster_url")
    return {str(row[0]): url for row in postgres_store(opened).rows(Table.MOVIES) if (url := row[place])}
