"""Reads CSV files that a person or another program has changed.

Other line ends, another order of rows or columns, other quoting, a byte order
mark, duplicate rows, rows that cannot be read, files of version 0.1: every row is
read, sorted in pieces on disk, and returned in key order.
"""

from __future__ import annotations

import codecs
import csv
import heapq
import io
import marshal
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from application.records import Row, SortKey, canonical, sort_key
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.csv import format1
from infrastructure.stores.csv.dialect import ENCODING, decode, encode
from infrastructure.stores.csv.files import BLOCK, Chunk, OpenFile

_IN_MEMORY: Final = 8 << 20  # bytes of lines that are sorted at once
_AT_A_TIME: Final = 200
_SHOWN: Final = 3  # unreadable rows in a message
_INNER_RECORD: Final = re.compile(r'[\r\n]"?(tt|nm)[0-9]{7,10}"?,')
_TIMES: Final = ("scraped_at", "read_at", "day")


class ReadRow(NamedTuple):
    """One row of the file.

    Attributes:
        key: its place in the order.
        read_at: of two rows of one key the later counts.
        line: where it begins in the file.
        row: its cells; canonical if ``problem`` is empty.
        problem: why it cannot be read.
        torn: it is a last line that was cut off while it was written.
        raw: its bytes if it cannot be read.
    """

    key: SortKey
    read_at: str
    line: int
    row: Row
    problem: str
    torn: bool
    raw: bytes


