"""Saved pages on the disk: which files hold one, and its bytes.

What a file is, is decided by its content: a page, ``__NEXT_DATA__`` without its page,
or a container of pages: MHTML, WARC, HAR and zip, each also packed with gzip. A
document in a container has the key ``PATH::NUMBER``: the offset of the record in a
WARC, the number of the entry in the others, counted from 0. A container in a zip file
adds a number: ``PATH::NUMBER::NUMBER``.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from domain.errors import UsageError
from infrastructure.scraper.containers import (
    GZIP,
    MAX_CONTAINER_BYTES,
    NO_PAGES,
    PARTS,
    UnreadableFile,
    entries,
    gunzipped,
    is_other_format,
    kind_of_content,
    moment_of,
    saved_page_of,
    start_of,
)
from infrastructure.scraper.page_bytes import NEXT_DATA, addresses, shown_source, title_id
from shared.text import path_to_text, text_to_path

__all__ = ["MAX_BYTES", "FoundFiles", "SavedDocument", "UnreadableFile", "find_documents", "read_document", "saved_at"]

MAX_BYTES: Final = 64 * 1024 * 1024
_PAGE_SUFFIXES: Final = frozenset(
    {".html", ".htm", ".xhtml", ".mhtml", ".mht", ".warc", ".har", ".zip", ".gz", ".json"}
)

_COPYRIGHT: Final = re.compile(rb"(?:copy;|\xa9)(?:</a>)?\s{0,20}1990-(20[0-9]{2})\b")
_TABLE: Final = b'"titleColumn"'
_LAST_TABLE_YEAR: Final = 2023
_SERVED_AT: Final = re.compile(rb'"requestContext"\s*:\s*\{\s*"timestamp"\s*:\s*"([0-9T:.-]{19,26}Z)"')
_ARCHIVED_AT: Final = re.compile(rb"//web\.archive\.org/web/([0-9]{14})")


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """One page out of a file.

    Attributes:
        key: the file's path, with the place inside it if it is a container.
        body: unpacked.
        size: bytes on the disk.
        changed_at: when the file was last written, in UTC.
        fetched_at: when the page was fetched, if the container says so.
        charset: the encoding that the server declared, if the container says so.
    """

    key: str
    body: bytes = field(repr=False)
    size: int
    changed_at: datetime
    fetched_at: datetime | None = None
    charset: str | None = None


class FoundFiles(msgspec.Struct, frozen=True):
    """What a folder holds.

    Attributes:
        keys: of the documents, in sorted order.
        passed_over: how many files or records were not taken, by reason.
    """

    keys: tuple[str, ...]
    passed_over: Counter[str]


def find_documents(folder: Path, pattern: str = "*") -> FoundFiles:
    """The saved pages in a folder and all below it, in files whose names match ``pattern``.

    The parts of a page that a browser saved completely (``NAME_files/`` beside ``NAME.html``) are passed
    over, and so is everything that is neither a page nor a container of pages.

    Raises:
        UsageError: there is no such folder, or no such pattern.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        if not pattern:
            raise ValueError("it is empty")
        paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"{pattern!r} is not a pattern for file names, such as *.html*: {error}") from error
    keys: list[str] = []
    passed_over: Counter[str] = Counter()
    for path in paths:
        if _is_part_of_saved_page(path, folder):
            passed_over[PARTS] += 1
        elif kind := _kind_of_file(path):
            keys += [path_to_text(path)] if kind == "page" else _keys_in(path, kind, passed_over)
        else:
            passed_over[NO_PAGES] += 1
    return FoundFiles(tuple(keys), passed_over)


def _is_part_of_saved_page(path: Path, folder: Path) -> bool:
    """Whether it lies in the folder of a page's parts. Where the page itself is gone, a title in it is no part."""
    for parent in path.parents:
        if parent == folder or parent == parent.parent:
            return False
        if stem := saved_page_of(parent.name):
            if any(parent.with_name(stem + suffix).exists() for suffix in (".html", ".htm", ".html.gz", ".htm.gz")):
                return True
            head = _head(path) or b""
            return NEXT_DATA not in head and not any(map(title_id, addresses(head)))
    return False


def _head(path: Path) -> bytes | None:
    try:
        with path.open("rb") as raw:
            return start_of(raw)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None


def _kind_of_file(path: Path) -> str | None:
    """``page``, ``mhtml``, ``warc``, ``har`` or ``zip`` by the content; ``None`` for anything else."""
    head = _head(path)
    if head is None:
        return "page"  # reading it will say what is wrong
    if is_other_format(head):
        return None
    return kind_of_content(head) or ("page" if _PAGE_SUFFIXES & {suffix.lower() for suffix in path.suffixes} else None)


