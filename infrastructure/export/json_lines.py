"""Movies as JSON lines, each with its people; other tables have a line per row. Source: https://jsonlines.org"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import msgspec

from application.ports import Snapshot
from application.records import Row, from_cell
from domain.fields import DeclaredTable, FieldType

_STAYS_TEXT: Final = {FieldType.DATE, FieldType.TIMESTAMP}


def write_json_lines(source: Snapshot, file: BinaryIO) -> None:
    """Writes every movie as one line."""
    for document in source.documents():
        file.write(msgspec.json.encode(msgspec.json.decode(document)) + b"\n")


def write_rows(source: Snapshot, table: DeclaredTable, file: BinaryIO) -> None:
    """Writes every row of a table as one line."""
    for row in source.rows(table):
        file.write(msgspec.json.encode(typed(table, row)) + b"\n")


def typed(table: DeclaredTable, row: Row) -> dict[str, Any]:
    """The values of a row as JSON types; dates and times stay text."""
    return {
        field.name: cell if field.type in _STAYS_TEXT else from_cell(field, cell)
        for field, cell in zip(table.fields, row, strict=True)
    }
