"""Tables as CSV files, byte for byte as the CSV store writes them at the end of a run."""

from __future__ import annotations

from itertools import islice
from typing import BinaryIO

from application.ports import Snapshot
from domain.fields import DeclaredTable
from infrastructure.stores.csv import encode, header

_AT_A_TIME = 1000


def write_csv(source: Snapshot, table: DeclaredTable, escape: bool, file: BinaryIO) -> None:
    """Writes one table."""
    file.write(header(table))
    rows = source.rows(table)
    while some := list(islice(rows, _AT_A_TIME)):
        file.writelines(encode(some, escape=escape))
