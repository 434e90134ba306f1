"""The sorted files of one generation: manifest, sparse index, reading and writing."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import stat
import time
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.csv.dialect import find_group, first_cell, header, next_group, split_groups
from infrastructure.stores.csv.layout import Layout
from shared.atomic import sync, write_atomically

_log = logging.getLogger(__name__)

FORMAT: Final = 2
BLOCK: Final = 1 << 16
_PIECE: Final = 1 << 20
CHECK_SECONDS: Final = 0.001
"""How long saves trust that no other program has written a file: looking costs a switch between 50 threads."""


class Chunk(NamedTuple):
    """Whole groups of rows: the first key cell, the one that follows (``None`` at the end), and the bytes."""

    first: str
    after: str | None
    data: bytes


class FileEntry(msgspec.Struct, frozen=True):
    """The manifest's entry for one file.

    Attributes:
        size, crc: length in bytes and CRC-32 of its contents.
        identity: device, inode and modification time in nanoseconds; equal ones are trusted.
        keys, offsets: the sparse index: the begin of the group of a first key cell, one for every 64 kB.
        before: size, CRC-32 and identity of the file of the generation before.
        columns: the columns of the file; a later version of this program may have more.
    """

    size: int = 0
    crc: int = 0
    identity: tuple[int, int, int] = (0, 0, 0)
    keys: list[str] = msgspec.field(default_factory=list)
    offsets: list[int] = msgspec.field(default_factory=list)
    before: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def ends(self) -> list[int]:
        """Where the part of each key in the index ends."""
        return [*self.offsets[1:], self.size]


class Manifest(msgspec.Struct, frozen=True):
    """The valid files.

    Attributes:
        generation: counts the merges.
        journal: journals below this number are contained in the files.
        escaped: formulas have an apostrophe.
        marker: as ``MovieRepository.marker``.
        load: as ``BulkRepository.load_id``.
        files: the entry of each table's file.
    """

    generation: int = 0
    journal: int = 1
    escaped: bool = False
    marker: str | None = None
    load: str | None = None
    files: Mapping[Table, FileEntry] = msgspec.field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Replaces the manifest atomically.

        Raises:
            OSError: it could not be written; the old one still counts.
        """
        fields = {
            "format": FORMAT,
            "generation": self.generation,
            "journal": self.journal,
            "escaped": self.escaped,
            "marker": self.marker,
            "load": self.load,
            "files": {f"{table}.csv": asdict(entry) for table, entry in self.files.items()},
        }
        write_atomically(path, json.dumps(fields, ensure_ascii=False) + "\n", mode=0o600)


