"""Which bytes hold the row that counts, for every movie and person.

A small part lives in dictionaries; what does not fit goes into a private SQLite
database that is a temporary file without a name. Memory does not grow with the
number of movies, and 250 of them never touch SQLite's disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from application.records import Table

_IN_MEMORY: Final = 200_000  # entries of the dictionaries, about 40 MB
_ASKED_AT_ONCE: Final = 900
_CACHE_KB: Final = 24_576

V = TypeVar("V")
Naming: TypeAlias = tuple[str, str]
"""When a name was read, and the movie it was read from."""


class Span(NamedTuple):
    """Where some rows stand in a file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class MovieEntry(NamedTuple):
    """What is known of a movie without reading its row."""

    scraped_at: str
    rank: int | None
    span: Span


class PersonEntry(NamedTuple):
    """Where a name stands, who gave it, and who would give it now: the best movie that credits the person."""

    person_id: str
    span: Span
    named: Naming | None
    credited: Naming | None


_SCHEMA: Final = """
CREATE TABLE movies (id TEXT PRIMARY KEY, scraped_at TEXT, rank INTEGER, offset INTEGER, length INTEGER) WITHOUT ROWID;
CREATE TABLE credits (id TEXT PRIMARY KEY, offset INTEGER, length INTEGER) WITHOUT ROWID;
CREATE TABLE people (id TEXT PRIMARY KEY, offset INTEGER, length INTEGER) WITHOUT ROWID;
CREATE TABLE namings (id TEXT PRIMARY KEY, named_at TEXT, named_by TEXT) WITHOUT ROWID;
CREATE TABLE credited (id TEXT PRIMARY KEY, named_at TEXT, named_by TEXT) WITHOUT ROWID;
"""

_PUT_NAMING: Final = """
INSERT INTO namings VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET named_at = excluded.named_at, named_by = excluded.named_by
WHERE excluded.named_at > namings.named_at
   OR (excluded.named_at = namings.named_at AND excluded.named_by < namings.named_by)
"""
_PUT_CREDITED: Final = _PUT_NAMING.replace("namings", "credited")


def may_name(known: Naming | None, candidate: Naming) -> bool:
    """Whether a movie's spelling replaces the one that is stored: the newer, then the smaller id; itself again."""
    if known is None or candidate[0] != known[0]:
        return known is None or candidate[0] > known[0]
    return candidate[1] <= known[1]


