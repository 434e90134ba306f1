"""The address of an embedded server, without its secrets."""

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
        user, database: for the login.
        password_file: in libpq's passfile format, readable by its owner only.
        psql: PostgreSQL's command-line client of the server's version.
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
        """A libpq connection string; it contains no secret."""
        pairs = {
            "host": str(self.sockets),
            "port": str(self.port),
            "user": self.user,
            "dbname": self.database,
            "passfile": str(self.password_file),
        }
        return " ".join(f"{name}={quoted(value)}" for name, value in pairs.items())


def quoted(value: str) -> str:
    """Quotes a value for a connection string.

    Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return value if _PLAIN.fullmatch(value) else f"'{escaped}'"
