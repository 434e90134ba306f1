"""The files of the store: their paths, the manifest that says which count, reading and writing them.

What reads or writes here raises ``OSError`` if the disk refuses; a new file or manifest then has no effect.
``translate_os_errors`` turns that into the error that users see.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import asdict, replace

from domain.errors import StoreUnavailable, UsageError
from domain.fields import Table
from infrastructure.data_dir import STATE_FOLDER
from infrastructure.stores.csv.dialect import first_cell, header, next_group
from shared.atomic import sync, sync_folder, write_atomically

_log = logging.getLogger(__name__)

STORE: Final = "csv"
FORMAT: Final = 2
BLOCK: Final = 1 << 16
_PIECE: Final = 1 << 20
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


class Layout(msgspec.Struct, frozen=True):
    """The paths within one data directory."""

    directory: Path

    def table(self, table: Table) -> Path:
        """The file of a table."""
        return self.directory / f"{table}.csv"

    def upcoming(self, table: Table, generation: int) -> Path:
        """The path of a new generation's file before it is renamed."""
        return self.directory / f".{table}.csv.{generation}"

    def unreadable(self, table: Table) -> Path:
        """The file for rows that cannot be read."""
        return self.directory / f"unreadable-{table}.csv"

    def edited(self, table: Table, time: str) -> Path:
        """The copy of a version that another program wrote."""
        return self.directory / f"edited-{table}-{time}.csv"

    @property
    def ranks_before(self) -> Path:
        """Ranks of version 0.1 that belong to no known chart."""
        return self.directory / "ranks-before.csv"

    @property
    def state(self) -> Path:
        """The folder for internal files."""
        return self.directory / STATE_FOLDER

    @property
    def manifest(self) -> Path:
        """The manifest: the valid generation and its files."""
        return self.state / "csv.json"

    def journal(self, number: int) -> Path:
        """The journal with a number."""
        return self.state / f"csv-{number}.jsonl"

    def journals(self) -> list[int]:
        """Numbers of the existing journals, ascending."""
        numbers = (path.stem.removeprefix("csv-") for path in self.state.glob("csv-*.jsonl"))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def make_state(self) -> None:
        """Creates the state folder durably."""
        if not self.state.is_dir():
            self.state.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.directory)

    def leftovers(self, generation: int, journal: int) -> Iterator[Path]:
        """Files of generations that are not valid, and journals below ``journal``, which the files contain."""
        for table in Table:
            yield from (
                path
                for path in self.directory.glob(f".{table}.csv.*")
                if path.suffix[1:].isdigit() and path != self.upcoming(table, generation)
            )
        yield from (self.journal(number) for number in self.journals() if number < journal)
        yield from self.state.glob(".csv.*.tmp")


@contextmanager
def translate_os_errors(directory: Path) -> Iterator[None]:
    """Raises errors of the operating system as ``StoreUnavailable`` with a message that says what to do.

    Raises:
        StoreUnavailable: full disk, unwritable or vanished folder, broken disk.
    """
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(STORE, _explained(directory, error)) from error


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


class Chunk(NamedTuple):
    """Whole groups of rows: the first key cell, the one that follows (``None`` at the end), and the bytes."""

    first: str
    after: str | None
    data: bytes


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
        """Replaces the manifest atomically."""
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
            Table(name.removesuffix(".csv")): msgspec.convert(entry, FileEntry)
            for name, entry in fields.pop("files").items()
        }
        return Manifest(**fields, files=files)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("%s is unreadable (%s): the CSV files are used without it", path, error)
        return None


FileStatus: TypeAlias = tuple[int, tuple[int, int, int]]
"""Size and identity of a file."""


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """Device, inode and modification time."""
    return (status.st_dev, status.st_ino, status.st_mtime_ns)


class ChangedFile(OSError):
    """Another program has written an open file in place; the bytes read may mix both contents."""


class OpenFile:
    """The first of some paths that exists, open for reading at offsets; reads as empty if there is none."""

    def __init__(self, *paths: Path, descriptor: int = -1) -> None:
        self.path = paths[-1]
        self._descriptor = descriptor
        for path in paths if descriptor < 0 else ():
            with suppress(FileNotFoundError):
                self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                break

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

    def status(self) -> FileStatus:
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
        for piece in self.pieces(size):
            found = zlib.crc32(piece, found)
        return found

    def pieces(self, end: int) -> Iterator[bytes]:
        """The contents up to there in pieces."""
        for offset in range(0, end, _PIECE):
            yield self.read(offset, min(_PIECE, end - offset))


def mode_of(path: Path) -> int:
    """The permission bits of a file for users: the current ones, else readable by all who can enter its folder."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0o644


def write_table(file: BinaryIO, table: Table, pieces: Iterable[tuple[str, bytes]]) -> FileEntry:
    """Writes a sorted file and makes its index.

    Args:
        file: open for writing; not synced.
        pieces: whole groups with the first key cell of each piece, in order.
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
    """Makes the index of a sorted file of a new generation, and syncs the file."""
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
    """Writes and syncs a table's file of a new generation, beside the valid one."""
    with layout.upcoming(table, generation).open("wb") as file:
        os.fchmod(file.fileno(), mode_of(layout.table(table)))
        entry = write_table(file, table, pieces)
        sync(file.fileno())
        return replace(entry, identity=identity_of(os.fstat(file.fileno())))
