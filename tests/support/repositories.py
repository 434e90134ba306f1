"""A store in memory: the model that the real ones are compared with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from application.records import Row, Table, from_rows, to_rows
from application.records import sort_key
from domain.errors import RecordRejected
from domain.movie import Movie, Person

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InMemoryMovieRepository:
    """Satisfies ``MovieRepository`` with three dictionaries; as plain as the rules allow."""

    def __init__(self, name: str = "memory") -> None:
        self._name = name
        self._lock = threading.Lock()
        self._movies: dict[str, Movie] = {}
        self._names: dict[str, tuple[str, datetime, str]] = {}  # name, when it was read, from which movie
        self.finished = 0
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    def save(self, movie: Movie) -> None:
        _reject_what_no_store_holds(self._name, movie)
        with self._lock:
            if self.closed:
                raise RuntimeError("the store is closed")
            stored = self._movies.get(movie.imdb_id)
            if stored is not None and stored.scraped_at > movie.scraped_at:
                return
            self._movies[movie.imdb_id] = movie
            for person_id, name in to_rows(movie).people:
                assert person_id is not None
                assert name is not None
                if self._may_name(movie, person_id):
                    self._names[person_id] = (name, movie.scraped_at, movie.imdb_id)

    def rename(self, person: Person) -> None:
        with self._lock:
            _, named_at, named_by = self._names.get(person.person_id, ("", EPOCH, ""))
            self._names[person.person_id] = (person.name, named_at, named_by)

    def find(self, imdb_id: str) -> Movie | None:
        with self._lock:
            movie = self._movies.get(imdb_id)
            if movie is None:
                return None
            rows = to_rows(movie)
            return from_rows(rows.movie, rows.credits, {person_id: kept[0] for person_id, kept in self._names.items()})

    def ids(self) -> Iterator[str]:
        with self._lock:
            return iter([*self._movies])

    def rows(self, table: Table) -> Iterator[Row]:
        with self._lock:
            return iter(sorted(self._all(table), key=lambda row: sort_key(table, row)))

    def finalize(self) -> None:
        with self._lock:
            self.finished += 1
            credited = {credit.person.person_id for movie in self._movies.values() for credit in movie.credits}
            self._names = {person_id: kept for person_id, kept in self._names.items() if person_id in credited}

    def close(self) -> None:
        self.closed = True

    def _may_name(self, movie: Movie, person_id: str) -> bool:
        if person_id not in self._names:
            return True
        _, named_at, named_by = self._names[person_id]
        if movie.scraped_at != named_at:
            return movie.scraped_at > named_at
        return movie.imdb_id <= named_by

    def _all(self, table: Table) -> list[Row]:
        if table is Table.PEOPLE:
            return [(person_id, name) for person_id, (name, _, _) in self._names.items()]
        flat = [to_rows(movie) for movie in self._movies.values()]
        if table is Table.MOVIES:
            return [rows.movie for rows in flat]
        return [row for rows in flat for row in rows.credits]


def _reject_what_no_store_holds(store: str, movie: Movie) -> None:
    rows = to_rows(movie)
    for table, row in [(Table.MOVIES, rows.movie)] + [(Table.PEOPLE, person) for person in rows.people]:
        for column, cell in zip(table.columns, row, strict=True):
            if cell and ("\0" in cell or any("\ud800" <= letter <= "\udfff" for letter in cell)):
                raise RecordRejected(store, f"{movie.imdb_id}: {column} holds a NUL or half a surrogate pair")
    for credit in movie.credits:
        if any("\0" in role or any("\ud800" <= x <= "\udfff" for x in role) for role in credit.characters):
            raise RecordRejected(store, f"{movie.imdb_id}: characters hold a NUL or half a surrogate pair")
