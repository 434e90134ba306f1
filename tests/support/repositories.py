"""A store in memory: the model that the real stores are compared with."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from application.ports.stores import MovieRepository
from application.records import MovieRows, Row, key_of, newer_person, sort_key, timestamp, to_rows
from domain.errors import RecordRejected
from domain.fields import FieldType, Table
from domain.movie import Credit, Movie, Person


class InMemoryMovieRepository:
    """Satisfies ``MovieRepository`` with dictionaries; as plain as the rules allow."""

    def __init__(self, name: str = "memory", *, may_reject: bool = False) -> None:
        self._name = name
        self._may_reject = may_reject
        self._lock = threading.RLock()
        self._movies: dict[str, Movie] = {}
        self._tables: dict[Table, dict[tuple[str, ...], Row]] = {table: {} for table in Table}
        self._marker: str | None = None
        self.finished = 0
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def may_reject(self) -> bool:
        return self._may_reject

    @property
    def marker(self) -> str | None:
        return self._marker

    def set_marker(self, marker: str) -> None:
        self._marker = marker

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        reject_what_no_store_holds(self._name, movie)
        with self._lock:
            if self.closed:
                raise RuntimeError("the store is closed")
            stored = self._movies.get(movie.imdb_id)
            now = datetime.now(UTC)
            if stored is None or stored.scraped_at <= movie.scraped_at or stored.scraped_at > now >= movie.scraped_at:
                self._put(movie)

    def replace(self, imdb_id: str, movie: Movie | None) -> None:
        with self._lock:
            if movie is None:
                self._movies.pop(imdb_id, None)
            else:
                self._put(movie)

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:
        with self._lock:
            charts = self._tables[Table.CHARTS]
            stored = [row for row in charts.values() if row[0] == chart]
            latest = max((str(row[3]) for row in stored), default="")
            if rows and str(rows[0][3]) < latest <= timestamp(datetime.now(UTC)):
                return
            for row in stored:
                del charts[key_of(Table.CHARTS, row)]
            charts.update((key_of(Table.CHARTS, row), row) for row in rows)

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        with self._lock:
            kept = self._tables[table]
            for row in rows:
                key = key_of(table, row)
                old = kept.get(key)
                if table is Table.PEOPLE and old is not None:
                    kept[key] = newer_person(old, row)
                elif table is Table.PEOPLE and row[1] is None:
                    continue
                elif table is not Table.MY_RATINGS or old is None or str(old[-1]) <= str(row[-1]):
                    kept[key] = row

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        with self._lock:
            credited = {credit.person.person_id for movie in self._movies.values() for credit in movie.credits}
            gone = [
                key for key in keys if key in self._tables[table] and not (table is Table.PEOPLE and key[0] in credited)
            ]
            for key in gone:
                del self._tables[table][key]
            return len(gone)

    def find(self, imdb_id: str) -> Movie | None:
        with self._lock:
            movie = self._movies.get(imdb_id)
            return None if movie is None else self._named(movie)

    def ids(self) -> Iterator[str]:
        with self._lock:
            return iter(sorted(self._movies))

    def rows(self, table: Table) -> Iterator[Row]:
        with self._lock:
            return iter(sorted(self._all(table), key=lambda row: sort_key(table, row)))

    def finalize(self) -> None:
        self.finished += 1

    def close(self) -> None:
        self.closed = True

    def _put(self, movie: Movie) -> None:
        self._movies[movie.imdb_id] = movie
        self.save_rows(Table.PEOPLE, to_rows(movie).people)

    def _named(self, movie: Movie) -> Movie:
        """The movie with each person under the stored name, without a rank."""

        def named(credits: tuple[Credit, ...]) -> tuple[Credit, ...]:
            return tuple(replace(credit, person=self._person(credit.person)) for credit in credits)

        return replace(
            movie, rank=None, directors=named(movie.directors), cast=named(movie.cast), crew=named(movie.crew)
        )

    def _person(self, person: Person) -> Person:
        return Person(person.person_id, str(self._tables[Table.PEOPLE][person.person_id,][1]))

    def _all(self, table: Table) -> list[Row]:
        flat = [to_rows(movie) for movie in self._movies.values()]
        if table is Table.MOVIES:
            return [rows.movie for rows in flat]
        if table is Table.CREDITS:
            return [row for rows in flat for row in rows.credits]
        if table is Table.AKAS:
            return [row for rows in flat for row in rows.akas]
        return list(self._tables[table].values())


def reject_what_no_store_holds(store: str, movie: Movie) -> None:
    """Refuses NUL and half surrogate pairs.

    Raises:
        RecordRejected: the message names the column.
    """
    rows = to_rows(movie)
    tables = {
        Table.MOVIES: (rows.movie,),
        Table.PEOPLE: rows.people,
        Table.CREDITS: rows.credits,
        Table.AKAS: rows.akas,
    }
    for table, flat in tables.items():
        for row in flat:
            for field, cell in zip(table.fields, row, strict=True):
                # A cell of a list has NUL as a JSON escape.
                nul = "\\u0000" if field.type is FieldType.TEXT_LIST else "\0"
                if cell and (nul in cell.replace("\\\\", "") or _has_half_pair(cell)):
                    raise RecordRejected(store, f"{movie.imdb_id}: {field.name} holds a NUL or half a surrogate pair")


def _has_half_pair(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def contents(repository: MovieRepository) -> dict[Table, list[Row]]:
    """Gives all rows of a store."""
    return {table: list(repository.rows(table)) for table in Table}


def expected(saved: Iterable[Movie]) -> dict[Table, list[Row]]:
    """Gives the rows of a store in which these movies were saved one after the other."""
    model = InMemoryMovieRepository()
    for movie in saved:
        model.save(movie)
    return contents(model)
