"""How one row looks as text: RFC 4180 with CRLF, UTF-8, an empty cell for what is missing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Final

from application.records import Cell, Row, Table

ENCODING: Final = "utf-8"
csv.field_size_limit(2**31 - 1)  # the default of 128 kB is less than a long plot; a C long has 32 bits on Windows

# What a spreadsheet takes for a formula, and the same behind apostrophes: those too get one more, so that taking one
# away always gives the text back. Source: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")


def header(table: Table) -> bytes:
    """The first line of a table's file."""
    return (",".join(table.columns) + "\r\n").encode()


def encode(rows: Iterable[Row], *, escape: bool) -> list[bytes]:
    """Each row as one line (or several, where a cell holds line ends), ready to be written.

    Args:
        rows: canonical cells.
        escape: put an apostrophe before what a spreadsheet would take for a formula.

    Raises:
        UnicodeEncodeError: a cell holds half a surrogate pair.
    """
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    writer.writerows(map(_escape, rows) if escape else rows)
    return [line.encode() for line in lines]


def decode(cells: list[str], *, escaped: bool) -> Row:
    """Cells as the csv module read them, as a canonical row: an empty cell is a missing value."""
    if escaped:
        return tuple([(cell[1:] if _ESCAPED.match(cell) else cell) or None for cell in cells])
    return tuple([cell or None for cell in cells])


def parse(lines: Iterable[str]) -> Iterator[list[str]]:
    """Cells of each record; line ends within quotes are kept as they are.

    Raises:
        csv.Error: quotes out of place, or the text ends within them.
    """
    return csv.reader(lines, strict=True)


class _Lines:
    """Takes what a csv writer writes, one record a call."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _escape(row: Row) -> list[Cell]:
    return ["'" + cell if cell and _FORMULA.match(cell) else cell for cell in row]
