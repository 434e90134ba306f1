"""Imports exported CSV files into an empty store, or reports which line is invalid.

The files of the tables of runs, which only an export has, may be missing.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from application.blocks import parse
from application.ports import Loader
from application.records import Row
from domain.errors import UsageError
from domain.fields import DeclaredTable, HistoryTable, Table
from infrastructure.stores.csv import FORMAT1_TABLES, CsvMovieRepository, is_format1

_log = logging.getLogger(__name__)
_TOLD: Final = 3  # invalid rows that a message lists


def _rows(folder: Path, table: HistoryTable) -> Iterator[Row]:
    """The rows of a file that only an export has; none if the file is missing.

    Raises:
        UsageError: it has other columns, or is not CSV.
    """
    path = folder / f"{table}.csv"
    if not path.is_file():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            records = parse(lines)
            if (columns := next(records, [])) != list(table.columns):
                raise UsageError(f"{path}: the columns are {', '.join(columns)[:200]}, not {', '.join(table.columns)}")
            for cells in records:
                yield tuple(cell or None for cell in cells)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def require_files(folder: Path) -> None:
    """Checks that the files of all tables exist, or the three of version 0.1; each has at least a first line.

    Raises:
        UsageError: one is missing or empty.
    """
    names = [f"{table}.csv" for table in (FORMAT1_TABLES if is_format1(folder) else Table)]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise UsageError(f"{folder} holds no {', '.join(missing)}: an import needs {', '.join(names)}")
    if empty := [name for name in names if not (folder / name).stat().st_size]:
        raise UsageError(f"nothing was imported from {folder}: {', '.join(empty)} has not even a first line")


def import_csv(folder: Path, loader: Loader, *, escape_formulas: bool) -> dict[DeclaredTable, int]:
    """Imports all files or nothing.

    Files of version 0.1 hold the ranks of one chart without its name; these are not imported, and a warning says so.

    Args:
        folder: of the files; nothing is changed there.
        loader: of the store.
        escape_formulas: as the setting was when they were written, if the files themselves do not record it.

    Returns:
        The number of rows per table.

    Raises:
        UsageError: a file is missing or invalid; the message has the place.
        StoreError: a store failed.
    """
    require_files(folder)
    if is_format1(folder):
        _log.warning(
            "%s: files of version 0.1; the ranks in them are not imported, because they do not name their chart. "
            "Any run with this folder as DATA_DIR moves them into charts.csv",
            folder,
        )
    with closing(CsvMovieRepository(folder, escape_formulas=escape_formulas, read_only=True)) as files:
        try:
            return loader.load(files.rows, lambda table: _rows(folder, table))
        except UsageError as error:
            # Only after a failure: checking every row by itself takes longer than loading them all.
            broken = list(islice(files.unreadable_rows(), _TOLD + 1))
            if not broken:
                raise
            more = " and more" if len(broken) > _TOLD else ""
            raise UsageError(f"nothing was imported from {folder}: {'; '.join(broken[:_TOLD])}{more}") from error
