"""The table ``store_state``: the store's own values, among them the data directory that fills the database."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from psycopg2.extensions import connection as Connection  # noqa: N812 - classes in all but name
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from domain.errors import UsageError
from infrastructure.stores.postgres.database import Database

_KEY: Final = "data_directory"
_FILE: Final = Path(".filmledger") / "directory-id"
_SET: Final = (
    "INSERT INTO store_state (key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def get_state(database: Database, key: str) -> str | None:
    """The value of a key of ``store_state``."""

    def read(connection: Connection) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM store_state WHERE key = %s", (key,))
            found = cursor.fetchone()
            return None if found is None else str(found[0])

    return database.run(read)


def set_state(database: Database, key: str, value: str | None) -> None:
    """Stores a value in ``store_state``, or deletes it (``None``)."""

    def write(cursor: Cursor) -> None:
        if value is None:
            cursor.execute("DELETE FROM store_state WHERE key = %s", (key,))
        else:
            put_state(cursor, key, value)

    database.transact(write)


def put_state(cursor: Cursor, key: str, value: str) -> None:
    """Stores a value in ``store_state`` within a transaction."""
    cursor.execute(_SET, (key, value))


def claim(database: Database, directory: Path, *, take_over: bool = False) -> None:
    """Records in the database that this data directory fills it; two would overwrite each other's records silently.

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
