"""The commit journal: what of the three files counts.

One line of JSON, then a record for each save: the lengths of the three files
behind it and a checksum. The records tell two things: how much is committed (the
last one), and which credits belong to which movie row (those between two), so
that a later save replaces the credits of an earlier one even if it has none.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from application.records import Table
from shared.atomic import replacing, sync

_log = logging.getLogger(__name__)

FORMAT: Final = 1
_MAGIC: Final = b"filmledger csv journal "
_RECORD: Final = struct.Struct("<QQQI")
_CHECKED: Final = struct.Struct("<QQQQQ")
Stamps: TypeAlias = tuple[int, ...]


class Sizes(NamedTuple):
    """Lengths of the three files in bytes, in the order of ``Table``."""

    movies: int = 0
    people: int = 0
    credits: int = 0

    def of(self, table: Table) -> int:
        """The length of one table's file."""
        return int(getattr(self, table.value))


EMPTY: Final = Sizes()


@dataclass(frozen=True, slots=True)
class Header:
    """What the journal says about the files as a whole.

    Attributes:
        generation: counts how often the files were written anew.
        base: their lengths when that was done (or when they were first met).
        escaped: formulas carry an apostrophe.
        ordered: the base is in its final order.
        open: a process is appending, or died doing so; else the files were left as the last record says.
        stamps: when each file was last changed, in nanoseconds; empty while open.
    """

    generation: int = 0
    base: Sizes = EMPTY
    escaped: bool = False
    ordered: bool = False
    open: bool = False
    stamps: Stamps = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """A journal as it was read: its header and its intact records."""

    header: Header
    records: bytes = b""

    @property
    def committed(self) -> Sizes:
        """How much of each file counts."""
        return Sizes(*_RECORD.unpack(self.records[-_RECORD.size :])[:3]) if self.records else self.header.base

    def sizes(self) -> Iterator[Sizes]:
        """The lengths behind each save, in order."""
        for movies, people, credits, _ in _RECORD.iter_unpack(self.records):
            yield Sizes(movies, people, credits)

    def within(self, actual: Sizes) -> Contents:
        """The same without the records of bytes that the files do not have."""
        kept = len(self.records)
        while kept and any(size > limit for size, limit in zip(self._at(kept), actual, strict=True)):
            kept -= _RECORD.size
        return replace(self, records=self.records[:kept])

    def _at(self, end: int) -> Sizes:
        return Sizes(*_RECORD.unpack(self.records[end - _RECORD.size : end])[:3])


def read(path: Path) -> Contents | None:
    """The journal, or ``None`` where there is none or it cannot be read.

    A record that is torn or does not match its checksum ends the journal: it belongs to a save that did not succeed.

    Raises:
        OSError: the file is there but the disk refuses it.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    line, _, tail = raw.partition(b"\n")
    try:
        fields = json.loads(_unsealed(line))
        if fields.pop("format") != FORMAT:
            raise ValueError("it is of another version")
        header = Header(**fields | {"base": Sizes(*fields["base"]), "stamps": tuple(fields["stamps"])})
    except (ValueError, KeyError, TypeError) as error:
        _log.warning("%s is unreadable (%s): the CSV files are taken as they are", path, error)
        return None
    return Contents(header, _intact(header, tail))


def _sealed(fields: bytes) -> bytes:
    return b"%s%08x %s\n" % (_MAGIC, zlib.crc32(fields), fields)


def _unsealed(line: bytes) -> bytes:
    checksum, _, fields = line.removeprefix(_MAGIC).partition(b" ")
    if not line.startswith(_MAGIC) or checksum != b"%08x" % zlib.crc32(fields):
        raise ValueError("its first line is not as we wrote it")
    return fields


def _intact(header: Header, tail: bytes) -> bytes:
    good = 0
    for number in range(len(tail) // _RECORD.size):
        movies, people, credits, checksum = _RECORD.unpack_from(tail, number * _RECORD.size)
        if checksum != _checksum(header.generation, number, Sizes(movies, people, credits)):
            break
        good += _RECORD.size
    return tail[:good]


def _checksum(generation: int, number: int, sizes: Sizes) -> int:
    return zlib.crc32(_CHECKED.pack(generation, number, *sizes))


class Journal:
    """The journal of the process that writes. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._length = 0
        self._count = 0
        self._generation = 0

    @property
    def records(self) -> int:
        """How many saves were committed since the files were last written anew."""
        return self._count

    def replace(self, contents: Contents) -> None:
        """Put another journal in place, in one step.

        Raises:
            OSError: it could not be written; the old one still counts.
        """
        head = _sealed(json.dumps(asdict(contents.header) | {"format": FORMAT}).encode())
        with replacing(self._path, mode=0o600) as file:
            file.write(head + contents.records)
        self.close()
        self._generation = contents.header.generation
        self._length = len(head) + len(contents.records)
        self._count = len(contents.records) // _RECORD.size
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)

    def append(self, saves: Sequence[Sizes]) -> None:
        """Commit saves: when this returns, the disk has their records.

        Raises:
            OSError: none of them is committed, once ``trim`` has been called.
        """
        records = b"".join(
            _RECORD.pack(*sizes, _checksum(self._generation, number, sizes))
            for number, sizes in enumerate(saves, self._count)
        )
        write_at(self._descriptor, records, self._length)
        sync(self._descriptor)
        self._length += len(records)
        self._count += len(saves)

    def trim(self) -> None:
        """Cut off what an ``append`` that failed may have left.

        Raises:
            OSError: it is still there; nothing may be appended before this has succeeded.
        """
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, self._length)
            sync(self._descriptor)

    def close(self) -> None:
        """Let go of the file; ``records`` counts from 0 again."""
        self._count = 0
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of it, whatever the system takes in one call.

    Raises:
        OSError: full disk and the like; a part may have been written.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
