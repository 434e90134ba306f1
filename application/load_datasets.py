"""A prepared load of data files into the stores, title by title.

Every title is saved as a whole in all stores or in none. A load that stops in between
is continued by the same command: what is already stored no longer differs.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from application.ports import MovieRepository
from application.records import Row, from_rows
from domain.errors import Cancelled, RecordRejected
from domain.fields import Table
from domain.movie import Movie

log = logging.getLogger(__name__)

_ROWS_AT_A_TIME: Final = 1000
_IN_PROGRESS: Final = 64


@dataclass(frozen=True, slots=True)
class ChangedTitle:
    """The rows of one title that is new or differs from what is stored, with the names of its people."""

    movie: Row
    credits: tuple[Row, ...]
    akas: tuple[Row, ...]
    names: dict[str, str]


class ChangedRecords(Protocol):
    """What a load adds to or changes in the stores."""

    def titles(self) -> Iterator[ChangedTitle]:
        """The titles, by id. Streams."""

    def changed_rows(self, table: Table) -> Iterator[Row]:
        """The rows of ``people`` or ``ratings_history`` that are new or differ. Streams."""


@dataclass(slots=True)
class LoadResult:
    """What a load did.

    Attributes:
        saved: titles written.
        refused: the reason for each title that a store refused.
    """

    saved: int = 0
    refused: list[str] = field(default_factory=list)


def load_datasets(
    records: ChangedRecords,
    store: MovieRepository,
    *,
    workers: int,
    cancel: threading.Event,
    on_progress: Callable[[int], object] = lambda _saved: None,
) -> LoadResult:
    """Saves all records that a load changes.

    Args:
        records: what to save.
        store: all stores in one.
        workers: titles that are saved at the same time.
        cancel: once set, the titles in progress are saved and the rest is left for the next load.
        on_progress: called with the number of titles saved so far.

    Raises:
        Cancelled: ``cancel`` was set.
        StoreUnavailable: a store cannot take the data now.
    """
    result = LoadResult()
    in_progress: deque[Future[str | None]] = deque()

    def settle() -> None:
        refusal = in_progress.popleft().result()
        if refusal is None:
            result.saved += 1
            on_progress(result.saved)
        else:
            result.refused.append(refusal)

    with ThreadPoolExecutor(workers, thread_name_prefix="load") as executor:
        for title in records.titles():
            if cancel.is_set():
                break
            in_progress.append(executor.submit(_save, store, title))
            if len(in_progress) >= _IN_PROGRESS:
                settle()
        while in_progress:
            settle()
    for table in (Table.PEOPLE, Table.RATINGS_HISTORY):
        rows = records.changed_rows(table)
        while not cancel.is_set() and (some := list(islice(rows, _ROWS_AT_A_TIME))):
            store.save_rows(table, some)
    if cancel.is_set():
        raise Cancelled("the load was stopped; run the same command to continue")
    return result


def _save(store: MovieRepository, title: ChangedTitle) -> str | None:
    """Saves one title; the reason if a store refuses it."""
    movie: Movie = from_rows(title.movie, title.credits, title.names, title.akas)
    try:
        store.save(movie)
    except RecordRejected as error:
        log.warning("%s is in no store as a new version: %s", movie.imdb_id, error)
        return str(error)
    return None
