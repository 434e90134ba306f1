"""Writes a snapshot of a store to files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from application.ports import Snapshot
from domain.errors import StoreUnavailable, UsageError
from domain.fields import DeclaredTable, HistoryTable, Table
from shared.atomic import replacing

_TABLES: Final[tuple[DeclaredTable, ...]] = (*Table, *HistoryTable)

_IN_MOVIES: Final = (Table.MOVIES, Table.CREDITS, Table.AKAS)  # a movie's line has its credits and other titles


class ExportFormat(StrEnum):
    """The supported formats."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def export(
    source: Snapshot, form: ExportFormat, directory: Path, *, overwrite: bool = False, escape_formulas: bool = False
) -> tuple[Path, ...]:
    """Writes all tables; each file is complete or absent.

    CSV and Parquet make one file per table; so do JSON lines, but credits and other titles are in their movie's line.

    Args:
        directory: created if missing.
        overwrite: files of these names may be replaced.
        escape_formulas: for CSV, as the store's setting of that name.

    Returns:
        The files, in the order in which they were written.

    Raises:
        UsageError: a file exists already, or the folder cannot be used.
        StoreUnavailable: the source went away, or the disk is full.
    """
    writers = _writers(source, form, escape_formulas)
    targets = {directory / name: write for name, write in writers.items()}
    if not overwrite and (there := [str(path) for path in targets if path.exists()]):
        raise UsageError(f"{', '.join(there)} exists already; choose another folder, or --overwrite")
    with _disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for path, write in targets.items():
            with replacing(path) as file:
                write(file)
    return tuple(targets)


def _writers(source: Snapshot, form: ExportFormat, escape: bool) -> dict[str, Callable[[BinaryIO], None]]:
    """The file names and their writers."""
    match form:
        case ExportFormat.CSV:
            from infrastructure.export.csv_files import write_csv

            return {f"{table}.csv": partial(write_csv, source, table, escape) for table in _TABLES}
        case ExportFormat.JSONL:
            from infrastructure.export.json_lines import write_json_lines, write_rows

            writers: dict[str, Callable[[BinaryIO], None]] = {"movies.jsonl": partial(write_json_lines, source)}
            for table in _TABLES:
                if table not in _IN_MOVIES:
                    writers[f"{table}.jsonl"] = partial(write_rows, source, table)
            return writers
        case ExportFormat.PARQUET:
            from infrastructure.export.parquet_files import write_parquet

            return {f"{table}.parquet": partial(write_parquet, source, table) for table in _TABLES}


@contextmanager
def _disk_errors(directory: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{directory} is not a folder") from error
    except OSError as error:
        raise StoreUnavailable("export", f"{directory} cannot be written: {error.strerror}") from error
