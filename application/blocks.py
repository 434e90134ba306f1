"""Rows as blocks of text: equal blocks of several stores are compared without parsing the rows.

The text is RFC 4180 with CRLF and an empty cell for a missing value: the CSV store's
own form, which other stores can write too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from application.records import Row, SortKey, sort_key
from domain.fields import Table

csv.field_size_limit(2**31 - 1)  # the default of 128 kB is less than a long plot; a C long has 32 bits on Windows
ROW_END: Final = b"\r\n"


def parse(lines: Iterable[str]) -> Iterator[list[str]]:
    """Cells of each record; line ends within quotes are kept.

    Raises:
        csv.Error: quotes out of place, or the text ends within them.
    """
    return csv.reader(lines, strict=True)


def cells_of(block: bytes) -> list[list[str]]:
    """The cells of each row of a block.

    Raises:
        csv.Error: quotes out of place, or the text ends within them.
        UnicodeDecodeError: not UTF-8.
    """
    return list(parse(io.StringIO(block.decode(), newline="")))


def text_of(rows: Iterable[Row]) -> str:
    """Rows as text."""
    lines: list[str] = []
    write_rows(rows, lines.append)
    return "".join(lines)


def write_rows(rows: Iterable[Row], write: Callable[[str], object]) -> None:
    """Calls a function with the text of each row."""
    csv.writer(_Target(write), lineterminator="\r\n").writerows(rows)


def records(data: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
    """Where each record begins and ends; line ends within quotes do not end one."""
    start = begin
    while start < len(data):
        end = data.find(ROW_END, start)
        quotes = data.count(b'"', start, end)
        while end >= 0 and quotes % 2:
            line = end + 2
            end = data.find(ROW_END, line)
            quotes += data.count(b'"', line, end)
        stop = end + 2 if end >= 0 else len(data)
        yield start, stop
        start = stop


class BlockStream:
    """The text of one store's table, read in parallel with that of another store.

    Args:
        pieces: the text in key order, each piece of whole rows.
    """

    def __init__(self, table: Table, pieces: Iterator[bytes]) -> None:
        self._table = table
        self._pieces = pieces
        self._data = b""

    def take(self, block: bytes) -> bool:
        """Consumes the block, which consists of whole rows, if the next bytes equal it; returns whether they do."""
        while len(self._data) < len(block) and (piece := next(self._pieces, None)) is not None:
            self._data += piece
        if not self._data.startswith(block):
            return False
        self._data = self._data[len(block) :]
        return True

    def rows_to(self, last: SortKey | None) -> list[Row]:
        """Consumes the rows up to this key; all remaining ones with ``None``.

        Raises:
            csv.Error, UnicodeDecodeError: the text is not CSV.
        """
        taken: list[Row] = []
        while True:
            for start, stop in records(self._data):
                row = tuple(cell or None for cell in cells_of(self._data[start:stop])[0])
                if last is not None and sort_key(self._table, row) > last:
                    self._data = self._data[start:]
                    return taken
                taken.append(row)
            self._data = next(self._pieces, b"")
            if not self._data:
                return taken


class _Target:
    """The output of a csv writer, one record a call."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