def read_manifest(path: Path) -> Manifest | None:
    """The manifest; ``None`` if there is none or it is corrupt.

    Raises:
        OSError: it cannot be read from the disk.
        UsageError: it is of another version of this program.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        fields: dict[str, Any] = json.loads(raw)
        if (version := fields.pop("format")) != FORMAT:
            raise UsageError(
                f"{path} is of format {version}, this program writes {FORMAT}; nothing was changed. "
                "Use the version that wrote it, or choose another DATA_DIR"
            )
        files = {
            Table(name.removesuffix(".csv")): FileEntry(
                **values
                | {
                    "identity": tuple(values["identity"]),
                    "before": tuple(values["before"]),
                    "columns": tuple(values["columns"]),
                }
            )
            for name, values in fields.pop("files").items()
        }
        return Manifest(**fields, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("%s is unreadable (%s): the CSV files are used without it", path, error)
        return None


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """Device, inode and modification time."""
    return (status.st_dev, status.st_ino, status.st_mtime_ns)


class ChangedFile(OSError):
    """Another program has written an open file in place; the bytes read may mix both contents."""


class OpenFile:
    """One file open for reading at offsets; a file that does not exist reads as empty.

    Raises:
        OSError: it exists but cannot be opened.
    """

    def __init__(self, *paths: Path) -> None:
        self.path = paths[-1] if paths else Path()
        self._descriptor = -1
        for path in paths:
            with suppress(FileNotFoundError):
                self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                break

    @classmethod
    def of(cls, file: BinaryIO, path: Path) -> OpenFile:
        """Wraps an open file; ``path`` is for messages."""
        opened = cls()
        opened.path = path
        opened._descriptor = os.dup(file.fileno())
        return opened

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Closes it; may be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def exists(self) -> bool:
        return self._descriptor >= 0

    def status(self) -> tuple[int, tuple[int, int, int]]:
        """Size and identity."""
        if self._descriptor < 0:
            return 0, (0, 0, 0)
        status = os.fstat(self._descriptor)
        return status.st_size, identity_of(status)

    def read(self, offset: int, length: int) -> bytes:
        """Reads ``length`` bytes at ``offset``.

        Raises:
            OSError: the file is shorter (EIO), or the disk refuses.
        """
        parts = []
        while length:
            part = os.pread(self._descriptor, length, offset) if self._descriptor >= 0 else b""
            if not part:
                raise OSError(errno.EIO, f"the file ends before byte {offset + length}", str(self.path))
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def crc(self, size: int) -> int:
        """CRC-32 of the contents up to there."""
        found = 0
        for offset in range(0, size, _PIECE):
            found = zlib.crc32(self.read(offset, min(_PIECE, size - offset)), found)
        return found

    def pieces(self, end: int) -> Iterator[bytes]:
        """The contents up to there in pieces."""
        for offset in range(0, end, _PIECE):
            yield self.read(offset, min(_PIECE, end - offset))


class CsvSnapshot:
    """The open files of one generation. Thread-safe.

    Args:
        files: an open file for each table.
    """

    def __init__(self, manifest: Manifest, files: Mapping[Table, OpenFile]) -> None:
        self.manifest = manifest
        self.files = files
        self._opened = {table: file.status() for table, file in files.items()}
        self._checked: dict[Table, float] = {}
        self._last: dict[Table, str] = {}

    def close(self) -> None:
        """Closes the files; they are also closed when the last reader drops the snapshot."""
        for file in self.files.values():
            file.close()

    def entry(self, table: Table) -> FileEntry:
        """The manifest's entry for a table's file."""
        return self.manifest.files.get(table, _NOTHING)

    @property
    def size(self) -> int:
        """Length of all files."""
        return sum(entry.size for entry in self.manifest.files.values())

    def chunks(self, table: Table) -> Iterator[Chunk]:
        """All rows in order; one empty chunk if there are none.

        Raises:
            ChangedFile: another program has written the file in place.
            OSError: the disk refuses.
        """
        entry = self.entry(table)
        if not entry.keys:
            yield Chunk("", None, b"")
            return
        following = [*entry.keys[1:], None]
        for first, after, begin, end in zip(entry.keys, following, entry.offsets, entry.ends, strict=True):
            yield Chunk(first, after, self._read(table, begin, end))

    def group(self, table: Table, key: str) -> bytes:
        """The rows with a first key cell; empty if there are none.

        Raises:
            ChangedFile: another program has written the file in place.
            OSError: the disk refuses.
        """
        entry = self.entry(table)
        place = bisect_right(entry.keys, key) - 1
        if place < 0:
            return b""
        if place + 1 < len(entry.keys):
            data = self._read(table, entry.offsets[place], entry.offsets[place + 1])
        elif key > self._last_key(table):  # titles often come in order: each would be sought in all of the last chunk
            self.require_unchanged((table,), since=CHECK_SECONDS)
            return b""
        else:
            data = self._read(table, entry.offsets[place], entry.size)
        return find_group(data, key, escaped=self.manifest.escaped)

    def groups(self, table: Table, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The groups of many first key cells, those without rows left out. Each part of the file is read once.

        Args:
            table: whose file is read.
            keys: ascending.

        Raises:
            ChangedFile, OSError: as for ``group``.
        """
        entry = self.entry(table)
        ends = entry.ends
        for place, some in groupby(keys, key=lambda key: bisect_right(entry.keys, key) - 1):
            if place >= 0:
                data = self._read(table, entry.offsets[place], ends[place])
                found = dict(split_groups(data, escaped=self.manifest.escaped))
                yield from ((key, found[key]) for key in some if key in found)

    def _last_key(self, table: Table) -> str:
        if table not in self._last:
            entry = self.entry(table)
            data = self._read(table, entry.offsets[-1], entry.size)
            self._last[table] = max(key for key, _ in split_groups(data, escaped=self.manifest.escaped))
        return self._last[table]

    def require_unchanged(self, tables: Iterable[Table], *, since: float = 0.0) -> None:
        """Checks that no other program has written the files in place.

        Args:
            tables: those whose files are checked.
            since: a check that is not older than so many seconds is enough.

        Raises:
            ChangedFile: one has.
        """
        now = time.monotonic()
        for table in tables:
            if now - self._checked.get(table, -math.inf) < since:
                continue
            file = self.files[table]
            if file.status() != self._opened[table]:
                raise ChangedFile(errno.ESTALE, "another program has changed it", str(file.path))
            self._checked[table] = now

    def _read(self, table: Table, begin: int, end: int) -> bytes:
        file = self.files[table]
        try:
            data = file.read(begin, end - begin)
        except OSError:
            if file.status() == self._opened[table]:
                raise
            data = b""
        self.require_unchanged((table,))
        return data

    def is_unchanged(self, table: Table) -> bool:
        """Whether the open file is the one of the manifest: by size, identity and time, otherwise by the checksum."""
        entry, file = self.entry(table), self.files[table]
        size, identity = file.status()
        if size != entry.size or file.exists != (entry.size > 0) or (entry.size and entry.columns != table.columns):
            return False
        return identity == entry.identity or file.crc(size) == entry.crc

    def adopted(self) -> Manifest | None:
        """The manifest with the current identities of the files; ``None`` if nothing changed."""
        files = {
            table: replace(entry, identity=self.files[table].status()[1])
            for table, entry in self.manifest.files.items()
        }
        return None if files == self.manifest.files else replace(self.manifest, files=files)