def private_database(schema: str) -> sqlite3.Connection:
    """An empty SQLite database of our own, in memory as far as a few megabytes go, then in a temporary file.

    Raises:
        sqlite3.Error: no temporary file can be made.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    database.executescript(schema)
    return database


class Index:
    """Spans by id. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._database = private_database(_SCHEMA)
        self._movies: dict[str, MovieEntry] = {}
        self._credits: dict[str, Span | None] = {}
        self._people: dict[str, Span] = {}
        self._namings: dict[str, Naming] = {}
        self._spilled = False

    # --- by id ------------------------------------------------------------------

    def movies(self, ids: Iterable[str]) -> dict[str, MovieEntry]:
        """What is known of these movies; those that are not stored are left out."""
        found, missing = _split(self._movies, ids)
        for imdb_id, scraped_at, rank, offset, length in self._asked(
            "SELECT id, scraped_at, rank, offset, length FROM movies", missing
        ):
            found[imdb_id] = MovieEntry(scraped_at, rank, Span(offset, length))
        return found

    def credits(self, ids: Iterable[str]) -> dict[str, Span]:
        """Where the credits of these movies stand; those without any are left out."""
        found, missing = _split(self._credits, ids)
        for imdb_id, offset, length in self._asked("SELECT id, offset, length FROM credits", missing):
            found[imdb_id] = Span(offset, length)
        return {imdb_id: span for imdb_id, span in found.items() if span is not None}

    def people(self, ids: Iterable[str]) -> dict[str, Span]:
        """Where the names of these people stand; those without one are left out."""
        found, missing = _split(self._people, ids)
        for person_id, offset, length in self._asked("SELECT id, offset, length FROM people", missing):
            found[person_id] = Span(offset, length)
        return found

    def namings(self, ids: Iterable[str]) -> dict[str, Naming]:
        """Who named these people, and when; those nobody named are left out."""
        found, missing = _split(self._namings, ids)
        for person_id, named_at, named_by in self._asked("SELECT id, named_at, named_by FROM namings", missing):
            found[person_id] = (named_at, named_by)
        return found

    def put_movie(self, imdb_id: str, entry: MovieEntry, credits: Span | None) -> None:
        """The row and the credits that count from now on."""
        self._movies[imdb_id] = entry
        self._credits[imdb_id] = credits
        self._make_room()

    def put_all(
        self,
        movies: Mapping[str, MovieEntry],
        credits: Mapping[str, Span | None],
        people: Mapping[str, Span],
        namings: Mapping[str, Naming],
    ) -> None:
        """The same for many at once, with their people."""
        self._movies.update(movies)
        self._credits.update(credits)
        self._people.update(people)
        self._namings.update(namings)
        self._make_room()

    def put_credits(self, imdb_id: str, credits: Span) -> None:
        self._credits[imdb_id] = credits
        self._make_room()

    def put_person(self, person_id: str, name: Span) -> None:
        self._people[person_id] = name
        self._make_room()

    def offer_naming(self, person_id: str, naming: Naming) -> None:
        """Take a naming in unless a better one is known; ``settle`` must follow before namings are asked for."""
        if may_name(self._namings.get(person_id), naming):
            self._namings[person_id] = naming
            self._make_room()

    def settle(self) -> None:
        """Let what was offered meet what has been moved into the database."""
        if self._spilled:
            self.spill()

    # --- in order ---------------------------------------------------------------

    def page(self, table: Table, after: str, most: int) -> list[tuple[str, Span]]:
        """The next ids in order and where their rows stand; the credits of one movie stand together."""
        self.spill()
        rows = self._database.execute(
            f"SELECT id, offset, length FROM {table.value} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - an enum
            (after, most),
        )
        return [(row_id, Span(offset, length)) for row_id, offset, length in rows]

    def ranked(self) -> Iterator[tuple[str, str, Span, Span | None]]:
        """Id, scraped_at, row and credits of all movies: by rank, those without one after, by id."""
        self.spill()
        for imdb_id, scraped_at, *spans in self._database.execute(
            "SELECT m.id, m.scraped_at, m.offset, m.length, c.offset, c.length"
            " FROM movies m LEFT JOIN credits c USING (id) ORDER BY m.rank IS NULL, m.rank, m.id"
        ):
            yield imdb_id, scraped_at, Span(*spans[:2]), None if spans[2] is None else Span(*spans[2:])

    def note_credited(self, credited: Iterable[tuple[str, Naming]]) -> None:
        """Note whom the movies of now credit, and which of these would name each: replaces what was noted before."""
        database = self._database
        self.spill()  # before the transaction: whoever feeds us may read the database, and that would spill
        database.execute("DELETE FROM credited")
        database.execute("BEGIN")  # one transaction for all, or each row would be written out by itself
        try:
            database.executemany(_PUT_CREDITED, ((person_id, *naming) for person_id, naming in credited))
        finally:
            database.execute("COMMIT")  # without a journal nothing could be rolled back; the next call begins anew

    def all_people(self) -> Iterator[PersonEntry]:
        """All people, by id."""
        self.spill()
        for person_id, offset, length, *namings in self._database.execute(
            "SELECT p.id, p.offset, p.length, n.named_at, n.named_by, c.named_at, c.named_by FROM people p"
            " LEFT JOIN namings n USING (id) LEFT JOIN credited c USING (id) ORDER BY p.id"
        ):
            named, credited = ((at, by) if at is not None else None for at, by in (namings[:2], namings[2:]))
            yield PersonEntry(person_id, Span(offset, length), named, credited)

    # --- memory -----------------------------------------------------------------

    def spill(self) -> None:
        """Move the dictionaries into the database."""
        if not (self._movies or self._credits or self._people or self._namings):
            return
        database = self._database
        database.execute("BEGIN")
        database.executemany(
            "INSERT OR REPLACE INTO movies VALUES (?, ?, ?, ?, ?)",
            ((i, e.scraped_at, e.rank, e.span.offset, e.span.length) for i, e in sorted(self._movies.items())),
        )
        database.executemany(
            "INSERT OR REPLACE INTO credits VALUES (?, ?, ?)",
            ((i, *span) for i, span in sorted(self._credits.items(), key=_by_id) if span is not None),
        )
        database.executemany(
            "DELETE FROM credits WHERE id = ?", [(i,) for i, span in self._credits.items() if span is None]
        )
        database.executemany(
            "INSERT OR REPLACE INTO people VALUES (?, ?, ?)", ((i, *span) for i, span in sorted(self._people.items()))
        )
        database.executemany(_PUT_NAMING, ((i, *naming) for i, naming in sorted(self._namings.items())))
        database.execute("COMMIT")
        for part in (self._movies, self._credits, self._people, self._namings):
            part.clear()
        self._spilled = True

    def close(self) -> None:
        self._database.close()

    def _make_room(self) -> None:
        if len(self._movies) + len(self._credits) + len(self._people) + len(self._namings) > _IN_MEMORY:
            self.spill()

    def _asked(self, query: str, ids: list[str]) -> Iterator[tuple[Any, ...]]:
        if not self._spilled:
            return
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            part = ids[start : start + _ASKED_AT_ONCE]
            yield from self._database.execute(f"{query} WHERE id IN ({','.join('?' * len(part))})", part)


def _split(known: Mapping[str, V], ids: Iterable[str]) -> tuple[dict[str, V], list[str]]:
    found: dict[str, V] = {}
    missing: list[str] = []
    for one in ids:
        if one in known:
            found[one] = known[one]
        else:
            missing.append(one)
    return found, missing


def _by_id(item: tuple[str, object]) -> str:
    return item[0]
