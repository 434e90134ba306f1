"""Classifies database errors: whether to retry, and how; and measures how long the database has been unavailable."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

import msgspec
import psycopg2

from domain.errors import FilmledgerError, StoreUnavailable, UsageError
from infrastructure.stores.postgres.address import session_note

STORE = "postgres"
_RECENT_SECONDS: Final = 3.0


class Kind(Enum):
    """The reaction to a failure."""

    CONFLICT = auto()  # conflict of two transactions: retried at once
    LOCKED = auto()  # another session holds a lock: retried until the waiting time is over
    GONE = auto()  # the connection or the server is gone: retried after a pause, with a new connection
    BUSY = auto()  # the server cannot do it at the moment: retried after a pause
    REFUSED = auto()  # it refuses this record: not retried
    WRONG = auto()  # settings, privileges, schema: not retried


class DatabaseFailure(msgspec.Struct, frozen=True):
    """A classified database error; ``message`` is one line without secrets."""

    kind: Kind
    message: str

    def error(self) -> FilmledgerError:
        """The error that the program raises when it gives up."""
        if self.kind is Kind.WRONG:
            return UsageError(f"PostgreSQL: {self.message}")
        return StoreUnavailable(STORE, self.message)


_READ_ONLY = "25006"  # also after a failover: a promoted standby accepts writes
# By SQLSTATE, or by its first two characters; all others are BUSY.
_KINDS: Final[dict[str, Kind]] = {
    # 26000, 42P05: a pooler gave a session in which other statements are prepared
    **dict.fromkeys(("40001", "40P01", "26000", "42P05"), Kind.CONFLICT),
    "55P03": Kind.LOCKED,
    **dict.fromkeys((_READ_ONLY, "57P01", "57P02", "57P03", "57P05", "08"), Kind.GONE),
    **dict.fromkeys(("22", "23", "44", "54", "P0"), Kind.REFUSED),  # P0: a trigger of the user raises an exception
    **dict.fromkeys(("28", "3D", "3F", "42", "0A"), Kind.WRONG),
}

# Errors before there is a session carry no code. The server's messages are in English only if its
# locale is English; in another language the failure counts as GONE, which is retried for a while.
_SETTLED = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication failed"
    r"|(?:database|role) \".*\" does not exist|certificate|does not support SSL|sslmode|permission denied"
    r"|could not translate host name|is not permitted to log in",
    re.IGNORECASE,
)
_STARTING = re.compile(r"starting up|shutting down|recovery|not accepting", re.I)
# The server, one database or one role has reached its connection limit; the last is pgbouncer's message.
_FULL = re.compile(r"too many|remaining connection slots|no more connections allowed", re.I)


def classify_error(error: psycopg2.Error) -> DatabaseFailure:
    """Classifies a driver error."""
    code = error.pgcode or ""
    message = one_line(error)
    if not code:
        if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
            starting = _STARTING.search(message) or _FULL.search(message)  # accepted in a moment
            if _SETTLED.search(message) and not starting and "SSL SYSCALL" not in message:
                return DatabaseFailure(Kind.WRONG, message)
            return DatabaseFailure(Kind.GONE, message or "the connection was lost")
        if isinstance(error, psycopg2.DatabaseError) and not isinstance(error, psycopg2.ProgrammingError):
            return DatabaseFailure(Kind.GONE, message)  # libpq lost synchronization with the server
        return DatabaseFailure(Kind.WRONG, message)
    if "row-level security" in message or "row security" in message:
        return DatabaseFailure(Kind.REFUSED, message)
    if code == _READ_ONLY:
        message = f"the database has been made read-only ({message}){session_note()}"
    return DatabaseFailure(_KINDS.get(code) or _KINDS.get(code[:2], Kind.BUSY), message)


def lacks_slots(error: psycopg2.OperationalError) -> bool:
    """Whether a connection was refused because there are too many."""
    return not error.pgcode and bool(_FULL.search(str(error)))


def timed_out(error: psycopg2.OperationalError) -> bool:
    """Whether a connection was not answered in time."""
    return not error.pgcode and "timeout expired" in str(error)


def one_line(error: BaseException) -> str:
    """The first line of an error's text that has content, without the server's severity."""
    for line in str(error).splitlines():
        if text := line.strip():
            return re.sub(r"\b(?:FATAL|ERROR|PANIC):\s+", "", text)
    return type(error).__name__


class Outage:
    """A series of failures without a success in between.

    Without it, fifty threads that each wait a minute for a lost database would
    delay the run for most of an hour; here the minute is counted once.

    Args:
        timeout: seconds from the first failure after which waiting is useless.
    """

    def __init__(self, timeout: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.timeout = timeout
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since: float | None = None
        self._failed_at = -math.inf
        self._worked_at = monotonic()
        self._notified = False
        self._reason = ""

    def failed(self, reason: str = "", *, waited: float = 0.0) -> None:
        """Records a failure.

        Args:
            reason: of the failure; the first one is kept.
            waited: seconds without an answer before it, which belong to the outage.
        """
        with self._lock:
            self._reason = self._reason or reason
            self._failed_at = self._monotonic()
            if self._since is None:
                self._since = max(self._failed_at - waited, self._worked_at)

    def ended(self) -> None:
        """Records a success."""
        self._worked_at = self._monotonic()
        if self._since is not None:  # read without the lock, because this runs after every save
            with self._lock:
                self._since = None
                self._notified = False
                self._reason = ""

    def should_notify(self) -> bool:
        """Whether to notify the user: once per outage."""
        with self._lock:
            notified, self._notified = self._notified, True
            return not notified

    @property
    def reason(self) -> str:
        """The reason of the first failure."""
        return self._reason

    @property
    def left(self) -> float:
        """Seconds until the timeout."""
        since = self._since
        return self.timeout if since is None else max(0.0, since + self.timeout - self._monotonic())

    @property
    def is_recent(self) -> bool:
        """Whether the last failure was a moment ago, so that another attempt would fail in the same way."""
        return self._monotonic() - self._failed_at < _RECENT_SECONDS

    @property
    def too_long(self) -> bool:
        """Whether the outage has lasted as long as the timeout."""
        since = self._since
        return since is not None and self._monotonic() - since >= self.timeout
