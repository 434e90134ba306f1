"""Runs and their charts in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from infrastructure.stores.sql_history import SqlConnection, SqlHistory
from infrastructure.stores.sqlite.repository import SqliteMovieRepository, connect, translated_errors


class SqliteHistory(SqlHistory):
    """The history in SQLite.

    Args:
        store: of the same file; not closed by this.
    """

    def __init__(self, store: SqliteMovieRepository, path: Path) -> None:
        self._store = store
        self._path = path

    def _write(self, work: Callable[[SqlConnection], None]) -> None:
        self._store.write(work, "the run")

    def _read(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        with translated_errors(self._path), closing(connect(self._path, 60.0, read_only=True)) as connection:
            return connection.execute(statement, parameters).fetchall()

    def _require_kept(self, expected: int, kept: int, table: str) -> None:
        if kept < expected:
            raise sqlite3.IntegrityError(f"the file did not keep all rows of {table}; a trigger drops them")
