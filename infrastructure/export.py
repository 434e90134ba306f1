"""Writes and reads files for other programs: CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from application.blocks import parse
from application.ports.stores import Loader, Snapshot
from application.records import Row, from_cell
from domain.errors import StoreUnavailable, UsageError
from domain.fields import DeclaredTable, FieldType, HistoryTable, Table
from infrastructure.stores.csv import FORMAT1_TABLES, CsvMovieRepository, encode, header, is_format1
from shared.atomic import replacing

_log = logging.getLogger(__name__)
_TABLES: Final[tuple[DeclaredTable, ...]] = (*Table, *HistoryTable)
_IN_MOVIES: Final = (Table.MOVIES, Table.CREDITS, Table.AKAS)  # a movie's line has its credits and other titles
_STAYS_TEXT: Final = {FieldType.DATE, FieldType.TIMESTAMP}
_ROWS_AT_ONCE: Final = 5000
_MAX_SHOWN: Final = 3  # invalid rows that a message lists


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
    targets = {directory / name: write for name, write in _writers(source, form, escape_formulas).items()}
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
            return {f"{table}.csv": partial(_write_csv, source, table, escape) for table in _TABLES}
        case ExportFormat.JSONL:
            rows = {
                f"{table}.jsonl": partial(_write_rows, source, table) for table in _TABLES if table not in _IN_MOVIES
            }
            return {"movies.jsonl": partial(_write_documents, source), **rows}
        case ExportFormat.PARQUET:
            return {f"{table}.parquet": partial(_write_parquet, source, table) for table in _TABLES}


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


def _batches(source: Snapshot, table: DeclaredTable) -> Iterator[list[Row]]:
    rows = source.rows(table)
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch


def _write_csv(source: Snapshot, table: DeclaredTable, escape: bool, file: BinaryIO) -> None:
    """Writes a table byte for byte as the CSV store writes it at the end of a run."""
    file.write(header(table))
    for batch in _batches(source, table):
        file.writelines(encode(batch, escape=escape))


def _write_documents(source: Snapshot, file: BinaryIO) -> None:
    """Writes every movie as one JSON line."""
    for document in source.documents():
        file.write(msgspec.json.encode(msgspec.json.decode(document)) + b"\n")


def _write_rows(source: Snapshot, table: DeclaredTable, file: BinaryIO) -> None:
    """Writes every row of a table as one JSON line."""
    for batch in _batches(source, table):
        file.write(_json_lines(table, batch))


def _json_lines(table: DeclaredTable, rows: list[Row]) -> bytes:
    """Rows as JSON types; dates and times stay text."""
    return msgspec.json.Encoder().encode_lines(
        [
            {
                field.name: cell if field.type in _STAYS_TEXT else from_cell(field, cell)
                for field, cell in zip(table.fields, row, strict=True)
            }
            for row in rows
        ]
    )


def _write_parquet(source: Snapshot, table: DeclaredTable, file: BinaryIO) -> None:
    """Writes a table with types from the field table: numbers, dates, lists, times in UTC.

    Rows are passed to the writer as JSON: its JSON reader is its only way to make lists, and a fast one.
    """
    from arro3.core import DataType, Field, RecordBatchReader, Schema
    from arro3.io import read_json, write_parquet

    types = {
        FieldType.INTEGER: DataType.int32(),
        FieldType.BIGINT: DataType.int64(),
        FieldType.DECIMAL: DataType.float64(),
        FieldType.BOOLEAN: DataType.bool(),
        FieldType.DATE: DataType.date32(),
        FieldType.TIMESTAMP: DataType.timestamp("us", tz="UTC"),
        FieldType.TEXT_LIST: DataType.list(Field("item", DataType.utf8())),
    }
    schema = Schema(
        [
            Field(field.name, types.get(field.type, DataType.utf8()), nullable=not field.required)
            for field in table.fields
        ]
    )
    batches: Iterator[Any] = (
        read for batch in _batches(source, table) for read in read_json(io.BytesIO(_json_lines(table, batch)), schema)
    )
    reader = RecordBatchReader.from_batches(schema, batches)
    write_parquet(reader, file, compression="zstd(3)", skip_arrow_metadata=True)


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
    """Imports all files or nothing. Files of the tables of runs, which only an export has, may be missing.

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
            return loader.load(files.rows, lambda table: _history_rows(folder, table))
        except UsageError as error:
            # Only after a failure: checking every row by itself takes longer than loading them all.
            broken = list(islice(files.unreadable_rows(), _MAX_SHOWN + 1))
            if not broken:
                raise
            more = " and more" if len(broken) > _MAX_SHOWN else ""
            raise UsageError(f"nothing was imported from {folder}: {'; '.join(broken[:_MAX_SHOWN])}{more}") from error


def _history_rows(folder: Path, table: HistoryTable) -> Iterator[Row]:
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