_NOTHING: Final = FileEntry()


def mode_of(path: Path) -> int:
    """The permission bits of a file for users: the current ones, else readable by all who can enter its folder."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o644


def open_snapshot(layout: Layout, manifest: Manifest) -> CsvSnapshot:
    """Opens the files of a generation, renamed or not.

    Raises:
        OSError: a file exists but cannot be opened.
    """
    return CsvSnapshot(
        manifest,
        {table: OpenFile(layout.upcoming(table, manifest.generation), layout.table(table)) for table in Table},
    )


def write_table(file: BinaryIO, table: Table, pieces: Iterable[tuple[str, bytes]]) -> FileEntry:
    """Writes a sorted file and makes its index.

    Args:
        file: open for writing; not synced.
        pieces: whole groups with the first key cell of each piece, in order.

    Raises:
        OSError: the disk refuses.
    """
    head = header(table)
    file.write(head)
    crc, size = zlib.crc32(head), len(head)
    keys: list[str] = []
    offsets: list[int] = []
    for first, data in pieces:
        if not data:
            continue
        if not offsets or size - offsets[-1] >= BLOCK:
            keys.append(first)
            offsets.append(size)
        file.write(data)
        crc = zlib.crc32(data, crc)
        size += len(data)
    file.flush()
    return FileEntry(size, crc, identity_of(os.fstat(file.fileno())), keys, offsets, columns=table.columns)


def index_upcoming(layout: Layout, table: Table, generation: int, *, escaped: bool) -> FileEntry:
    """Makes the index of a sorted file of a new generation, and syncs the file.

    Raises:
        OSError: the disk refuses.
    """
    with layout.upcoming(table, generation).open("rb+") as file:
        os.fchmod(file.fileno(), mode_of(layout.table(table)))
        data = file.read(len(header(table)))
        crc, offset, start = zlib.crc32(data), 0, len(data)
        keys: list[str] = []
        offsets: list[int] = []
        while piece := file.read(_PIECE):
            crc = zlib.crc32(piece, crc)
            offset, data, start = offset + start, data[start:] + piece, 0
            while (end := next_group(data, start, start + BLOCK, escaped=escaped)) is not None:
                keys.append(first_cell(data, start, end, escaped=escaped))
                offsets.append(offset + start)
                start = end
        if start < len(data):
            keys.append(first_cell(data, start, len(data), escaped=escaped))
            offsets.append(offset + start)
        sync(file.fileno())
        identity = identity_of(os.fstat(file.fileno()))
        return FileEntry(offset + len(data), crc, identity, keys, offsets, columns=table.columns)


def write_upcoming(layout: Layout, table: Table, generation: int, pieces: Iterable[tuple[str, bytes]]) -> FileEntry:
    """Writes and syncs a table's file of a new generation, beside the valid one.

    Raises:
        OSError: full disk and the like.
    """
    with layout.upcoming(table, generation).open("wb") as file:
        os.fchmod(file.fileno(), mode_of(layout.table(table)))
        entry = write_table(file, table, pieces)
        sync(file.fileno())
        return replace(entry, identity=identity_of(os.fstat(file.fileno())))
