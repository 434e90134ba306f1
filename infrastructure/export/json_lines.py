"""Movies as JSON lines, each with its people. Source: https://jsonlines.org"""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from application.ports import Snapshot


def write_json_lines(source: Snapshot, file: BinaryIO) -> None:
    """Write every movie as one line."""
    for document in source.documents():
        file.write(msgspec.json.encode(msgspec.json.decode(document)) + b"\n")
