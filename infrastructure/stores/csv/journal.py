"""Journals: every save since the files were written, one JSON line each.

========= =====================================================================
kind      fields
========= =====================================================================
movie     ``id``, ``at`` (scraped_at), ``source``, the encoded lines ``movie``,
          ``credits`` and ``akas``, ``people`` (name by person_id), and
          ``named`` (time by person_id) for names not read at ``at``
replace   the same, or empty lines: the movie is removed
chart     ``chart`` and its ``rows``
rows      ``table`` and the ``rows`` of one first key cell
delete    ``table`` and the ``keys`` of one first key cell
marker    ``marker``
========= =====================================================================

A line counts once it is complete. An index of the ids in the journal is kept in
memory: the offset of the latest line of each movie, and the latest name of each
person.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from application.records import NO_DETAILS, MovieRows, Row, key_of, newer_person, sort_key, storage_problem
from domain.errors import RecordRejected, UsageError
from domain.fields import Table
from domain.movie import Movie
from infrastructure.stores.csv.dialect import decode_all, encode, encode_text
from infrastructure.stores.csv.files import STORE, Layout, Manifest
from shared.atomic import sync, sync_folder

_log = logging.getLogger(__name__)

Fields: TypeAlias = dict[str, Any]
_OF_A_MOVIE: Final = {Table.MOVIES: "movie", Table.CREDITS: "credits", Table.AKAS: "akas"}
MOVIE_TABLES: Final = tuple(_OF_A_MOVIE)
"""The tables whose rows a save of a movie replaces."""
_NO_DETAILS_TEXT: Final = "," * len(NO_DETAILS) + "\r\n"
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 .]")
_LENGTH_BITS: Final = 32
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class Entry(NamedTuple):
    """One line, and the fields it was made of."""

    fields: Fields
    line: bytes


def movie_entry(movie: Movie, rows: MovieRows, *, escape: bool, kind: str = "movie") -> Entry:
    """The line that saves a movie.

    Raises:
        RecordRejected: a text holds a NUL or half a surrogate pair.
    """
    fields: Fields = {
        "kind": kind,
        "id": movie.imdb_id,
        "at": rows.movie[-1],
        "source": movie.source,
        "people": {row[0]: row[1] for row in rows.people},
        "movie": encode_text((rows.movie,), escape=escape),
        "credits": encode_text(rows.credits, escape=escape),
        "akas": encode_text(rows.akas, escape=escape) if rows.akas else "",
    }
    if named := {row[0]: row[2] for row in rows.people if row[2] != rows.movie[-1]}:
        fields["named"] = named
    try:
        line = _encode(fields) + b"\n"
    except UnicodeEncodeError as error:
        raise RecordRejected(STORE, f"{movie.imdb_id}: {storage_problem(rows)}") from error
    if b"\\u0000" in line and (problem := storage_problem(rows)):
        raise RecordRejected(STORE, f"{movie.imdb_id}: {problem}")
    return Entry(fields, line)


def held_entry(imdb_id: str, held: Mapping[Table, bytes]) -> Entry:
    """The line that restores the encoded rows of a movie, or removes it if there are none; names are kept."""
    fields: Fields = {name: held.get(table, b"").decode() for table, name in _OF_A_MOVIE.items()}
    movie = held.get(Table.MOVIES)
    at = decode_all(movie, escaped=False)[0][-1] if movie else ""
    return entry(kind="replace", id=imdb_id, at=at, source=None, people={}, **fields)


def entry(**fields: Any) -> Entry:
    """The line of any other kind.

    Raises:
        RecordRejected: a text holds a NUL or half a surrogate pair.
    """
    problem = f"{fields['kind']}: a text holds a NUL or half a surrogate pair"
    try:
        line = _encode(fields) + b"\n"
    except UnicodeEncodeError as error:
        raise RecordRejected(STORE, problem) from error
    if b"\\u0000" in line.replace(b"\\\\", b""):
        raise RecordRejected(STORE, problem)
    return Entry(fields, line)


class Name(msgspec.Struct, gc=False):  # texts alone: there is nothing that the garbage collector should visit
    """The latest name of a person in a journal."""

    name: str
    read_at: str
    source: str | None

    def row(self, person_id: str) -> Row:
        return (person_id, self.name, self.read_at, self.source, *NO_DETAILS)


class Journal:
    """One journal with its index. Appending is not thread-safe; reading is.

    Args:
        path: created with the first ``append`` if it does not exist.
        escaped: formulas in its encoded lines have an apostrophe.
        repair: cut a torn last line off. Only the holder of the write lock may.

    Raises:
        UsageError: the file is not a journal of this program.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, number: int, *, escaped: bool, repair: bool) -> None:
        self.path = path
        self.number = number
        self._escaped = escaped
        self._descriptor = -1
        self._torn = False
        self.length = 0
        self.marker: str | None = None
        self._movies: dict[str, int] = {}
        self._names: dict[str, Name] = {}
        self._others: dict[Table, dict[str, list[int]]] = {}
        self.has_akas = False
        if path.exists():
            self._load(repair=repair)

    def __del__(self) -> None:
        self.close()

    @property
    def entries(self) -> int:
        """How many ids the index holds."""
        return len(self._movies) + len(self._names) + sum(map(len, self._others.values()))

    # --- writing ----------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> None:
        """Commits entries: when this returns, they are on the disk; if it raises ``OSError``, none is committed."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            sync_folder(self.path.parent)
        if self._torn:
            self._cut()
        self._torn = True
        try:
            write_at(self._descriptor, b"".join([entry.line for entry in entries]), self.length)
            sync(self._descriptor)
        except OSError:
            self._cut()
            raise
        self._torn = False
        for one in entries:
            self._index(one.fields, len(one.line))

    def _cut(self) -> None:
        """Truncates what a failed ``append`` has written."""
        os.ftruncate(self._descriptor, self.length)
        sync(self._descriptor)
        self._torn = False

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # --- reading ----------------------------------------------------------------

    def keys(self, table: Table) -> set[str]:
        """First key cells of the groups of rows that the journal changes."""
        if table in _OF_A_MOVIE:
            return set(self._movies)
        keys = set(self._others.get(table, ()))
        return keys | set(self._names) if table is Table.PEOPLE else keys

    def saved_at(self, imdb_id: str) -> str | None:
        """``scraped_at`` of a movie's latest line; empty if that line removed it, ``None`` if there is no line."""
        packed = self._movies.get(imdb_id)
        return None if packed is None else str(self._read(packed)["at"])

    def movie(self, imdb_id: str) -> Callable[[], dict[Table, bytes]] | None:
        """Reads the encoded rows of a movie's latest line, also when there are later ones; ``None`` without a line."""
        packed = self._movies.get(imdb_id)
        if packed is None:
            return None
        return lambda: {table: str(self._read(packed)[name]).encode() for table, name in _OF_A_MOVIE.items()}

    def apply(self, table: Table, key: str, old: bytes) -> bytes:
        """The encoded rows of a group after this journal, given those before it."""
        if table in _OF_A_MOVIE:
            packed = self._movies.get(key)
            return old if packed is None else str(self._read(packed)[_OF_A_MOVIE[table]]).encode()
        places = self._others.get(table, {}).get(key, ())
        name = self._names.get(key) if table is Table.PEOPLE else None
        if not places and name is None:
            return old
        if not places and not old and name is not None:
            return self._new_person(key, name)
        rows = {sort_key(table, row): row for row in decode_all(old, escaped=self._escaped)}
        for packed in tuple(places):
            rows = _folded(table, rows, self._read(packed))
        if name is not None:
            rows = _folded(table, rows, {"kind": "rows", "rows": (name.row(key),)})
        kept = [row for _, row in sorted(rows.items()) if table is not Table.PEOPLE or row[1] is not None]
        return b"".join(encode(kept, escape=self._escaped))

    def _new_person(self, person_id: str, name: Name) -> bytes:
        if not _NOT_PLAIN.search(name.name):  # most are, and a csv writer for each would cost more
            return f"{person_id},{name.name},{name.read_at},{name.source or ''}{_NO_DETAILS_TEXT}".encode()
        return encode_text((name.row(person_id),), escape=self._escaped).encode()

    def _read(self, packed: int) -> Fields:
        offset, length = packed >> _LENGTH_BITS, packed & ((1 << _LENGTH_BITS) - 1)
        fields: Fields = _decode(os.pread(self._descriptor, length, offset))
        return fields

    # --- the index --------------------------------------------------------------

    def _load(self, *, repair: bool) -> None:
        self._descriptor = os.open(self.path, (os.O_RDWR if repair else os.O_RDONLY) | os.O_CLOEXEC)
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            size = os.fstat(self._descriptor).st_size
            for number, line in enumerate(file, start=1):
                fields = _parsed(line)
                if fields is not None:
                    self._index(fields, len(line))
                elif self.length + len(line) >= size or not line.endswith(b"\n"):
                    break
                elif b"\0" in line or not line.strip():
                    self.length += len(line)  # a hole that a power failure left among uncommitted lines
                else:
                    raise UsageError(
                        f"{self.path} line {number} was not written by this program; nothing was changed. "
                        "Is it of a newer version? Else move it away, or choose another DATA_DIR"
                    )
        if repair and size > self.length:
            _log.warning("%s: cut off %d bytes of an unfinished save", self.path, size - self.length)
            self._cut()

    def _index(self, fields: Fields, length: int) -> None:
        packed = self.length << _LENGTH_BITS | length
        self.length += length
        kind = fields["kind"]
        if kind in ("movie", "replace"):
            self._movies[fields["id"]] = packed
            self.has_akas = self.has_akas or bool(fields["akas"])
            self._index_names(fields)
        elif kind == "marker":
            self.marker = fields["marker"]
        else:
            table = Table(fields["table"])
            key = fields["chart"] if kind == "chart" else (fields["rows"] if kind == "rows" else fields["keys"])[0][0]
            self._others.setdefault(table, {}).setdefault(key, []).append(packed)
            if kind == "delete" and table is Table.PEOPLE:
                self._names.pop(key, None)

    def _index_names(self, fields: Fields) -> None:
        names, source, named, read_at = self._names, fields["source"], fields.get("named"), fields["at"]
        for person_id, name in fields["people"].items():
            known, at = names.get(person_id), named.get(person_id, read_at) if named else read_at
            if known is None:
                names[person_id] = Name(name, at, source)
            elif at > known.read_at or (at == known.read_at and name < known.name):
                known.name, known.read_at, known.source = name, at, source


