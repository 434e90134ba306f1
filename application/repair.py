"""Makes stores equal: the newer record wins, ties go to the first store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from application.comparison import Finding, Verdict, compare
from application.merge_readings import with_newest_figures
from application.ports.stores import MovieRepository
from application.records import Row, key_of, newer_person, to_rows
from domain.errors import RecordRejected, StoreError, StoreUnavailable
from domain.fields import Source, Table
from domain.movie import Movie

_READ_AT = Table.CHARTS.column_index("read_at")


class RepairStep(StrEnum):
    """The kind of a repair."""

    COPIED = "copied"
    MERGED = "merged"
    DROPPED = "dropped"
    FAILED = "could not be repaired"


@dataclass(frozen=True, slots=True)
class RepairAction:
    """One repair: of which key, and why."""

    step: RepairStep
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.step} ({self.reason})"


def repair(stores: Sequence[MovieRepository]) -> Iterator[RepairAction]:
    """Makes the stores equal and yields each action. Records that only one store holds are copied, not deleted.

    Lazy: exhaust the iterator to complete the repair. All stores are finalized.

    Args:
        stores: open for writing, in the order of preference.

    Raises:
        StoreUnavailable: a store failed; the yielded actions are done.
    """
    done: set[str] = set()  # a movie is copied with all its credits and other titles
    for table in (Table.MOVIES, Table.CREDITS, Table.AKAS):
        for finding in compare(table, stores):
            imdb_id = finding.key[0]
            if imdb_id not in done:
                done.add(imdb_id)
                yield from _copy_movie(imdb_id, finding, stores)
    yield from _merge_rows(Table.PEOPLE, stores)
    yield from merge_charts(stores)
    yield from _merge_rows(Table.MY_RATINGS, stores)
    yield from _merge_rows(Table.RATINGS_HISTORY, stores)
    for store in stores:
        store.finalize()


def restore(store: MovieRepository, others: Sequence[MovieRepository], ids: Iterable[str]) -> Iterator[RepairAction]:
    """Copies the titles with these ids to a store from the first of the others that holds them. Lazy.

    Raises:
        StoreUnavailable: a store failed; the yielded actions are done.
    """
    for imdb_id in ids:
        held = ((other.name, _find(other, imdb_id)) for other in others)
        name, movie = next(((name, movie) for name, movie in held if isinstance(movie, Movie)), ("", None))
        if movie is None:
            yield RepairAction(RepairStep.FAILED, imdb_id, "no other store holds it")
        else:
            yield _save(movie, store, f"from {name} to {store.name}")


def _copy_movie(imdb_id: str, finding: Finding, stores: Sequence[MovieRepository]) -> Iterator[RepairAction]:
    """Copies the newest readable record of a title, with the newest figures, to all stores that hold another one."""
    held = [_find(store, imdb_id) for store in stores]
    readable = [(movie, store.name) for movie, store in zip(held, stores, strict=True) if isinstance(movie, Movie)]
    if not readable:
        problem = next((one for one in held if isinstance(one, StoreError)), None)
        if problem is None and finding.table is not Table.MOVIES:
            for store in stores:  # rows of a movie that no store holds
                store.replace(imdb_id, None)
            yield RepairAction(RepairStep.DROPPED, imdb_id, f"{finding.table} {finding.detail}, and no such movie")
        else:
            yield RepairAction(RepairStep.FAILED, imdb_id, str(problem or finding.detail))
        return
    read, source = max(readable, key=lambda found: _age(found[0]))
    newest = with_newest_figures(read, [movie for movie, _ in readable])
    for store, movie in zip(stores, held, strict=True):
        if not isinstance(movie, Movie):
            reason = f"not in {store.name}" if movie is None else str(movie)
        elif _without_names(movie) == _without_names(newest) and finding.verdict is not Verdict.UNREADABLE:
            continue
        elif _age(read) > _age(movie):
            reason = "newer"
        elif store.name == source:
            if newest is read:
                continue
            reason = f"newer figures of {newest.dataset_day}"
        else:
            reason = f"of the same time; {finding.verdict}: {finding.detail}"
        yield _save(newest, store, f"from {source} to {store.name}: {reason}")


def _age(movie: Movie) -> tuple[bool, datetime, date]:
    """Any other source knows more of a title than the data files."""
    return movie.source != Source.DATASETS, movie.scraped_at, movie.dataset_day or date.min


def _merge_rows(table: Table, stores: Sequence[MovieRepository]) -> Iterator[RepairAction]:
    """Merges rows that differ and saves the result to all stores."""
    for finding in compare(table, stores):
        key = " ".join(finding.key)
        rows = [row for row in finding.rows if row is not None]
        if finding.verdict is Verdict.UNREADABLE:
            yield RepairAction(RepairStep.FAILED, f"{table} {key}", finding.detail)
            continue
        merged = rows[0]
        for row in reversed(rows[1:]):
            merged = _newer(table, row, merged)
        try:
            for store in stores:
                store.save_rows(table, [merged])
        except RecordRejected as error:
            yield RepairAction(RepairStep.FAILED, f"{table} {key}", str(error))
        else:
            yield RepairAction(RepairStep.MERGED, f"{table} {key}", f"{finding.verdict}: {finding.detail}")


def _newer(table: Table, old: Row, new: Row) -> Row:
    if table is Table.PEOPLE:
        return newer_person(old, new)
    if table is Table.MY_RATINGS:
        return new if (new[-1] or "") >= (old[-1] or "") else old
    return new


def merge_charts(stores: Sequence[MovieRepository]) -> Iterator[RepairAction]:
    """Saves the newest reading of each chart that differs to all stores."""
    differing = dict.fromkeys(finding.key[0] for finding in compare(Table.CHARTS, stores))
    for chart in differing:
        readings = [_places(store, chart) for store in stores]
        newest = max(readings, key=lambda rows: max((row[_READ_AT] or "" for row in rows), default=""))
        for store, rows in zip(stores, readings, strict=True):
            if rows != newest:
                store.replace_chart(chart, [])  # a reading of the same time replaces nothing
                store.replace_chart(chart, newest)
                yield RepairAction(RepairStep.COPIED, f"chart {chart}", f"to {store.name}: newer, or read whole")


def _places(store: MovieRepository, chart: str) -> list[Row]:
    for name, rows in groupby(store.rows(Table.CHARTS), key=itemgetter(0)):
        if name == chart:
            return list(rows)
    return []


def _find(store: MovieRepository, imdb_id: str) -> Movie | StoreError | None:
    try:
        return store.find(imdb_id)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return error


def _save(movie: Movie, store: MovieRepository, reason: str) -> RepairAction:
    try:
        store.replace(movie.imdb_id, movie)
    except RecordRejected as error:
        return RepairAction(RepairStep.FAILED, movie.imdb_id, str(error))
    kept = _find(store, movie.imdb_id)
    if isinstance(kept, Movie) and _without_names(kept) == _without_names(movie):
        return RepairAction(RepairStep.COPIED, movie.imdb_id, reason)
    return RepairAction(RepairStep.FAILED, movie.imdb_id, f"{store.name} keeps another record")


def _without_names(movie: Movie) -> tuple[object, ...]:
    """The rows of a movie without the names of its people, which other movies may have given."""
    rows = to_rows(movie)
    return (rows.movie, rows.credits, rows.akas)


def prune(stores: Sequence[MovieRepository]) -> int:
    """Deletes the people whom no title credits from all stores.

    Returns:
        The number of people deleted from the store that held most of them.
    """
    return max(
        store.delete_rows(Table.PEOPLE, (key_of(Table.PEOPLE, row) for row in store.rows(Table.PEOPLE)))
        for store in stores
    )
