"""The three files, read at offsets and appended to at their committed ends."""

from __future__ import annotations

import errno
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from application.records import Table
from infrastructure.stores.csv.journal import Sizes, Stamps, Sums, write_at
from infrastructure.stores.csv.layout import Layout
from shared.atomic import sync, sync_folder

_PIECE = 1 << 20


class TableFiles:
    """Open files of one generation. A file that is not there reads as empty.

    Args:
        layout: where they are.
        writable: whether they may be appended to.
        generation: where a table's file of this generation has not been given its name yet, it is read as it is.

    Raises:
        OSError: a file is there but cannot be opened.
    """

    def __init__(self, layout: Layout, *, writable: bool, generation: int | None = None) -> None:
        self._layout = layout
        self._flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        self._descriptors: dict[Table, int] = {}
        try:
            for table in Table:
                upcoming = [] if generation is None else [layout.upcoming(table, generation)]
                for path in [*upcoming, layout.table(table)]:
                    with suppress(FileNotFoundError):
                        self._descriptors[table] = os.open(path, self._flags)
                        break
        except OSError:
            self.close()
            raise

    def path(self, table: Table) -> Path:
        """Where a table is, for messages."""
        return self._layout.table(table)

    def sizes(self) -> Sizes:
        """How long the files are now."""
        return Sizes(*(os.fstat(self._descriptors[t]).st_size if t in self._descriptors else 0 for t in Table))

    def stamps(self) -> Stamps:
        """When each file was last changed."""
        return tuple(os.fstat(self._descriptors[t]).st_mtime_ns if t in self._descriptors else 0 for t in Table)

    def sums(self, sizes: Sizes) -> Sums:
        """Checksums of the contents up to there.

        Raises:
            OSError: the files are shorter, or the disk refuses them.
        """
        movies, people, credits = (self._sum(table, sizes.of(table)) for table in Table)
        return movies, people, credits

    def _sum(self, table: Table, end: int) -> int:
        found = 0
        for offset in range(0, end, _PIECE):
            found = zlib.crc32(self.read(table, offset, min(_PIECE, end - offset)), found)
        return found

    def read(self, table: Table, offset: int, length: int) -> bytes:
        """So many bytes from there.

        Raises:
            OSError: they are not there (EIO), or the disk refuses them.
        """
        descriptor = self._descriptors.get(table)
        parts = []
        while length:
            part = os.pread(descriptor, length, offset) if descriptor is not None else b""
            if not part:
                raise OSError(errno.EIO, f"{self.path(table).name} ends before byte {offset + length}")
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def lines(self, table: Table, start: int, end: int) -> Iterator[bytes]:
        """The lines between two offsets, with their line feeds; the last may lack one."""
        rest = b""
        while start < end:
            piece = self.read(table, start, min(_PIECE, end - start))
            start += len(piece)
            lines = io.BytesIO(rest + piece).readlines()  # at line feeds alone: a carriage return may be text
            rest = lines.pop() if not lines[-1].endswith(b"\n") else b""
            yield from lines
        if rest:
            yield rest

    def append(self, table: Table, data: bytes, offset: int) -> None:
        """Write at the committed end and wait for the disk; a file that is not there is made.

        Raises:
            OSError: a part may have been written; ``trim`` cuts it off.
        """
        if table not in self._descriptors:
            self._descriptors[table] = os.open(self.path(table), self._flags | os.O_CREAT, 0o666)
            sync_folder(self.path(table).parent)
        write_at(self._descriptors[table], data, offset)

    def sync(self, table: Table) -> None:
        """Wait until the disk has what was appended.

        Raises:
            OSError: it may not.
        """
        sync(self._descriptors[table])

    def trim(self, sizes: Sizes) -> None:
        """Cut the files back to these lengths.

        Raises:
            OSError: the disk refuses; they may be longer than that.
        """
        for table, descriptor in self._descriptors.items():
            if os.fstat(descriptor).st_size > sizes.of(table):
                os.ftruncate(descriptor, sizes.of(table))
                sync(descriptor)

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])
