"""Saves that share one wait for the disk."""

from __future__ import annotations

import zlib

from application.records import Table
from infrastructure.stores.csv.dialect import header
from infrastructure.stores.csv.entry import Entry
from infrastructure.stores.csv.index import Index, MovieEntry, Naming, Span, may_name
from infrastructure.stores.csv.journal import Save, Sizes, Sums


class Group:
    """Gathers entries one after the other: what is written where, and what will be known then.

    Args:
        index: what counts now; ``note`` brings it up to date.
        committed: where the files end.
        sums: their checksums up to there.

    Attributes:
        saves: where the files end behind each save.
        replaces: whether something that was stored already is among them.
    """

    def __init__(self, index: Index, committed: Sizes, sums: Sums) -> None:
        self._index = index
        self._parts: dict[Table, list[bytes]] = {}
        self._ends: dict[Table, int] = {}
        self._sums = dict(zip(Table, sums, strict=True))
        for table in Table:
            self._parts[table] = []
            self._ends[table] = committed.of(table)
            if not self._ends[table]:
                self._put(table, header(table))
        self._movies: dict[str, MovieEntry] = {}
        self._credits: dict[str, Span | None] = {}
        self._names: dict[str, Span] = {}
        self._namings: dict[str, Naming] = {}
        self.saves: list[Save] = []
        self.replaces = False

    def add(self, entry: Entry) -> None:
        """Take an entry in, unless a newer record of the same movie is there."""
        if not entry.imdb_id:
            self.replaces = True
            for person_id, line in entry.people:
                self._names[person_id] = self._put(Table.PEOPLE, line)
        elif not self._newest(entry):
            return
        else:
            row = self._put(Table.MOVIES, entry.movie)
            self._movies[entry.imdb_id] = MovieEntry(entry.scraped_at, entry.rank, row)
            self._credits[entry.imdb_id] = self._put(Table.CREDITS, entry.credits) if entry.credits else None
            self._name(entry)
        sums = self._sums
        self.saves.append(
            Save(
                Sizes(*(self._ends[table] for table in Table)),
                (sums[Table.MOVIES], sums[Table.PEOPLE], sums[Table.CREDITS]),
            )
        )

    def data(self, table: Table) -> bytes:
        """What is to be appended to a table's file."""
        return b"".join(self._parts[table])

    def note(self, index: Index) -> None:
        """Tell the index, once the disk has it all."""
        index.put_all(self._movies, self._credits, self._names, self._namings)

    def _newest(self, entry: Entry) -> bool:
        stored = self._movies.get(entry.imdb_id) or self._index.movies([entry.imdb_id]).get(entry.imdb_id)
        if stored is None:
            return True
        self.replaces = True
        return stored.scraped_at <= entry.scraped_at

    def _name(self, entry: Entry) -> None:
        """Write the names that this movie may give."""
        naming = (entry.scraped_at, entry.imdb_id)
        known = self._index.namings([person_id for person_id, _ in entry.people])
        known.update((one, self._namings[one]) for one, _ in entry.people if one in self._namings)
        lines = []
        end = self._ends[Table.PEOPLE]
        for person_id, line in entry.people:
            if may_name(known.get(person_id), naming):
                self._namings[person_id] = naming
                self._names[person_id] = Span(end, len(line))
                end += len(line)
                lines.append(line)
        if lines:
            self._put(Table.PEOPLE, b"".join(lines))

    def _put(self, table: Table, data: bytes) -> Span:
        span = Span(self._ends[table], len(data))
        self._parts[table].append(data)
        self._ends[table] = span.end
        self._sums[table] = zlib.crc32(data, self._sums[table])
        return span
