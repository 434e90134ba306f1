"""Stores of movies, their export and import, and loads of data files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from application.records import MovieRows, Row
from domain.fields import DeclaredTable, HistoryTable, Table
from domain.movie import Movie

# --- one store ------------------------------------------------------------------


class MovieRepository(Protocol):
    """One store of movies, people, charts and lists. Thread-safe.

    Every method that writes raises ``StoreUnavailable`` if the store is unavailable and
    nothing of that call was saved.
    """

    @property
    def name(self) -> str:
        """The name in settings and messages: ``csv``, ``postgres``, ``sqlite``."""

    @property
    def may_reject(self) -> bool:
        """Whether the store can refuse a record that the field table allows (a user's own constraint)."""

    def save(self, movie: Movie, rows: MovieRows | None = None) -> None:
        """Inserts or replaces one movie with its credits and other titles; durable when this returns.

        A record with an older ``scraped_at`` never replaces a newer one; one of the same
        time does. The name of each credited person is saved with the movie's ``scraped_at``
        and ``source``: of two names the one read later counts, with equal times the smaller
        text. A person's other columns are unchanged. People are kept when their last credit
        is removed.

        Args:
            rows: the same movie as rows, if the caller has them; several stores then share the work.

        Raises:
            StoreUnavailable: nothing was saved; saving again may help.
            RecordRejected: this record can never be saved; the message names the column.
        """

    def replace(self, imdb_id: str, movie: Movie | None) -> None:
        """Restores what was held before a save that another store refused.

        The record is written whatever its ``scraped_at``; ``None`` removes the movie with
        its credits and other titles. People are kept.
        """

    def replace_chart(self, chart: str, rows: Sequence[Row]) -> None:
        """Replaces all places of a chart by these ``charts`` rows, as a whole.

        Rows whose ``read_at`` is older than that of the stored places change nothing.
        Rows without places (an empty sequence) remove the chart.
        """

    def save_rows(self, table: Table, rows: Iterable[Row]) -> None:
        """Inserts or updates rows of ``people``, ``my_ratings`` or ``ratings_history`` by their key.

        People are merged as ``application.records.newer_person`` says: name and details
        each from the later reading; a row without a name for a person who is not stored is
        left out. Of two ratings of one title the one with the later
        ``read_at`` counts. History rows replace those of the same key.
        """

    def delete_rows(self, table: Table, keys: Iterable[tuple[str, ...]]) -> int:
        """Deletes rows of ``people`` (only those without credits), ``my_ratings`` or ``ratings_history``.

        Returns:
            The number of deleted rows.
        """

    def find(self, imdb_id: str) -> Movie | None:
        """The stored movie, without a rank, or ``None``.

        Raises:
            StoreError: its rows cannot be read as a movie.
        """

    def ids(self) -> Iterator[str]:
        """The ids of all movies in ascending order. Streams."""

    def rows(self, table: Table) -> Iterator[Row]:
        """All rows of one table as canonical cells, in the order of ``application.records.sort_key``.

        Streams: memory does not grow with the table. Works while another process writes.
        """

    @property
    def marker(self) -> str | None:
        """The text of the last ``set_marker``; ``None`` for a store that never finished a run."""

    def set_marker(self, marker: str) -> None:
        """Stores a short text. Stores that carry the same marker held the same records when it was set."""

    def finalize(self) -> None:
        """Brings the store into its final form at the end of a run. May be called again."""

    def close(self) -> None:
        """Releases files and connections. Saving afterwards is an error."""


@runtime_checkable
class BackgroundRepository(MovieRepository, Protocol):
    """A store that writes on its own threads, so that the caller can do other work meanwhile."""

    def save_async(self, movie: Movie, rows: MovieRows | None = None) -> Callable[[], None]:
        """Starts ``save``; the returned function waits for its end and is called once.

        Raises:
            RecordRejected: as ``save``. All other errors of ``save`` come from the returned function.
        """


@runtime_checkable
class RestoringRepository(MovieRepository, Protocol):
    """A store that can restore a movie without reading it before the save."""

    def hold(self, imdb_id: str) -> Callable[[], None]:
        """Remembers what is held of a movie now; the returned function restores it, as ``replace`` does.

        Raises:
            StoreUnavailable: the store cannot be read.
        """


@runtime_checkable
class TextRepository(MovieRepository, Protocol):
    """A store that gives its rows as text, so that whole blocks of rows can be compared at once."""

    def text(self, table: Table) -> Iterator[bytes] | None:
        """All rows as ``application.blocks`` describes, in key order, in pieces of whole rows. Streams.

        Returns:
            ``None`` if each row must be checked, as in a file that another program changed.

        Raises:
            StoreUnavailable: the store cannot be read.
        """


class Snapshot(Protocol):
    """The content of a store at one moment."""

    def rows(self, table: DeclaredTable) -> Iterator[Row]:
        """Canonical cells in the order of the table's key."""

    def documents(self) -> Iterator[str]:
        """Each movie as a JSON object with its credits and other titles, by id."""


class Loader(Protocol):
    """Fills an empty store."""

    def load(
        self,
        rows: Callable[[Table], Iterator[Row]],
        history: Callable[[HistoryTable], Iterator[Row]] = lambda _table: iter(()),
    ) -> dict[DeclaredTable, int]:
        """Loads all rows of all tables, or none.

        Args:
            rows: canonical cells of a table, in the order of its key.
            history: the same for the tables of runs.

        Returns:
            The number of rows of each table.

        Raises:
            UsageError: the store is not empty, or a row is invalid; the message says which.
            StoreUnavailable: the server cannot be reached.
        """


# --- loads of data files --------------------------------------------------------


class LoadPart(StrEnum):
    """A part of a prepared table.

    ``COMPLETE`` is the whole new content. ``CHANGED`` are the rows that are new or differ;
    of credits and akas all rows of the titles in ``REPLACED``, which is one column of ids
    and exists for these two tables only. ``GONE`` is one column, too: the ids of the titles
    that the load deletes, with their credits and akas; it exists for movies only.
    """

    COMPLETE = "complete"
    CHANGED = "changed"
    REPLACED = "replaced"
    GONE = "gone"


class PreparedTables(Protocol):
    """The tables of a load, sorted and joined with the stores' content. Thread-safe."""

    @property
    def folder(self) -> Path:
        """The folder for the stores' temporary files."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that the load writes; all others are unchanged."""

    def changes(self, table: Table) -> bool:
        """Whether the load changes any row of the table."""

    def rows(self, table: Table, part: LoadPart) -> Iterator[Row]:
        """Canonical cells in the order of the table's key. Streams."""

    def write_csv(self, table: Table, path: Path, *, escape_formulas: bool) -> None:
        """Writes the complete table with its header in the form of the CSV store: RFC 4180, CRLF."""

    def write_copy(self, table: Table, part: LoadPart, path: Path) -> int:
        """Writes a part as CSV without a header, lists as PostgreSQL arrays; returns the number of rows.

        For ``COPY … FROM STDIN (FORMAT csv)``: an empty cell is NULL.
        """


@runtime_checkable
class BulkRepository(MovieRepository, Protocol):
    """A store that saves a prepared load atomically."""

    def write_table(self, table: Table, path: Path) -> None:
        """Writes all rows of a table as CSV with a header and canonical cells, in key order.

        Raises:
            StoreUnavailable: the table cannot be read, or the file not be written.
        """

    @property
    def load_id(self) -> str | None:
        """The id of the last load that was committed; ``None`` without one."""

    def loading(self, prepared: PreparedTables, load_id: str) -> AbstractContextManager[Callable[[], object]]:
        """Writes a load aside; the function given commits it together with its id.

        When the block ends without that call, the store is as before. Nothing else is
        saved to the store during the block.

        Raises:
            StoreUnavailable: nothing was committed.
            RecordRejected: the store refuses a row; nothing was committed.
        """


@dataclass(frozen=True, slots=True)
class PendingLoad:
    """A load whose commits have begun or are about to begin.

    Attributes:
        stores: the names of the stores that save it.
        marker: the marker of the stores when it was prepared (``MovieRepository.marker``).
    """

    load_id: str
    stores: tuple[str, ...]
    marker: str | None


class LoadRecord(Protocol):
    """The record of a pending load, from which the next command completes or discards it."""

    def read(self) -> PendingLoad | None:
        """The pending load; ``None`` without one.

        Raises:
            UsageError: the record cannot be read.
        """

    def write(self, load: PendingLoad) -> None:
        """Records a load durably, before the first store commits it.

        Raises:
            StoreUnavailable: the disk refuses.
        """

    def clear(self) -> None:
        """Deletes the record: all stores have the load, or none."""
