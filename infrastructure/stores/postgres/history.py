"""Runs and their charts in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class in all but name
from psycopg2.extras import execute_batch

from domain.errors import RecordRejected
from infrastructure.stores.postgres.database import Database, RejectedByDatabase, require_kept
from infrastructure.stores.postgres.failures import STORE
from infrastructure.stores.sql_history import SqlConnection, SqlHistory

_PARAMETER: Final = re.compile(r":(\w+)")


class PostgresHistory(SqlHistory):
    """The history in PostgreSQL.

    Args:
        database: not closed by this.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def _write(self, work: Callable[[SqlConnection], None]) -> None:
        try:
            self._database.transact(lambda cursor: work(_NamedParameters(cursor)))
        except RejectedByDatabase as refused:
            raise RecordRejected(STORE, f"the run: {refused.failure.message}") from refused

    def _read(self, statement: str, parameters: Mapping[str, Any]) -> list[Any]:
        return self._database.transact(lambda cursor: _NamedParameters(cursor).execute(statement, parameters))

    def _require_kept(self, expected: int, kept: int, table: str) -> None:
        require_kept(expected, kept, table)


class _NamedParameters:
    """A cursor for statements with ``:name``, which psycopg2 writes ``%(name)s``."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def execute(self, statement: str, parameters: Mapping[str, Any], /) -> list[Any]:
        self._cursor.execute(_PARAMETER.sub(r"%(\1)s", statement), parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    def executemany(self, statement: str, parameters: Iterable[Mapping[str, Any]], /) -> None:
        execute_batch(self._cursor, _PARAMETER.sub(r"%(\1)s", statement), parameters, page_size=1000)
