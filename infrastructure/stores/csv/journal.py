"""The commit journal: what of the three files counts.

One line of JSON, then a record for each save: the lengths of the three files
behind it, checksums of their contents up to there, and one of its own. The
records tell three things: how much is committed (the last one), whether somebody
else has changed it since, and which credits belong to which movie row (those
between two), so that a later save replaces the credits of an earlier one even if
it has none.
"""

from __future__ import annotations

import json
import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from application.records import Table
from shared.atomic import replacing, sync

_log = logging.getLogger(__name__)

FORMAT: Final = 2
_MAGIC: Final = b"filmledger csv journal "
_RECORD: Final = struct.Struct("<QQQIIII")
_CHECKED: Final = struct.Struct("<QQQQQIII")
Stamps: TypeAlias = tuple[int, ...]
Sums: TypeAlias = tuple[int, int, int]
"""CRC-32 of the three files' contents, in the order of ``Table``."""


class Sizes(NamedTuple):
    """Lengths of the three files in bytes, in the order of ``Table``."""

    movies: int = 0
    people: int = 0
    credits: int = 0

    def of(self, table: Table) -> int:
        """The length of one table's file."""
        return int(getattr(self, table.value))


EMPTY: Final = Sizes()
NOTHING: Final[Sums] = (0, 0, 0)


class Save(NamedTuple):
    """Where the files end behind a save, and the checksums of all that stands before."""

    sizes: Sizes
    sums: Sums


@dataclass(frozen=True, slots=True)
class Header:
    """What the journal says about the files as a whole.

    Attributes:
        generation: counts how often the files were written anew.
        base: their lengths when that was done (or when they were first met).
        sums: the checksums of their contents then.
        escaped: formulas carry an apostrophe.
        ordered: the base is in its final order.
        open: a process is appending, or died doing so; else the files were left as the last record says.
        stamps: when each file was last changed, in nanoseconds; empty while open.
    """

    generation: int = 0
    base: Sizes = EMPTY
    sums: Sums = NOTHING
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
        return self._last.sizes

    @property
    def sums(self) -> Sums:
        """The checksums of what counts."""
        return self._last.sums

    def sizes(self) -> Iterator[Sizes]:
        """The lengths behind each save, in order."""
        for movies, people, credits, *_ in _RECORD.iter_unpack(self.records):
            yield Sizes(movies, people, credits)

    @property
    def _last(self) -> Save:
        if not self.records:
            return Save(self.header.base, self.header.sums)
        movies, people, credits, *sums, _ = _RECORD.unpack(self.records[-_RECORD.size :])
        return Save(Sizes(movies, people, credits), (sums[0], sums[1], sums[2]))


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
        tuples = {"base": Sizes(*fields["base"]), "sums": tuple(fields["sums"]), "stamps": tuple(fields["stamps"])}
        header = Header(**fields | tuples)
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
        *fields, checksum = _RECORD.unpack_from(tail, number * _RECORD.size)
        if checksum != _checksum(header.generation, number, fields):
            break
        good += _RECORD.size
    return tail[:good]


def _checksum(generation: int, number: int, fields: Iterable[int]) -> int:
    return zlib.crc32(_CHECKED.pack(generation, number, *fields))


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

    def append(self, saves: Sequence[Save]) -> None:
        """Commit saves: when this returns, the disk has their records.

        Raises:
            OSError: none of them is committed, once ``trim`` has been called.
        """
        records = b"".join(
            _RECORD.pack(*sizes, *sums, _checksum(self._generation, number, (*sizes, *sums)))
            for number, (sizes, sums) in enumerate(saves, self._count)
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