def _parsed(line: bytes) -> Fields | None:
    try:
        fields = _decode(line)
    except ValueError:
        return None
    return fields if line.endswith(b"\n") and isinstance(fields, dict) and fields.get("kind") in _KINDS else None


_KINDS: Final = {"movie", "replace", "chart", "rows", "delete", "marker"}


def _folded(table: Table, rows: dict[Any, Row], fields: Fields) -> dict[Any, Row]:
    """The rows of a group, by sort key, after one line."""
    kind = fields["kind"]
    if kind == "delete":
        gone = {tuple(key) for key in fields["keys"]}
        return {key: row for key, row in rows.items() if key_of(table, row) not in gone}
    if kind == "chart":
        rows = {}
    for cells in fields["rows"]:
        row = tuple(cells)
        key = sort_key(table, row)
        old = rows.get(key)
        if table is Table.PEOPLE and old is not None:
            row = newer_person(old, row)
        elif table is Table.MY_RATINGS and old is not None and str(old[-1]) > str(row[-1]):
            row = old
        rows[key] = row
    return rows


def open_journals(layout: Layout, manifest: Manifest, *, repair: bool) -> list[Journal]:
    """The journals that the files of a manifest do not contain, the oldest first."""
    numbers = [number for number in layout.journals() if number >= manifest.journal]
    return [Journal(layout.journal(number), number, escaped=manifest.escaped, repair=repair) for number in numbers]


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Writes all bytes, even if the system takes fewer in one call; a part of them if it raises ``OSError``."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
