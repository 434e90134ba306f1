"""A prepared load of data files, and the stores that save it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from application.ports.stores import MovieRepository
from application.records import Row
from domain.fields import Table


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
