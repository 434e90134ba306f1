"""Rows as text: RFC 4180 with CRLF, UTF-8, an empty cell for a missing value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from application.blocks import cells_of, records, text_of, write_rows
from application.records import Row
from domain.fields import DeclaredTable

ENCODING: Final = "utf-8"

# What a spreadsheet treats as a formula, and the same after apostrophes: those get one more too, so that removing one
# always restores the text. Source: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")
_MAYBE_ESCAPED: Final = re.compile(rb"'[=+\-@\t\r]")


def header(table: DeclaredTable) -> bytes:
    """The first line of a table's file."""
    return (",".join(table.columns) + "\r\n").encode()


def encode(rows: Iterable[Row], *, escape: bool) -> list[bytes]:
    """Encodes each row as one line (or several, where a cell holds line ends).

    Args:
        rows: canonical cells.
        escape: put an apostrophe before text that a spreadsheet would treat as a formula.

    Raises:
        UnicodeEncodeError: a cell holds half a surrogate pair.
    """
    lines: list[str] = []
    write_rows(map(_escape, rows) if escape else rows, lines.append)
    return [line.encode() for line in lines]


def encode_text(rows: Iterable[Row], *, escape: bool) -> str:
    """All rows as one text."""
    return text_of(map(_escape, rows) if escape else rows)


def decode(cells: list[str], *, escaped: bool) -> Row:
    """Converts the cells of the csv module to a canonical row: an empty cell is a missing value."""
    if escaped:
        return tuple([(cell[1:] if _ESCAPED.match(cell) else cell) or None for cell in cells])
    return tuple([cell or None for cell in cells])


def decode_all(data: bytes, *, escaped: bool) -> list[Row]:
    """The rows of encoded lines.

    Raises:
        csv.Error: quotes out of place, or the text ends within them.
        UnicodeDecodeError: not UTF-8.
    """
    return [decode(cells, escaped=escaped) for cells in cells_of(data)]


def unescape(data: bytes) -> bytes:
    """Encoded lines without the apostrophes of ``encode``."""
    if not _MAYBE_ESCAPED.search(data):
        return data
    return b"".join(encode(decode_all(data, escaped=True), escape=False))


def split_groups(data: bytes, *, escaped: bool) -> Iterator[tuple[str, bytes]]:
    """Neighbouring rows with the same first cell: that cell and their bytes. For lines that ``encode`` wrote."""
    key: str | None = None
    start = 0
    prefix = b""
    for begin, end in records(data):
        if prefix and data.startswith(prefix, begin):
            continue
        found = first_cell(data, begin, end, escaped=escaped)
        if found != key:
            if key is not None:
                yield key, data[start:begin]
            key, start = found, begin
        prefix = b"" if data[begin] in _SPECIAL else data[begin : data.find(b",", begin) + 1]
    if key is not None:
        yield key, data[start:]


def find_group(data: bytes, key: str, *, escaped: bool) -> bytes:
    """The rows whose first cell is ``key``; empty if there are none. Fast, because it does not parse other rows."""
    if not key[:1].isalnum() or "," in key or '"' in key:
        return next((raw for found, raw in split_groups(data, escaped=escaped) if found == key), b"")
    needle = key.encode() + b","
    begin = 0 if data.startswith(needle) else data.find(b"\n" + needle) + 1
    while data.startswith(needle, begin):
        if data.count(b'"', 0, begin) % 2 == 0:  # else the text is within a quoted cell
            end = next(stop for _, stop in records(data, begin) if not data.startswith(needle, stop))
            return data[begin:end]
        begin = data.find(b"\n" + needle, begin) + 1
    return b""


def next_group(data: bytes, begin: int, least: int, *, escaped: bool) -> int | None:
    """The begin of a group of rows, at or shortly after ``least``; ``None`` if the data ends before.

    Args:
        data: encoded lines; the last one may be cut.
        begin: where a row begins, before ``least``.
        least: the lowest offset of the group.
        escaped: formulas have an apostrophe.
    """
    end = data.find(b"\r\n", least)
    quotes = data.count(b'"', begin, end)
    while end >= 0 and quotes % 2:  # within a quoted cell
        line = end + 2
        end = data.find(b"\r\n", line)
        quotes += data.count(b'"', line, end)
    key = None
    for start, stop in records(data, end + 2) if end >= 0 else ():
        if stop == len(data):
            break  # this row may be cut
        found = first_cell(data, start, stop, escaped=escaped)
        if key is not None and found != key:
            return start
        key = found
    return None


def first_cell(data: bytes, begin: int, end: int, *, escaped: bool) -> str:
    """The first cell of the record between two offsets."""
    if data[begin] not in _SPECIAL:
        return data[begin : data.find(b",", begin, end)].decode()
    return decode_all(data[begin:end], escaped=escaped)[0][0] or ""


_SPECIAL: Final = b"\"'"


def _escape(row: Row) -> Row:
    return tuple(["'" + cell if cell and _FORMULA.match(cell) else cell for cell in row])
