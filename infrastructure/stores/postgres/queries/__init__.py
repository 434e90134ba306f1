"""The package's SQL, one statement a file; the first lines of each describe its purpose."""

from __future__ import annotations

import functools
from pathlib import Path

_FOLDER = Path(__file__).parent


@functools.cache
def query(name: str) -> str:
    """The text of ``name``.sql."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
