"""What a database error means: try again, and how, or give up, and on what.

Source of the codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

import psycopg2

from domain.errors import FilmledgerError, StoreUnavailable, UsageError

STORE = "postgres"


class Kind(Enum):
    """What can be done about a failure."""

    CONFLICT = auto()  # two transactions got in each other's way: again at once
    LOCKED = auto()  # another session holds a lock: again until the time for waiting is over
    GONE = auto()  # the connection or the server is gone: again with a new connection, after a while
    BUSY = auto()  # the server cannot now: again after a while
    REFUSED = auto()  # it refuses this record: again changes nothing
    WRONG = auto()  # settings, privileges, schema: again changes nothing


@dataclass(frozen=True, slots=True)
class DatabaseFailure:
    """A database error in our words; ``message`` is one line without secrets."""

    kind: Kind
    message: str
    code: str = ""

    def error(self) -> FilmledgerError:
        """As the program raises it when it gives up."""
        if self.kind is Kind.WRONG:
            return UsageError(f"PostgreSQL: {self.message}")
        return StoreUnavailable(STORE, self.message)


# 26000, 42P05: a pooler gave a session in which other statements are prepared
_CONFLICTS = {"40001", "40P01", "26000", "42P05"}
_LOCK_NOT_AVAILABLE = "55P03"
_READ_ONLY = "25006"  # after a failover, too: a standby that is promoted takes writes again
_GONE = {"57P01", "57P02", "57P03", "57P05"}
_BUSY = {"53000", "53100", "53200", "53300", "53400", "57014", "58030"}
_WRONG_CLASSES = {"28", "3D", "3F", "42", "0A"}
_REFUSED_CLASSES = {"22", "23", "44", "54"}

# What libpq says before there is a session carries no code. The server's own words come untranslated only if its
# locale is English; in another language the failure counts as GONE, which is tried again for a while.
_SETTLED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication failed"
    r"|(?:database|role) \".*\" does not exist|certificate|does not support SSL|sslmode|permission denied"
    r"|could not translate host name|is not permitted to log in",
    re.IGNORECASE,
)
_STARTING = re.compile(r"starting up|shutting down|recovery|not accepting", re.I)
# The server, one database or one role has as many connections as it may; the last is how pgbouncer says so.
_FULL = re.compile(r"too many|remaining connection slots|no more connections allowed", re.I)


def classify_error(error: psycopg2.Error) -> DatabaseFailure:
    """Put an error into one of the kinds."""
    code = error.pgcode or ""
    message = one_line(error)
    if not code:
        if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
            if _SETTLED.search(message) and not is_starting(message) and "SSL SYSCALL" not in message:
                return DatabaseFailure(Kind.WRONG, message)
            return DatabaseFailure(Kind.GONE, message or "the connection was lost")
        if isinstance(error, psycopg2.DatabaseError) and not isinstance(error, psycopg2.ProgrammingError):
            return DatabaseFailure(Kind.GONE, message)  # libpq lost track of the conversation
        return DatabaseFailure(Kind.WRONG, message)
    if code in _CONFLICTS:
        return DatabaseFailure(Kind.CONFLICT, message, code)
    if code == _LOCK_NOT_AVAILABLE:
        return DatabaseFailure(Kind.LOCKED, message, code)
    if code == _READ_ONLY:
        return DatabaseFailure(Kind.GONE, f"the database has been made read-only ({message})", code)
    if "row-level security" in message or "row security" in message:
        return DatabaseFailure(Kind.REFUSED, message, code)
    if code in _GONE or code.startswith("08"):
        return DatabaseFailure(Kind.GONE, message, code)
    if code in _BUSY:
        return DatabaseFailure(Kind.BUSY, message, code)
    if code[:2] in _REFUSED_CLASSES:
        return DatabaseFailure(Kind.REFUSED, message, code)
    if code[:2] in _WRONG_CLASSES:
        return DatabaseFailure(Kind.WRONG, message, code)
    return DatabaseFailure(Kind.BUSY, message, code)


def is_starting(message: str) -> bool:
    """Whether a refused connection will be taken in a moment."""
    return bool(_STARTING.search(message) or _FULL.search(message))


def lacks_slots(error: psycopg2.OperationalError) -> bool:
    """Whether a connection was refused because there are too many."""
    return not error.pgcode and bool(_FULL.search(str(error)))


def timed_out(error: psycopg2.OperationalError) -> bool:
    """Whether a connection was not answered in time."""
    return not error.pgcode and "timeout expired" in str(error)


def one_line(error: BaseException) -> str:
    """The first line of an error's text that says something, without the server's severity."""
    for line in str(error).splitlines():
        if text := line.strip():
            return re.sub(r"\b(?:FATAL|ERROR|PANIC):\s+", "", text)
    return type(error).__name__
