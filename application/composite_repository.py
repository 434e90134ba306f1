"""Saves each movie to all stores, or to none."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from uuid import uuid4

from application.ports.stores import BackgroundRepository, MovieRepository, RestoringRepository
from application.records import MovieRows, Row, to_rows
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Table
from domain.movie import Movie
from shared.threads import KeyedLocks

log = logging.getLogger(__name__)


class CompositeMovieRepository:
    """Saves to all stores at once and waits for all; reads from the first.

    If one store refuses a record, the others restore what they held before.

    Args:
        stores: at least one; the first is read.
    """

    def __init__(self, stores: Sequence[MovieRepository]) -> None:
        self._stores = tuple(stores)
        self._background = tuple(store for store in stores if isinstance(store, BackgroundRepository))
        self._foreground = tuple(store for store in stores if not isinstance(store, BackgroundRepository))
        # Only records that another store can refuse must be restorable.
        self._holds = {
            store.name: store.hold if isinstance(store, RestoringRepository) else partial(_hold, store)
            for store in stores
            if any(other.may_reject for other in stores if other is not store)
        }
        self._id_locks = KeyedLocks()

    @property
    def name(self) -> str:
        return " and ".join(store.name for store in self._stores)

    @property
    def may_reject(self) -> bool:
        return any(store.may_reject for store in self._stores)

    @property
    def stores(self) -> tuple[MovieRepository, ...]:
        """The stores, in the given order."""
        return self._stores

    @property
    def marker(self) -> str | None:
        return common_marker(self._stores)

    def set_marker(self, marker: str) -> None:
        self._each(lambda store: store.set_marker(marker))

    def mark_as_equal(self) -> None:
        """Gives all stores a new common marker: from now on they are written together."""
        self.set_marker(uuid4().hex)

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        """Saves to all stores and waits for all, even if one fails.

        Raises:
            StoreUnavailable: a store is unavailable; saving again may help.
            RecordRejected: a store refuses this record; its name is in the message.
        """
        rows = rows or to_rows(movie)
        with self._id_locks.hold(movie.imdb_id):
            undo = {name: hold(movie.imdb_id) for name, hold in self._holds.items()}
            errors = self._save_everywhere(movie, rows)
            if any(isinstance(error, RecordRejected) for error in errors.values()):
                # If this raises StoreUnavailable, the title stays pending and the next run saves it.
                for name, put_back in undo.items():
                    if name not in errors:
                        put_back()
                if len(errors) < len(self._stores):
                    self._save_people(rows, errors)
        if errors:
            raise combined([errors[store.name] for store in self._stores if store.name in errors])

    def replace(self, imdb_id: str, movie: Movie | None) -> None:
        # The store that is read comes last: if the process is killed before, the title still counts as not replaced.
        self._each(lambda store: store.replace(imdb_id, movie), self._stores[::-1])

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:
        self._each(lambda store: store.replace_chart(chart, rows))

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        kept = tuple(rows)
        self._each(lambda store: store.save_rows(table, kept))

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        kept = tuple(keys)
        counts: list[int] = []
        self._each(lambda store: counts.append(store.delete_rows(table, kept)))
        return max(counts)

    def find(self, imdb_id: str) -> Movie | None:
        return self._stores[0].find(imdb_id)

    def ids(self) -> Iterator[str]:
        """The ids of the movies that every store holds, in ascending order."""
        merged = heapq.merge(*(store.ids() for store in self._stores))
        return (imdb_id for imdb_id, same in groupby(merged) if sum(1 for _ in same) == len(self._stores))

    def rows(self, table: Table) -> Iterator[Row]:
        return self._stores[0].rows(table)

    def finalize(self) -> None:
        """Finalizes all stores; each is tried even if another fails."""
        self._each(lambda store: store.finalize())

    def close(self) -> None:
        """Closes all stores; saves in progress end first."""
        self._each(lambda store: store.close())

    def _save_people(self, rows: MovieRows, errors: Mapping[str, StoreError]) -> None:
        """Saves the people of a refused title to the stores that refused it, because the others keep them."""
        for store in self._stores:
            if rows.people and isinstance(errors.get(store.name), RecordRejected):
                try:
                    store.save_rows(Table.PEOPLE, rows.people)
                except RecordRejected as error:
                    log.info("%s: the people of %s are not saved: %s", store.name, rows.movie[0], error)

    def _save_everywhere(self, movie: Movie, rows: MovieRows) -> dict[str, StoreError]:
        errors: dict[str, StoreError] = {}
        waits: list[tuple[str, Callable[[], None]]] = []
        try:
            for background in self._background:
                try:
                    waits.append((background.name, background.save_async(movie, rows)))
                except StoreError as error:
                    errors[background.name] = error
            for store in self._foreground:
                try:
                    store.save(movie, rows)
                except StoreError as error:
                    errors[store.name] = error
        finally:
            for name, wait in waits:
                try:
                    wait()
                except StoreError as error:
                    errors[name] = error
        return errors

    def _each(self, step: Callable[[MovieRepository], object], stores: Sequence[MovieRepository] = ()) -> None:
        errors: list[StoreError] = []
        for store in stores or self._stores:
            try:
                step(store)
            except StoreError as error:
                errors.append(error)
        if errors:
            raise combined(errors)


def common_marker(stores: Sequence[MovieRepository]) -> str | None:
    """The marker that all stores carry; ``None`` where they differ or one has none."""
    markers = {store.marker for store in stores}
    return markers.pop() if len(markers) == 1 else None


def combined(errors: Sequence[StoreError]) -> StoreError:
    """One error for several; retryable only if each of them is."""
    first, *others = errors
    if not others:
        return first
    kind = StoreUnavailable if all(error.retry for error in errors) else RecordRejected
    message = "; ".join([first.message, *(f"{error.store}: {error.message}" for error in others)])
    error = kind(first.store, message)
    error.__cause__ = first
    return error


def _hold(store: MovieRepository, imdb_id: str) -> Callable[[], None]:
    try:
        held = store.find(imdb_id)
    except StoreUnavailable:
        raise
    except StoreError:
        return partial(log.warning, "%s keeps the new record of %s: the one before cannot be read", store.name, imdb_id)
    return partial(store.replace, imdb_id, held)
