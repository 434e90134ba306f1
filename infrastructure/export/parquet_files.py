"""Tables as Parquet files: numbers as numbers, dates as dates, lists as lists, times in UTC.

Types are derived from the field table. Rows are passed to the writer as JSON, some thousand at a time: its JSON
reader is its only way to make lists, and a fast one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from application.ports import Snapshot
from application.records import Row
from domain.fields import DeclaredTable, FieldType
from infrastructure.export.json_lines import typed

_BATCH_SIZE: Final = 5000


def write_parquet(source: Snapshot, table: DeclaredTable, file: BinaryIO) -> None:
    """Writes one table."""
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet as write

    schema = _schema(table)
    batches = _batches(table, source.rows(table), schema)
    write(RecordBatchReader.from_batches(schema, batches), file, compression="zstd(3)", skip_arrow_metadata=True)


def _batches(table: DeclaredTable, rows: Iterator[Row], schema: Any) -> Iterator[Any]:
    from arro3.io import read_json

    while some := list(islice(rows, _BATCH_SIZE)):
        lines = b"\n".join([msgspec.json.encode(typed(table, row)) for row in some])
        yield from read_json(io.BytesIO(lines), schema)


def _schema(table: DeclaredTable) -> Any:
    from arro3.core import DataType, Field, Schema

    types = {
        FieldType.INTEGER: DataType.int32(),
        FieldType.BIGINT: DataType.int64(),
        FieldType.DECIMAL: DataType.float64(),
        FieldType.BOOLEAN: DataType.bool(),
        FieldType.DATE: DataType.date32(),
        FieldType.TIMESTAMP: DataType.timestamp("us", tz="UTC"),
        FieldType.TEXT_LIST: DataType.list(Field("item", DataType.utf8())),
    }
    return Schema(
        [
            Field(field.name, types.get(field.type, DataType.utf8()), nullable=not field.required)
            for field in table.fields
        ]
    )
