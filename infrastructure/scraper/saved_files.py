"""A saved page off the disk: unpacked, bounded, and when it was fetched."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from domain.errors import UnknownLayout, UsageError

MAX_BYTES: Final = 64 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_COPYRIGHT: Final = re.compile(rb"(?:copy;|\xa9)(?:</a>)?\s{0,20}1990-(20[0-9]{2})\b")
_TABLE: Final = b'"titleColumn"'
_LAST_TABLE_YEAR: Final = 2023
_SERVED_AT: Final = re.compile(rb'"requestContext"\s*:\s*\{\s*"timestamp"\s*:\s*"([0-9T:.-]{19,26}Z)"')


class UnreadableFile(UnknownLayout):
    """The file cannot be opened, unpacked or made sense of."""


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The content of a file.

    Attributes:
        path: where it lies.
        body: unpacked.
        size: bytes on the disk.
        changed_at: when the file was last written, in UTC.
    """

    path: Path
    body: bytes = field(repr=False)
    size: int
    changed_at: datetime


def find_files(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder and all below it whose names match ``pattern`` (``*.html*``), in sorted order.

    Raises:
        UsageError: there is no such folder, or no such pattern.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        if not pattern:
            raise ValueError("it is empty")
        return sorted(path for path in folder.rglob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"{pattern!r} is not a pattern for file names, such as *.html*: {error}") from error


def read_file(path: Path, max_bytes: int = MAX_BYTES) -> SavedFile:
    """Read a file; one packed with gzip is unpacked, whatever it is called.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, or is larger than ``max_bytes``.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    body = unpacked.read(max_bytes + 1)
            else:
                body = raw.read(max_bytes + 1)
        status = path.stat()
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(f"the gzip file is damaged: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(body) > max_bytes:
        raise UnreadableFile(f"it is larger than {max_bytes:,} bytes")
    return SavedFile(path, body, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def saved_at(file: SavedFile, latest: datetime | None = None) -> datetime:
    """When the page was fetched, in UTC, as well as can be told, and not after ``latest``.

    Pages of today say when they were served. Otherwise it is when the file was
    written, but files get copied and unpacked: a page is no younger than the
    year of its copyright line, nor than the last chart that was a table.

    Files that are copied together may bear one moment. Where two of them hold the
    same title, every store must still prefer the same one, so the moment gets a
    fraction of a millisecond that depends on the file's name.
    """
    moment = _served_at(file.body) or min(file.changed_at, _no_later_than(file.body))
    moment = moment if latest is None else min(moment, latest)
    fraction = zlib.crc32(str(file.path).encode("utf-8", "surrogateescape")) % 1000
    told_apart = moment.replace(microsecond=moment.microsecond // 1000 * 1000 + fraction)
    return told_apart if latest is None or told_apart <= latest else told_apart - timedelta(milliseconds=1)


def _served_at(body: bytes) -> datetime | None:
    found = _SERVED_AT.search(body)
    try:
        return found and datetime.fromisoformat(found[1].decode()).astimezone(UTC)
    except ValueError:
        return None


def _no_later_than(body: bytes) -> datetime:
    years = [int(found) for found in _COPYRIGHT.findall(body)]
    if _TABLE in body:
        years.append(_LAST_TABLE_YEAR)
    return datetime(min(years, default=9998) + 1, 1, 1, tzinfo=UTC)
