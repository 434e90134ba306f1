"""A load of data files: what was prepared, and the stores that take it as a whole."""

from __future__ import annotations

from collections.abc import Iterator
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
    and exists for these two tables only.
    """

    COMPLETE = "complete"
    CHANGED = "changed"
    REPLACED = "replaced"


class PreparedTables(Protocol):
    """The tables of a load, sorted and joined with what the stores hold."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that the load writes; all others stay as they are."""

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
    """A store that takes a prepared load as a whole: before or after, never between."""

    def write_table(self, table: Table, path: Path) -> None:
        """Writes all rows of a table as CSV with a header and canonical cells, in key order."""

    @property
    def load_id(self) -> str | None:
        """The id of the last load that was committed; ``None`` without one."""

    def load(self, prepared: PreparedTables, load_id: str) -> None:
        """Takes the load over in one step, and its id with it.

        Raises:
            StoreUnavailable: nothing of it was taken over.
            RecordRejected: the store refuses a row; nothing of it was taken over.
        """