class ImportedFile:
    """All rows of one file, in key order.

    Args:
        end: how far it is read; the whole file if ``None``.
        escaped: formulas have an apostrophe.
        known: columns that an earlier version of this program wrote.
        scratch: the folder for temporary files; the system's if ``None``.

    Raises:
        UsageError: the first line has other columns; the message says what to do.
        OSError: it cannot be read, or there is no room for temporary files.
    """

    def __init__(
        self,
        file: OpenFile,
        table: Table,
        end: int | None = None,
        *,
        escaped: bool,
        known: tuple[str, ...] = (),
        scratch: Path | None = None,
    ) -> None:
        self.table = table
        self.ranks: list[format1.Rank] = []
        self._escaped = escaped
        self._known = known
        self._scratch = scratch
        self._stack = ExitStack()
        self._runs: list[IO[bytes]] = []
        self._rows: list[ReadRow] = []
        try:
            if end := file.status()[0] if end is None else end:
                self._load(file, end)
        except BaseException:
            self.close()
            raise

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary files; may be called again."""
        self._stack.close()

    def rows(self) -> Iterator[ReadRow]:
        """All rows in key order, including duplicates and unreadable ones. One iteration at a time."""
        yield from heapq.merge(*map(_loaded, self._runs), self._rows)

    def unreadable(self) -> Iterator[ReadRow]:
        """Rows that cannot be read, except a torn last line."""
        return (one for one in self.rows() if one.problem and not one.torn)

    def require_readable(self, directory: Path) -> None:
        """Raises ``UsageError`` if a row cannot be read, except a torn last line."""
        if found := list(islice(self.unreadable(), _SHOWN + 1)):
            shown = "; ".join(f"{self.table}.csv line {row.line}: {row.problem}" for row in found[:_SHOWN])
            more = " and more" if len(found) > _SHOWN else ""
            raise UsageError(
                f"{directory} has rows that cannot be read ({shown}{more}); nothing was changed. "
                "Correct them, or let `verify --repair` set them aside"
            )

    def torn(self) -> ReadRow | None:
        """The last line, if it was cut off while it was written."""
        return next((one for one in self.rows() if one.torn), None)

    def doubles(self) -> Iterator[ReadRow]:
        """Readable rows that are replaced by another row with the same key and other cells."""
        return (one for *others, last in self._groups() for one in others if one.row != last.row)

    def clean(self) -> Iterator[Row]:
        """Readable rows in key order, one for each key: the one read last, else the lowest in the file."""
        return (group[-1].row for group in self._groups())

    def _groups(self) -> Iterator[list[ReadRow]]:
        """The readable rows of each key."""
        for _, group in groupby((one for one in self.rows() if not one.problem), key=itemgetter(0)):
            yield list(group)

    def chunks(self, *, escape: bool) -> Iterator[Chunk]:
        """The clean rows, encoded, as ``CsvSnapshot.chunks``."""
        first, size = "", 0
        pieces: list[bytes] = []
        for key, group in groupby(self.clean(), key=lambda row: row[0] or ""):
            if size >= BLOCK:
                yield Chunk(first, key, b"".join(pieces))
                first, pieces, size = key, [], 0
            lines = encode(group, escape=escape)
            first = first if pieces else key
            pieces += lines
            size += sum(map(len, lines))
        yield Chunk(first, None, b"".join(pieces))

    # --- loading ----------------------------------------------------------------

    def _load(self, file: OpenFile, end: int) -> None:
        raw: list[str] = []
        reader = csv.reader(_remembered(_lines(file.pieces(end)), raw))
        header = next(reader, [])
        if self._known and ",".join(self.table.columns).startswith("".join(raw)):
            return  # a file of this program, cut off in its first line: there are no rows
        order, columns = self._columns(header, file.path)
        raw.clear()
        line = reader.line_num + 1
        size = 0
        for cells in reader:
            if any(cells):  # spreadsheets leave rows of empty cells
                row = decode([cells[at] for at in order] if len(cells) == len(order) else cells, escaped=self._escaped)
                text = "".join(raw)
                self._rows.append(self._read(line, row, text, columns))
                size += len(text) + 200
                if size > _IN_MEMORY:
                    self._spill()
                    size = 0
            raw.clear()
            line = reader.line_num + 1
        self._rows.sort()

    def _columns(self, found: list[str], path: Path) -> tuple[list[int], tuple[str, ...]]:
        """The positions of the columns, and the columns: of this version, of the one that wrote it, or of 0.1."""
        for columns in (self.table.columns, self._known, format1.COLUMNS.get(self.table, ())):
            if columns and sorted(found) == sorted(columns):
                return [found.index(column) for column in columns], columns
        shown, wanted = ",".join(found), ",".join(self.table.columns[:3])
        one = len(found) == 1 and re.search("[;\t|]", shown)
        hint = " (saved with another separator than the comma?)" if one else ""
        raise UsageError(
            f"{path}: its first line is {shown[:300]!r}{hint}, expected '{wanted},…'; "
            "nothing was changed. Move it away, or choose another DATA_DIR"
        )

    def _read(self, line: int, row: Row, raw: str, columns: tuple[str, ...]) -> ReadRow:
        table = self.table
        problem = _ends_in_quotes(raw)
        torn = bool(problem) and not _INNER_RECORD.search(raw)
        if problem:  # one cell too many, so that it is not taken for a row
            row = (*row, *[None] * (len(table.columns) - len(row)), problem)
        else:
            try:
                if columns == format1.COLUMNS.get(table):
                    row, rank = format1.converted(table, row)
                    if rank is not None:
                        self.ranks.append(rank)
                elif columns != table.columns and len(row) == len(columns):
                    cells = dict(zip(columns, row, strict=True))
                    row = canonical(table, tuple(cells.get(column) for column in table.columns))
                else:
                    row = canonical(table, row)
                "".join(cell or "" for cell in row).encode()
            except UnicodeEncodeError:
                problem = "it is not UTF-8"
            except ValueError as error:
                problem = str(error)
            torn = bool(problem) and not raw.endswith(("\r", "\n"))
        kept = raw.encode(ENCODING, "surrogateescape") if problem else b""
        read_at = "" if problem else next((row[at] or "" for at in _TIME_COLUMNS[table]), "")
        return ReadRow(sort_key(table, row), read_at, line, row, problem, torn, kept)

    def _spill(self) -> None:
        self._rows.sort()
        run = self._stack.enter_context(tempfile.TemporaryFile(dir=self._scratch))  # noqa: SIM115 - closed with the stack
        rows = iter(self._rows)
        while some := [tuple(one) for one in islice(rows, _AT_A_TIME)]:
            marshal.dump(some, run)
        run.flush()
        self._runs.append(run)
        self._rows = []


_TIME_COLUMNS: Final = {
    table: [table.column_index(name) for name in _TIMES if name in table.columns] for table in Table
}


def _loaded(run: IO[bytes]) -> Iterator[ReadRow]:
    place = 0
    with suppress(EOFError):
        while True:
            run.seek(place)
            some: list[Any] = marshal.load(run)  # noqa: S302 - written by this process into a file without a name
            place = run.tell()
            yield from map(ReadRow._make, some)


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Lines with the line ends of any system; bytes that are not UTF-8 become half surrogate pairs."""
    rest = ""
    for text in codecs.iterdecode(pieces, "utf-8-sig", "surrogateescape"):
        *lines, rest = io.StringIO(rest + text, newline="").readlines() or [""]  # the next piece may continue the last
        yield from lines
    if rest:
        yield rest


def _remembered(lines: Iterable[str], raw: list[str]) -> Iterator[str]:
    for line in lines:
        raw.append(line)
        yield line


def _ends_in_quotes(raw: str) -> str:
    with suppress(StopIteration):
        try:
            next(csv.reader(io.StringIO(raw, newline=""), strict=True))
        except csv.Error as error:
            return str(error) if "end of data" in str(error) else ""
    return ""
