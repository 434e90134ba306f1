"""Files in any form a person or a spreadsheet may leave them in.

Other line ends, another order of rows or columns, other quoting, a byte order
mark, rows twice, rows that cannot be read: all of it goes row by row into a
private database and comes out in order. Slower than reading our own form, and
used only when the files are not in it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from application.records import Row, Table, canonical, sort_key
from domain.errors import UsageError
from infrastructure.stores.csv.dialect import ENCODING, decode
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.index import private_database
from infrastructure.stores.csv.journal import Sizes

_SCHEMA: Final = """
CREATE TABLE lines (
    tbl TEXT, id BLOB, category BLOB, digits INTEGER, position BLOB, line INTEGER,
    cells TEXT, rank INTEGER, problem TEXT, torn INTEGER, raw BLOB, read_at TEXT
);
CREATE INDEX in_order ON lines (tbl, id, category, digits, position, line);
"""
_INNER_RECORD: Final = re.compile(r'[\r\n]"?(tt|nm)[0-9]{7,10}"?,')
_RANK: Final = Table.MOVIES.columns.index("rank")


def check_headers(files: TableFiles, ends: Sizes) -> None:
    """Look at the first lines alone.

    Raises:
        UsageError: one is not ours; the message says what to do.
        OSError: a file cannot be read.
    """
    for table in Table:
        if ends.of(table):
            lines = _lines(files.lines(table, 0, ends.of(table)))
            _column_order(table, next(csv.reader(lines), []), str(files.path(table)))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that is none of ours: where it stands, why, and its bytes."""

    table: Table
    line: int
    reason: str
    raw: bytes


