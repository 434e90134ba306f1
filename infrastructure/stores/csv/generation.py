"""A new generation of the three files, put in place so that no half of it is ever seen."""

from __future__ import annotations

import csv
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import chain

from application.records import Table
from infrastructure.stores.csv.dialect import header
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.index import Naming, Span
from infrastructure.stores.csv.journal import Sizes, Stamps, Sums
from infrastructure.stores.csv.layout import Layout
from shared.atomic import sync, sync_folder, write_atomically

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Written:
    """Lengths, checksums and times of files that lie ready."""

    sizes: Sizes
    sums: Sums
    stamps: Stamps


def write_upcoming(layout: Layout, generation: int, parts: Mapping[Table, Iterable[bytes]]) -> Written:
    """Write the files of a generation beside those that count, and wait for the disk.

    Raises:
        OSError: full disk and the like; what was written is gone again.
    """
    try:
        found = [_write(layout, table, generation, parts[table]) for table in Table]
        sync_folder(layout.directory)
    except BaseException:
        for table in Table:
            with suppress(OSError):
                layout.upcoming(table, generation).unlink(missing_ok=True)
        raise
    movies, people, credits = (checksum for _, checksum in found)
    return Written(
        Sizes(*(status.st_size for status, _ in found)),
        (movies, people, credits),
        tuple(status.st_mtime_ns for status, _ in found),
    )


def _write(layout: Layout, table: Table, generation: int, parts: Iterable[bytes]) -> tuple[os.stat_result, int]:
    with layout.upcoming(table, generation).open("wb", buffering=_PIECE) as file:
        with suppress(FileNotFoundError):
            os.fchmod(file.fileno(), stat.S_IMODE(layout.table(table).stat().st_mode))
        checksum = 0
        for part in chain([header(table)], parts):
            checksum = zlib.crc32(part, checksum)
            file.write(part)
        file.flush()
        sync(file.fileno())
        return os.fstat(file.fileno()), checksum


def settle(layout: Layout, generation: int) -> None:
    """Give the files of the generation that counts their names, and take away all others.

    Raises:
        OSError: a file cannot be renamed or removed.
    """
    renamed = False
    for table in Table:
        with suppress(FileNotFoundError):
            layout.upcoming(table, generation).replace(layout.table(table))
            renamed = True
    if renamed:
        sync_folder(layout.directory)
    for path in list(layout.leftovers(generation)):
        path.unlink(missing_ok=True)


def copied(files: TableFiles, table: Table, spans: Iterable[Span]) -> Iterator[bytes]:
    """The bytes of many spans; neighbours are read in one go."""
    start = end = 0
    for span in spans:
        if span.offset != end or end - start >= _PIECE:
            if end > start:
                yield files.read(table, start, end - start)
            start = span.offset
        end = span.end
    if end > start:
        yield files.read(table, start, end - start)


def write_names(layout: Layout, generation: int, exceptions: Iterable[tuple[str, Naming]]) -> None:
    """Keep who named whom where the tables cannot tell; without any there is no file.

    Raises:
        OSError: full disk and the like.
    """
    text = StringIO(newline="")
    csv.writer(text).writerows((person_id, *naming) for person_id, naming in exceptions)
    if text.getvalue():
        write_atomically(layout.names(generation), text.getvalue(), mode=0o600)


def read_names(layout: Layout, generation: int) -> list[tuple[str, Naming]]:
    """What ``write_names`` has kept for a generation.

    Raises:
        OSError: the file is there but cannot be read.
    """
    try:
        text = layout.names(generation).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [(row[0], (row[1], row[2])) for row in csv.reader(StringIO(text, newline="")) if len(row) == 3]
