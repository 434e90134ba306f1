"""Connection strings: built from settings, and completed with timeouts."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from domain.errors import UsageError

Address: TypeAlias = Callable[[], str]
"""Answers the connection string to use now; may start a server, and raise FilmledgerError."""

# Detects within a minute that a firewall dropped an idle connection or that the host is down.
_DEFAULTS = {
    "application_name": "filmledger",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def from_parts(
    host: str,
    port: int,
    database: str,
    user: str,
    password: str,
    *,
    sslmode: str = "",
    sslrootcert: Path | None = None,
) -> str:
    """A connection string from single settings; libpq's defaults apply to empty ones."""
    parts = {
        "host": host,
        "port": str(port),
        "dbname": database,
        "user": user,
        "password": password,
        "sslmode": sslmode,
        "sslrootcert": "" if sslrootcert is None else str(sslrootcert),
    }
    return make_dsn(**{name: value for name, value in parts.items() if value})


def completed(dsn: str) -> str:
    """Adds this program's timeouts to a connection string that does not set them.

    Raises:
        UsageError: it is not a connection string. The message does not show it, because it may hold a password.
    """
    try:
        given = parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        given = None
    if given is None or _torn(given):
        # The driver's reason quotes parts of the string, so it stays out of the message and of the chain.
        raise UsageError(
            "POSTGRES_DSN is not a connection string; write postgresql://user:password@host:5432/database "
            "(with % codes for special characters) or host=... dbname=... user=... password='...'"
        )
    return make_dsn(dsn, **{name: value for name, value in _DEFAULTS.items() if name not in given})


def within(dsn: str, seconds: float) -> str:
    """Limits the connection timeout to so many seconds; libpq's minimum is two."""
    longest = int(parse_dsn(dsn).get("connect_timeout") or 0)
    wanted = max(2, math.ceil(seconds))
    return make_dsn(dsn, connect_timeout=str(min(longest, wanted) if longest > 0 else wanted))


def _torn(given: dict[str, str]) -> bool:
    """Whether a special character in the password has moved part of it into the host or the port."""
    hosts, ports = given.get("host", ""), given.get("port", "")
    return "@" in hosts or not all(port.isdigit() for port in ports.split(",") if port)


# https://www.postgresql.org/docs/current/libpq-envars.html
_VARIABLES: Final = {
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
    "password": "PGPASSWORD", "passfile": "PGPASSFILE", "require_auth": "PGREQUIREAUTH",
    "channel_binding": "PGCHANNELBINDING", "service": "PGSERVICE", "options": "PGOPTIONS",
    "application_name": "PGAPPNAME", "sslmode": "PGSSLMODE", "sslnegotiation": "PGSSLNEGOTIATION",
    "sslcompression": "PGSSLCOMPRESSION", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "sslcertmode": "PGSSLCERTMODE", "sslrootcert": "PGSSLROOTCERT", "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR", "sslsni": "PGSSLSNI", "requirepeer": "PGREQUIREPEER",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION", "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "gssencmode": "PGGSSENCMODE", "krbsrvname": "PGKRBSRVNAME", "gsslib": "PGGSSLIB",
    "gssdelegation": "PGGSSDELEGATION", "connect_timeout": "PGCONNECT_TIMEOUT",
    "client_encoding": "PGCLIENTENCODING", "target_session_attrs": "PGTARGETSESSIONATTRS",
    "load_balance_hosts": "PGLOADBALANCEHOSTS", "min_protocol_version": "PGMINPROTOCOLVERSION",
    "max_protocol_version": "PGMAXPROTOCOLVERSION",
}  # fmt: skip
_SESSION_VARIABLES: Final = ("PGDATESTYLE", "PGTZ", "PGGEQO", "PGSERVICEFILE", "PGSYSCONFDIR", "PGLOCALEDIR")


def environment_of(dsn: str) -> dict[str, str]:
    """The connection string as the environment variables that psql and the other client programs read."""
    return {_VARIABLES[name]: value for name, value in parse_dsn(dsn).items() if name in _VARIABLES}


def environment_note(dsn: str) -> str:
    """An addition to a failed connection's message: the environment variables that libpq used with the address."""
    given = parse_dsn(dsn)
    return _note([variable for name, variable in _VARIABLES.items() if name not in given and variable in os.environ])


def session_note() -> str:
    """An addition to a message about a session's settings, if an environment variable may have changed them."""
    return _note([variable for variable in ("PGOPTIONS",) if variable in os.environ])


def _note(used: list[str]) -> str:
    return f" (the environment variables {', '.join(used)} took part in it)" if used else ""


def ignore_environment() -> None:
    """Removes libpq's variables from this process's environment, for an address that is complete.

    A connection string cannot switch a service file off. Call it before other threads run.
    """
    for variable in (*_VARIABLES.values(), *_SESSION_VARIABLES):
        os.environ.pop(variable, None)