class EditedFiles:
    """Everything that stands in the three files, in order.

    Args:
        files: open ones.
        ends: how far they are read.
        escaped: formulas carry an apostrophe.

    Raises:
        UsageError: a file's first line is not ours; the message says what to do.
        OSError: a file cannot be read.
        sqlite3.Error: there is no room for temporary files.
    """

    def __init__(self, files: TableFiles, ends: Sizes, *, escaped: bool) -> None:
        self._escaped = escaped
        self._database = private_database(_SCHEMA)
        try:
            self._database.execute("BEGIN")
            for table in Table:
                if ends.of(table):
                    self._load(files, table, ends.of(table))
            self._database.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    # --- as they stand ----------------------------------------------------------

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows in key order, also those that stand twice and those that cannot be read."""
        query = "SELECT cells FROM lines WHERE tbl = ? ORDER BY id, category, digits, position, line"
        for (cells,) in self._database.execute(query, (table.value,)):
            yield tuple(json.loads(cells))

    def find(self, imdb_id: str) -> tuple[Row, list[Row], Mapping[str, str]] | None:
        """A movie's row, its credits and the names of its people, as far as they are there."""
        found = self._of(Table.MOVIES, imdb_id)
        if not found:
            return None
        listed = list({sort_key(Table.CREDITS, row): row for row in self._credits(imdb_id)}.values())
        names = {row[1]: self._of(Table.PEOPLE, row[1] or "") for row in listed if len(row) > 1}
        return found[-1], listed, {one: rows[-1][1] or "" for one, rows in names.items() if one and rows}

    # --- to be written anew -----------------------------------------------------

    def unreadable(self) -> Iterator[Unreadable]:
        """Rows that cannot be read, except a last line that was cut off while it was written."""
        query = "SELECT tbl, line, problem, raw FROM lines WHERE problem IS NOT NULL AND NOT torn ORDER BY rowid"
        for table, line, reason, raw in self._database.execute(query):
            yield Unreadable(Table(table), line, reason, raw)

    def doubles(self) -> Iterator[tuple[Table, int, str]]:
        """Readable rows that another one with the same key, but other cells, replaces: table, line, id."""
        query = (
            "SELECT tbl, line, id FROM (SELECT tbl, line, id, cells, lead(cells) OVER ("
            "PARTITION BY tbl, id, category, digits, position ORDER BY read_at, line) AS later"
            " FROM lines WHERE problem IS NULL) WHERE later <> cells ORDER BY tbl, line"
        )
        for table, line, key in self._database.execute(query):
            yield Table(table), line, bytes(key).decode(ENCODING, "replace")

    def torn(self) -> Iterator[Unreadable]:
        """Last lines that were cut off while they were written."""
        query = "SELECT tbl, line, problem, raw FROM lines WHERE torn ORDER BY rowid"
        for table, line, reason, raw in self._database.execute(query):
            yield Unreadable(Table(table), line, reason, raw)

    def clean(self, table: Table) -> Iterator[Row]:
        """Readable rows in the files' final order, one for each key: the one read last, else the lowest."""
        if table is Table.CREDITS:
            for movie in self.clean(Table.MOVIES):
                listed = self._credits(movie[0] or "", readable=True)
                by_key = {sort_key(table, row): row for row in listed}
                yield from sorted(by_key.values(), key=lambda row: (row[2] != "director", int(row[3] or 0)))
            return
        # In SQLite the bare columns of an aggregate with max() come from the row that has the maximum.
        query = (
            "SELECT cells, rank, max(read_at || printf('%012d', line)) FROM lines WHERE tbl = ? AND problem IS NULL"
            " GROUP BY id ORDER BY rank IS NULL, rank, id"
        )
        for cells, _, _ in self._database.execute(query, (table.value,)):
            yield tuple(json.loads(cells))

    # --- loading ----------------------------------------------------------------

    def _of(self, table: Table, key: str, *, readable: bool = False) -> list[Row]:
        query = "SELECT cells FROM lines WHERE tbl = ? AND id = ? AND (problem IS NULL OR NOT ?) ORDER BY read_at, line"
        found = self._database.execute(query, (table.value, _blob(key), readable))
        return [tuple(json.loads(cells)) for (cells,) in found]

    def _credits(self, imdb_id: str, *, readable: bool = False) -> list[Row]:
        """The credits of a movie; where it stands twice, a run has saved it again, and those it saved last."""
        query = "SELECT rowid, cells FROM lines WHERE tbl = ? AND id = ? AND (problem IS NULL OR NOT ?) ORDER BY rowid"
        found = self._database.execute(query, (Table.CREDITS.value, _blob(imdb_id), readable)).fetchall()
        if len(self._of(Table.MOVIES, imdb_id, readable=True)) > 1:
            gaps = [place for place in range(1, len(found)) if found[place][0] != found[place - 1][0] + 1]
            found = found[gaps[-1] :] if gaps else found
        return [tuple(json.loads(cells)) for _, cells in found]

    def _load(self, files: TableFiles, table: Table, end: int) -> None:
        raw: list[str] = []
        reader = csv.reader(_remembered(_lines(files.lines(table, 0, end)), raw))
        order = _column_order(table, next(reader, []), str(files.path(table)))
        raw.clear()
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                row = decode(
                    [cells[place] for place in order] if len(cells) == len(order) else cells, escaped=self._escaped
                )
                self._insert(table, line, row, "".join(raw))
            raw.clear()
            line = reader.line_num + 1

    def _insert(self, table: Table, line: int, row: Row, raw: str) -> None:
        problem = _ends_in_quotes(raw)
        torn = problem is not None and not _INNER_RECORD.search(raw)
        if problem is not None:  # one cell too many, so that nobody takes it for a row that lacks nothing
            row = (*row, *[None] * (len(table.columns) - len(row)), problem)
        else:
            try:
                row = canonical(table, row)
                "".join(cell or "" for cell in row).encode()
            except UnicodeEncodeError:
                problem = "it is not UTF-8"
            except ValueError as error:
                problem = str(error)
            torn = problem is not None and not raw.endswith(("\r", "\n"))
        rank = int(row[_RANK] or 0) or None if table is Table.MOVIES and problem is None else None
        key = sort_key(table, row)
        blobs = (_blob(key[0]), _blob(key[1]), key[2], _blob(key[3]))
        kept = raw.encode(ENCODING, "surrogateescape") if problem else None
        read_at = row[-1] if table is Table.MOVIES and problem is None else ""
        values = (table.value, *blobs, line, json.dumps(row), rank, problem, torn, kept, read_at)
        self._database.execute(f"INSERT INTO lines VALUES ({','.join('?' * len(values))})", values)  # noqa: S608


def _lines(raw: Iterable[bytes]) -> Iterator[str]:
    """Lines that end as any system ends them; bytes that are no UTF-8 become half surrogate pairs."""
    mark = "\ufeff"
    for line in raw:
        text = line.decode(ENCODING, "surrogateescape").removeprefix(mark)
        mark = ""
        yield from io.StringIO(text, newline="")


def _remembered(lines: Iterable[str], raw: list[str]) -> Iterator[str]:
    for line in lines:
        raw.append(line)
        yield line


def _ends_in_quotes(raw: str) -> str | None:
    with suppress(StopIteration):
        try:
            next(csv.reader(io.StringIO(raw, newline=""), strict=True))
        except csv.Error as error:
            return str(error) if "end of data" in str(error) else None
    return None


def _column_order(table: Table, found: list[str], path: str) -> list[int]:
    if sorted(found) == sorted(table.columns):
        return [found.index(column) for column in table.columns]
    shown = ",".join(found)
    hint = " (saved with another separator than the comma?)" if len(found) == 1 and re.search("[;\t|]", shown) else ""
    raise UsageError(
        f"{path} is not ours: its first line is {shown[:300]!r}{hint}, expected {','.join(table.columns)!r}; "
        "nothing was changed. Move it away, or choose another DATA_DIR"
    )


def _blob(text: str) -> bytes:
    return text.encode(ENCODING, "surrogatepass")
