"""From files in our own form to an index of what counts in them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, TypeAlias

from application.records import Row, Table, canonical
from infrastructure.stores.csv.dialect import decode, encode, header, parse
from infrastructure.stores.csv.files import TableFiles
from infrastructure.stores.csv.index import Index, MovieEntry, Naming, Span
from infrastructure.stores.csv.journal import Contents

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_RANK: Final = Table.MOVIES.columns.index("rank")
_SCRAPED_AT: Final = Table.MOVIES.columns.index("scraped_at")
ALL_TABLES: Final = frozenset(Table)

Place: TypeAlias = tuple[bool, int, str]
"""Where a movie stands in the final order: ranked ones first."""


class Irregular(Exception):
    """The files are not in the form we write; ``EditedFiles`` reads them whatever their form."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """An index, and whether the files are in their final order already."""

    index: Index
    ordered: bool


class Region:
    """The records of one table between two offsets, read once from front to back.

    Args:
        files: where they are read.
        table: which one.
        start, end: offsets in bytes.
        escaped: formulas carry an apostrophe.
        check: whether every byte is compared with what we would have written.
    """

    def __init__(self, files: TableFiles, table: Table, start: int, end: int, *, escaped: bool, check: bool) -> None:
        self._table = table
        self._escaped = escaped
        self._check = check
        self._lines = files.lines(table, start, end)
        self._raw: list[bytes] = []
        self._read = start
        self._reader = parse(self._decoded())

    def until(self, end: int) -> Iterator[tuple[Span, list[str]]]:
        """The records up to an offset at which one ends.

        Raises:
            Irregular: a record is not in our form, or none ends there.
        """
        while self._read < end:
            start = self._read
            self._raw.clear()
            try:
                cells = next(self._reader)
            except (csv.Error, UnicodeDecodeError, StopIteration) as error:
                raise self._irregular(start, str(error) or "it ends") from error
            if len(cells) != len(self._table.columns) or not self._raw[-1].endswith(b"\r\n"):
                raise self._irregular(start, f"{len(cells)} cells")
            if self._check:
                self._compare(start, decode(cells, escaped=self._escaped))
            yield Span(start, self._read - start), cells
        if self._read > end:
            raise self._irregular(end, "no record begins there")

    def _decoded(self) -> Iterator[str]:
        for line in self._lines:
            self._read += len(line)
            self._raw.append(line)
            yield line.decode()

    def _compare(self, start: int, row: Row) -> None:
        try:
            ours = encode([canonical(self._table, row)], escape=self._escaped)
        except ValueError as error:
            raise self._irregular(start, str(error)) from error
        if ours != [b"".join(self._raw)]:
            raise self._irregular(start, "written in another way")

    def _irregular(self, offset: int, reason: str) -> Irregular:
        return Irregular(f"{self._table}.csv, byte {offset}: {reason}")


def scan(
    files: TableFiles,
    contents: Contents,
    *,
    check: bool,
    tables: frozenset[Table] = ALL_TABLES,
    exceptions: Iterable[tuple[str, Naming]] = (),
) -> Scanned:
    """Read the committed part of the files once.

    Args:
        files: open ones.
        contents: what the journal says of them.
        check: do not trust the files to be in our form, as their writer left them, but look.
        tables: those to be indexed; who named whom is known only if all are.
        exceptions: who named whom where that does not follow from the files.

    Raises:
        Irregular: they are not in our form.
        OSError: they cannot be read.
    """
    index = Index()
    try:
        scanner = _Scanner(files, contents, index, check=check, tables=tables)
        scanner.base()
        for person_id, naming in exceptions:
            if index.people([person_id]):
                index.offer_naming(person_id, naming)
        scanner.log()
        index.settle()
    except BaseException:
        index.close()
        raise
    return Scanned(index, scanner.ordered and not contents.records)


class _Scanner:
    def __init__(
        self, files: TableFiles, contents: Contents, index: Index, *, check: bool, tables: frozenset[Table]
    ) -> None:
        self._contents = contents
        self._index = index
        self._check = check
        self._tables = tables
        self._namings = tables == ALL_TABLES
        self.ordered = check or contents.header.ordered
        self._regions: dict[Table, Region] = {}
        for table in Table:
            head = header(table)
            end = contents.committed.of(table)
            if end and (end < len(head) or files.read(table, 0, len(head)) != head):
                raise Irregular(f"{table}.csv begins with another line than {head.decode().strip()}")
            start = min(len(head), end) if table in tables else self._base_end(table)
            escaped = contents.header.escaped
            self._regions[table] = Region(files, table, start, end, escaped=escaped, check=check)

    def base(self) -> None:
        """The part in which every row counts."""
        self._note_order(self._base_movie(span, cells) for span, cells in self._base(Table.MOVIES))
        self._note_order(self._base_person(span, cells[0]) for span, cells in self._base(Table.PEOPLE))
        blocks = groupby(self._base(Table.CREDITS), key=lambda record: record[1][0])
        self._note_order(self._base_credits(imdb_id, list(records)) for imdb_id, records in blocks)

    def log(self) -> None:
        """What was saved since, save by save: a later row replaces an earlier one."""
        for sizes in self._contents.sizes():
            movies = list(self._regions[Table.MOVIES].until(sizes.movies))
            people = list(self._regions[Table.PEOPLE].until(sizes.people)) if Table.PEOPLE in self._tables else []
            listed = list(self._regions[Table.CREDITS].until(sizes.credits)) if Table.CREDITS in self._tables else []
            if len(movies) > 1 or any(cells[0] != movies[0][1][0] for _, cells in listed):
                raise Irregular("the journal does not fit the files")
            for span, cells in people:
                self._index.put_person(cells[0], span)
            for span, cells in movies:
                entry = _entry(span, cells)
                self._index.put_movie(cells[0], entry, _joined([span for span, _ in listed]))
                self._name(cells[0], entry.scraped_at, [row[1] for _, row in listed])

    def _base(self, table: Table) -> Iterator[tuple[Span, list[str]]]:
        return self._regions[table].until(self._base_end(table)) if table in self._tables else iter(())

    def _base_end(self, table: Table) -> int:
        # A file that was empty has got its first line with the first save, before the first row.
        end = self._contents.header.base.of(table)
        return end or min(len(header(table)), self._contents.committed.of(table))

    def _base_movie(self, span: Span, cells: list[str]) -> Place:
        imdb_id = cells[0]
        if self._check and self._index.movies([imdb_id]):
            raise Irregular(f"movies.csv holds {imdb_id} twice")
        entry = _entry(span, cells)
        self._index.put_movie(imdb_id, entry, None)
        return _place(imdb_id, entry)

    def _base_person(self, span: Span, person_id: str) -> str:
        if self._check and self._index.people([person_id]):
            raise Irregular(f"people.csv holds {person_id} twice")
        self._index.put_person(person_id, span)
        return person_id

    def _base_credits(self, imdb_id: str, records: list[tuple[Span, list[str]]]) -> Place:
        if self._check:
            if self._index.credits([imdb_id]):
                raise Irregular(f"credits.csv holds {imdb_id} in two places")
            places = [(cells[2] != "director", int(cells[3])) for _, cells in records]
            if any(first >= second for first, second in pairwise(places)):
                raise Irregular(f"the credits of {imdb_id} stand in another order")
        self._index.put_credits(imdb_id, Span(records[0][0].offset, records[-1][0].end - records[0][0].offset))
        entry = self._index.movies([imdb_id]).get(imdb_id)
        if entry is None:  # a movie that was taken out by hand, but not its credits
            return (True, 0, imdb_id)
        self._name(imdb_id, entry.scraped_at, [cells[1] for _, cells in records])
        return _place(imdb_id, entry)

    def _name(self, imdb_id: str, scraped_at: str, people: list[str]) -> None:
        if not self._namings:
            return
        if self._check:  # whoever was taken out of people.csv by hand has no name
            named = self._index.people(people)
            people = [person_id for person_id in people if person_id in named]
        for person_id in people:
            self._index.offer_naming(person_id, (scraped_at, imdb_id))

    def _note_order(self, places: Iterable[Place] | Iterable[str]) -> None:
        previous: Place | str | None = None
        for place in places:
            if previous is not None and not previous < place:  # type: ignore[operator]  # all of one kind
                self.ordered = False
            previous = place


def _entry(span: Span, cells: list[str]) -> MovieEntry:
    scraped_at = cells[_SCRAPED_AT]
    rank = cells[_RANK]
    if not _TIME.fullmatch(scraped_at) or not (rank == "" or rank.isdecimal()):
        raise Irregular(f"movies.csv, {cells[0]}: rank {rank!r}, scraped_at {scraped_at!r}")
    return MovieEntry(scraped_at, int(rank) if rank else None, span)


def _place(imdb_id: str, entry: MovieEntry) -> Place:
    return (entry.rank is None, entry.rank or 0, imdb_id)


def _joined(spans: list[Span]) -> Span | None:
    return Span(spans[0].offset, spans[-1].end - spans[0].offset) if spans else None
