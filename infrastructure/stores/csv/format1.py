"""Reads the files of version 0.1: detects them by their header, applies their journal and converts their rows.

0.1 appended rows to ``movies.csv``, ``people.csv`` and ``credits.csv``; its binary
journal ``csv.journal`` held the lengths and checksums of the three files after each
save. Bytes after the last record are uncommitted.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from application.records import Row, canonical, list_cell, sort_key
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.stores.csv.dialect import decode_all, encode_text
from infrastructure.stores.csv.files import Layout, Manifest, OpenFile
from infrastructure.stores.csv.journal import Entry, Journal, entry
from shared.atomic import sync, sync_folder

_log = logging.getLogger(__name__)

TABLES: Final = (Table.MOVIES, Table.PEOPLE, Table.CREDITS)
COLUMNS: Final[Mapping[Table, tuple[str, ...]]] = {
    Table.MOVIES: (
        "imdb_id", "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore",
        "genres", "plot", "poster_url", "certificate", "release_date", "rank", "source_url", "scraped_at",
    ),
    Table.PEOPLE: ("person_id", "name"),
    Table.CREDITS: ("imdb_id", "person_id", "category", "position", "characters"),
}  # fmt: skip
_MAGIC: Final = b"filmledger csv journal "
_RECORD: Final = struct.Struct("<QQQIIII")
_CHECKED: Final = struct.Struct("<QQQQQIII")
_ENTRIES_AT_ONCE: Final = 200


def is_format1(directory: Path) -> bool:
    """Whether the ``movies.csv`` of a folder has the header of version 0.1."""
    try:
        with (directory / f"{Table.MOVIES}.csv").open(encoding="utf-8-sig", newline="") as lines:
            return sorted(next(csv.reader(lines), [])) == sorted(COLUMNS[Table.MOVIES])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # the code that reads the file reports the error


class Rank(msgspec.Struct, frozen=True):
    """A rank that 0.1 stored with a movie."""

    rank: int
    imdb_id: str
    scraped_at: str


def converted(table: Table, row: Row) -> tuple[Row, Rank | None]:
    """Converts a row of 0.1, with cells in the order of ``COLUMNS``, to a canonical row of this version.

    Raises:
        ValueError: a cell is not valid for the table.
    """
    if len(row) != len(COLUMNS[table]):
        raise ValueError(f"{len(row)} cells instead of {len(COLUMNS[table])}")
    cells = dict(zip(COLUMNS[table], row, strict=True))
    rank = cells.pop("rank", None)
    if cells.get("genres"):
        cells["genres"] = list_cell([one for one in str(cells["genres"]).split("|") if one])
    found = canonical(table, tuple(cells.get(column) for column in table.columns))
    if rank is None:
        return found, None
    if not rank.isdecimal() or len(rank) > 9 or not int(rank):
        raise ValueError(f"rank {rank[:20]!r} is not a place")
    return found, Rank(int(rank), str(found[0]), str(found[-1]))


class Settled(msgspec.Struct, frozen=True):
    """The committed content of 0.1's files.

    Attributes:
        ends: the end of the committed rows in each file; of the whole file if the journal does not fit the files.
        escaped: formulas have an apostrophe.
        saves: the lengths of the three files before and after each later save.
    """

    ends: Mapping[Table, int]
    escaped: bool
    saves: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()

    def write(self, journal: Journal, layout: Layout, ranks: list[Rank]) -> None:
        """Appends later saves to a journal; adds their ranks to ``ranks``."""
        entries = self._entries(layout, ranks)
        while batch := list(islice(entries, _ENTRIES_AT_ONCE)):
            journal.append(batch)

    def _entries(self, layout: Layout, ranks: list[Rank]) -> Iterator[Entry]:
        files = {table: OpenFile(layout.table(table)) for table in TABLES}
        for before, after in self.saves:
            rows: dict[Table, list[Row]] = {}
            for table, begin, end in zip(TABLES, before, after, strict=True):
                begin = begin or min(len(",".join(COLUMNS[table])) + 2, end)
                found = []
                for row in decode_all(files[table].read(begin, end - begin), escaped=self.escaped):
                    new, rank = converted(table, row)
                    found.append(new)
                    if rank is not None:
                        ranks.append(rank)
                rows[table] = found
            yield from _entries(rows, escaped=self.escaped)


def _entries(rows: Mapping[Table, list[Row]], *, escaped: bool) -> Iterator[Entry]:
    people = {row[0]: row[1] for row in rows[Table.PEOPLE]}
    for movie in rows[Table.MOVIES]:
        fields: dict[str, Any] = {
            "kind": "movie",
            "id": movie[0],
            "at": movie[-1],
            "source": None,
            "people": people,
            "movie": encode_text((movie,), escape=escaped),
            "credits": encode_text(sorted(rows[Table.CREDITS], key=partial(sort_key, Table.CREDITS)), escape=escaped),
            "akas": "",
        }
        yield entry(**fields)
    if not rows[Table.MOVIES]:  # only a name, written by a repair
        for row in rows[Table.PEOPLE]:
            yield entry(kind="rows", table=Table.PEOPLE, rows=[row])


def settle(layout: Layout, manifest: Manifest | None, *, escaped: bool, read_only: bool) -> Settled:
    """Finds the committed content; truncates uncommitted bytes and renames the files of the valid generation.

    Args:
        manifest: if there is one, the files are of this version and complete.
        escaped: whether formulas have an apostrophe, if neither the manifest nor a journal of 0.1 says so.
        read_only: change nothing.

    Raises:
        UsageError: the journal is not one of 0.1; nothing was changed.
    """
    if manifest is not None:
        return Settled({}, manifest.escaped)
    path = layout.state / "csv.journal"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Settled({}, escaped)
    line, _, tail = raw.partition(b"\n")
    try:
        header = _header(line)
        generation, base, escaped = int(header["generation"]), tuple(header["base"]), bool(header["escaped"])
        sums, was_open, stamps = tuple(header["sums"]), bool(header["open"]), list(header["stamps"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not a journal of version 0.1 ({error}); nothing was changed. "
            "Move it away to take the CSV files as they are, or choose another DATA_DIR"
        ) from error
    if not read_only:
        _rename(layout, generation)
    files = {table: OpenFile(layout.directory / f".{table}.csv.{generation}", layout.table(table)) for table in TABLES}
    records = [(base, sums), *_records(generation, tail)]
    committed, sums = records[-1]
    actual = tuple(files[table].status()[0] for table in TABLES)
    tails = [size - end for size, end in zip(actual, committed, strict=True)]
    fits = min(tails) >= 0 and all(
        files[table].crc(end) == crc for table, end, crc in zip(TABLES, committed, sums, strict=True)
    )
    times = [files[table].status()[1][2] for table in TABLES]
    if not fits or (not was_open and (any(tails) or (not any(committed) and times != stamps))):
        whole = dict(zip(TABLES, actual, strict=True))
        return Settled(whole, escaped)
    if any(tails) and not read_only:
        _log.warning("%s: cut off %d bytes of unfinished saves", layout.directory, sum(tails))
        _cut(layout, committed)
    saves = tuple((before, after) for (before, _), (after, _) in pairwise(records))
    return Settled(dict(zip(TABLES, base, strict=True)), escaped, saves)


def _header(line: bytes) -> dict[str, Any]:
    checksum, _, fields = line.removeprefix(_MAGIC).partition(b" ")
    if not line.startswith(_MAGIC) or checksum != b"%08x" % zlib.crc32(fields):
        raise ValueError("its first line is another")
    header: dict[str, Any] = json.loads(fields)
    if header["format"] != 2:
        raise ValueError(f"its format is {header['format']}")
    return header


def _records(generation: int, tail: bytes) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for number in range(len(tail) // _RECORD.size):
        *fields, checksum = _RECORD.unpack_from(tail, number * _RECORD.size)
        if checksum != zlib.crc32(_CHECKED.pack(generation, number, *fields)):
            return
        yield tuple(fields[:3]), tuple(fields[3:])


def _rename(layout: Layout, generation: int) -> None:
    for table in TABLES:
        with suppress(FileNotFoundError):
            (layout.directory / f".{table}.csv.{generation}").replace(layout.table(table))
    sync_folder(layout.directory)


def _cut(layout: Layout, committed: tuple[int, ...]) -> None:
    for table, end in zip(TABLES, committed, strict=True):
        with suppress(FileNotFoundError):
            descriptor = os.open(layout.table(table), os.O_RDWR | os.O_CLOEXEC)
            try:
                os.ftruncate(descriptor, end)
                sync(descriptor)
            finally:
                os.close(descriptor)


def remove(layout: Layout) -> None:
    """Removes the files that only 0.1 needs, once there is a manifest."""
    (layout.state / "csv.journal").unlink(missing_ok=True)
    for path in layout.state.glob("csv.names.*"):
        path.unlink()


def ranks_csv(ranks: list[Rank]) -> bytes:
    """``ranks-before.csv``."""
    rows = [("rank", "imdb_id", "scraped_at"), *((str(one.rank), one.imdb_id, one.scraped_at) for one in ranks)]
    return encode_text(rows, escape=False).encode()


def by_chart(chart: str | None, ranks: list[Rank]) -> tuple[list[Row], list[Rank]]:
    """Rows of a chart, and the ranks that do not fit into it.

    Of two titles with one rank, and of two ranks of one title, the one read later is kept.
    """
    newest: dict[str, Rank] = {}
    for one in ranks:
        if one.imdb_id not in newest or newest[one.imdb_id].scraped_at <= one.scraped_at:
            newest[one.imdb_id] = one
    ordered = sorted(newest.values(), key=lambda one: one.imdb_id)
    ordered.sort(key=lambda one: one.scraped_at, reverse=True)
    ordered.sort(key=lambda one: one.rank)
    if chart is None:
        return [], ordered
    places: dict[int, Rank] = {}
    for one in ordered:
        places.setdefault(one.rank, one)
    read_at = max((one.scraped_at for one in ordered), default="")
    rows: list[Row] = [(chart, str(rank), one.imdb_id, read_at) for rank, one in sorted(places.items())]
    return rows, [one for one in ordered if places[one.rank] is not one]
