"""Binds a database to one data directory. Two of them would overwrite each other's records without a message."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database
from infrastructure.stores.postgres.maintenance import get_state, set_state

_KEY: Final = "data_directory"
_FILE: Final = Path(".filmledger") / "directory-id"


def claim(database: Database, directory: Path, *, take_over: bool = False) -> None:
    """Records in the database that this data directory fills it.

    A directory that was moved keeps its id, and so its database.

    Args:
        take_over: replace another directory.

    Raises:
        UsageError: another directory fills it, or this one cannot be written.
        StoreUnavailable: the server cannot be reached.
    """
    ours = {"id": _directory_id(directory), "path": str(directory.absolute())}
    stored = get_state(database, _KEY)
    theirs = json.loads(stored) if stored else ours
    if theirs["id"] != ours["id"] and not take_over:
        raise UsageError(
            f"PostgreSQL: the database is filled from the data directory {theirs['path']}, and this run's is "
            f"{ours['path']}; they would overwrite each other's records. Use another database, or set "
            "POSTGRES_TAKE_OVER=true for one run to fill it from here from now on"
        )
    if stored is None or theirs != ours:
        set_state(database, _KEY, json.dumps(ours))


def _directory_id(directory: Path) -> str:
    path = directory / _FILE
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(os.urandom(8).hex() + "\n")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be used: {error}") from error