def _keys_in(path: Path, kind: str, passed_over: Counter[str]) -> list[str]:
    """The keys of the pages in a container, and its own where it is damaged or empty, so that this is reported."""
    own = path_to_text(path)
    before = passed_over.total()
    keys: list[str] = []
    try:
        with _open_container(path, kind) as raw:
            keys.extend("::".join((own, *map(str, entry.place))) for entry in entries(raw, kind, passed_over))
    except UnreadableFile:
        return [*keys, own]
    return keys or ([own] if passed_over.total() == before else [])


def _open_container(path: Path, kind: str) -> BinaryIO:
    """A container as a seekable file. One packed with gzip is unpacked, but for WARC files, whose records are packed.

    Raises:
        UnreadableFile: it cannot be opened or unpacked.
    """
    try:
        raw = path.open("rb")
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror or error}") from error
    if kind == "warc" or not packed:
        return raw
    raw.close()
    return io.BytesIO(_unpacked(path, MAX_CONTAINER_BYTES))


def read_document(key: str, max_bytes: int = MAX_BYTES) -> SavedDocument:
    """Read a document by its key.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, is not there, or is larger than ``max_bytes``.
    """
    name, *numbers = key.split("::")
    while numbers and not all(number.isdecimal() for number in numbers):
        name, numbers = f"{name}::{numbers[0]}", numbers[1:]
    path = text_to_path(name)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
    kind = _kind_of_file(path) or "page"
    if kind == "page":
        return SavedDocument(key, shown_source(_unpacked(path, max_bytes)), status.st_size, changed_at)
    wanted = tuple(map(int, numbers))
    with _open_container(path, kind) as raw:
        if not wanted:  # a damaged container is named as such
            wanted = next((entry.place for entry in list(entries(raw, kind, Counter()))), ())
            raw.seek(0)
        for entry in entries(raw, kind, Counter(), wanted, max_bytes) if wanted else ():
            return SavedDocument(
                key, shown_source(gunzipped(entry.body, max_bytes)), len(entry.body), entry.changed_at or changed_at,
                entry.fetched_at, entry.charset,
            )  # fmt: skip
    raise UnreadableFile(f"no title or chart page is in this {kind} file" + (f" at {wanted[-1]}" if wanted else ""))


def _unpacked(path: Path, max_bytes: int) -> bytes:
    """The content of a file; one packed with gzip is unpacked, whatever it is called.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, or is larger than ``max_bytes``.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            if packed:
                with gzip.open(raw) as unpacked:
                    body = unpacked.read(max_bytes + 1)
            else:
                body = raw.read(max_bytes + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(f"the gzip file is damaged: {error}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(body) > max_bytes:
        raise UnreadableFile(f"it is larger than {max_bytes:,} bytes")
    return body


def saved_at(document: SavedDocument, latest: datetime | None = None) -> datetime:
    """When the page was fetched, in UTC, as well as can be told, and not after ``latest``.

    Containers, pages of today and copies from the Wayback Machine say when. Otherwise it is when the file
    was written, but files get copied and unpacked: a page is no younger than the year of its copyright
    line, nor than the last chart that was a table.

    Files that are copied together may bear one moment. Where two of them hold the
    same title, every store must still prefer the same one, so the moment gets a
    fraction of a millisecond that depends on the file's name.
    """
    moment = (
        _served_at(document.body)
        or document.fetched_at
        or _archived_at(document.body)
        or min(document.changed_at, _no_later_than(document.body))
    )
    moment = moment if latest is None else min(moment, latest)
    fraction = zlib.crc32(document.key.encode("utf-8", "surrogateescape")) % 1000
    told_apart = moment.replace(microsecond=moment.microsecond // 1000 * 1000 + fraction)
    return told_apart if latest is None or told_apart <= latest else told_apart - timedelta(milliseconds=1)


def _served_at(body: bytes) -> datetime | None:
    found = _SERVED_AT.search(body)
    return moment_of(found[1].decode()) if found else None


def _archived_at(body: bytes) -> datetime | None:
    found = _ARCHIVED_AT.search(body)
    with suppress(ValueError):
        return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    return None


def _no_later_than(body: bytes) -> datetime:
    years = [int(found) for found in _COPYRIGHT.findall(body)]
    if _TABLE in body:
        years.append(_LAST_TABLE_YEAR)
    return datetime(min(years, default=9998) + 1, 1, 1, tzinfo=UTC)
