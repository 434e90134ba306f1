"""Tables as Parquet files: numbers as numbers, lists as lists, times in UTC.

Rows are handed to the writer as JSON, some thousand at a time: its JSON reader is
the one way it has to make lists, and a quick one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from application.ports import Snapshot
from application.records import Row
from domain.fields import Table

_AT_A_TIME: Final = 5000
_WHOLE: Final = {"year", "votes", "duration_minutes", "metascore", "rank", "position"}
_REQUIRED: Final = {"imdb_id", "title", "source_url", "scraped_at", "person_id", "name", "category", "position"}


def write_parquet(source: Snapshot, table: Table, file: BinaryIO) -> None:
    """Write one table."""
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet as write

    schema = _schema(table)
    batches = _batches(table, source.rows(table), schema)
    write(RecordBatchReader.from_batches(schema, batches), file, compression="zstd(3)", skip_arrow_metadata=True)


def _batches(table: Table, rows: Iterator[Row], schema: Any) -> Iterator[Any]:
    from arro3.io import read_json

    while some := list(islice(rows, _AT_A_TIME)):
        lines = b"\n".join([msgspec.json.encode(_typed(table, row)) for row in some])
        yield from read_json(io.BytesIO(lines), schema)


def _typed(table: Table, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(table.columns, row, strict=True))
    for name, cell in values.items():
        if name == "genres":
            values[name] = cell.split("|") if cell else []
        elif name == "characters":
            values[name] = json.loads(cell)
        elif cell is not None and name in _WHOLE:
            values[name] = int(cell)
        elif cell is not None and name == "rating":
            values[name] = float(cell)
    return values


def _schema(table: Table) -> Any:
    from arro3.core import DataType, Field, Schema

    texts = DataType.list(Field("item", DataType.utf8()))
    types = {
        "rating": DataType.decimal128(3, 1),
        "genres": texts,
        "characters": texts,
        "scraped_at": DataType.timestamp("us", tz="UTC"),
    }
    types |= dict.fromkeys(_WHOLE, DataType.int64())
    return Schema(
        [Field(name, types.get(name, DataType.utf8()), nullable=name not in _REQUIRED) for name in table.columns]
    )
