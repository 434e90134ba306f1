"""How to reach a database, without its secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_./:-]+")


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """Where an embedded server listens. Holds no password: libpq reads it from ``password_file``.

    Attributes:
        sockets: folder of the unix socket.
        port: part of the socket's file name.
        user, database: what to log in as, and where.
        password_file: in libpq's passfile format, readable by its owner only.
        psql: PostgreSQL's own shell, of the server's version.
        version: the server's major version.
        processes: ids of the supervisor and the server.
    """

    sockets: Path
    port: int
    user: str
    database: str
    password_file: Path
    psql: Path
    version: str
    processes: tuple[int, ...]

    @property
    def dsn(self) -> str:
        """A libpq connection string; it may be shown."""
        pairs = {
            "host": str(self.sockets),
            "port": str(self.port),
            "user": self.user,
            "dbname": self.database,
            "passfile": str(self.password_file),
        }
        return " ".join(f"{name}={quoted(value)}" for name, value in pairs.items())


def quoted(value: str) -> str:
    """A value as a connection string takes it.

    Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return value if _PLAIN.fullmatch(value) else f"'{escaped}'"
