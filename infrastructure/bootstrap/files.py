"""Composes the files beside the stores: lists of titles, saved pages, posters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import UsageError
from shared.settings import Settings
from shared.text import TextError, text_lines

if TYPE_CHECKING:
    from application.listed_titles import ListedTitle
    from infrastructure.data_dir import Destinations
    from infrastructure.posters import PosterFolder

_MAX_COMPLAINTS: Final = 10  # lines that are reported one by one


def read_lines(path: Path, *, fallback: str | None = None) -> Iterator[str]:
    """The lines of a list; ``fallback`` is the encoding of lines that are not UTF-8. Streams.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        yield from text_lines(path, fallback=fallback)
    except TextError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def read_list(path: Path, warn: Callable[[str], None]) -> Iterator[ListedTitle]:
    """The titles of a list; it may be empty, for example if no title failed. Streams.

    Lines that are not UTF-8 are read as ISO-8859-1: ids, ratings and dates are the same in both.

    Raises:
        UsageError: it cannot be read, or does not list titles.
    """
    from application.listed_titles import listed_titles

    complaints = named = 0

    def complain(problem: str) -> None:
        nonlocal complaints
        complaints += 1
        if complaints <= _MAX_COMPLAINTS:
            warn(f"{path}: {problem}")

    for title in listed_titles(read_lines(path, fallback="iso-8859-1"), complain):
        named += 1
        yield title
    if complaints > _MAX_COMPLAINTS:
        warn(f"{path}: and {complaints - _MAX_COMPLAINTS} more such lines")
    if complaints and not named:
        raise UsageError(f"{path} names no title: one IMDb id or title address a line is needed")


def _destinations(settings: Settings, *, check: bool) -> Destinations:
    """The folders for files other than the CSVs; ``check`` selects the disk with the most room."""
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

    kept = _destinations(settings, check=check)
    return lambda imdb_id, body: kept.write(f"pages/{imdb_id}.html.gz", gzip.compress(body, 6, mtime=0))


def poster_store(settings: Settings, *, check: bool = True) -> PosterFolder:
    """The poster store on the disks of DATA_DIRS, with its manifest in the data directory.

    Raises:
        UsageError: a folder cannot be made.
        StoreUnavailable: the manifest cannot be read.
    """
    from infrastructure.posters import EncodingOptions, PosterFolder, within

    placement = within(_destinations(settings, check=check).reserve) if settings.data_dirs else None
    options = EncodingOptions(optimize=settings.optimize_assets)
    return PosterFolder(settings.data_dir / "posters", options, placement=placement)
