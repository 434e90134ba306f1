"""The paths of an embedded server's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

USER = "filmledger"
DATABASE = "filmledger"
PORT = 5432  # names the socket file only; nothing listens on TCP
PASSWORD_FILE = "pgpass"  # noqa: S105 - the file's name


@dataclass(frozen=True, slots=True)
class ServerLayout:
    """The folder of one embedded server.

    Attributes:
        directory: used by this server only, mode 0700; everything below lies in it.
    """

    directory: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory; either complete or absent."""
        return self.directory / "cluster"

    @property
    def password_file(self) -> Path:
        """The generated password in libpq's passfile format, mode 0600.

        Source: https://www.postgresql.org/docs/current/libpq-pgpass.html
        """
        return self.cluster / PASSWORD_FILE

    def reachable_password_file(self, sockets: Path) -> Path:
        """The password file, or a link to it in the sockets' folder if its path is not UTF-8.

        A connection string is UTF-8 and cannot name any other path.
        """
        try:
            str(self.password_file).encode("utf-8")
        except UnicodeEncodeError:
            return sockets / PASSWORD_FILE
        return self.password_file

    @property
    def start_lock(self) -> Path:
        """Held by a user while it connects, so that only one user at a time starts a supervisor."""
        return self.directory / "start.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it runs; its children do not inherit it."""
        return self.directory / "supervisor.lock"

    @property
    def cluster_lock(self) -> Path:
        """Held by every process that works on the cluster, inherited by all children of postgres.

        A process that gets this lock knows that no process of an earlier server is alive.
        """
        return self.directory / "cluster.lock"

    @property
    def state(self) -> Path:
        """The state of the running supervisor for other commands; JSON."""
        return self.directory / "server.json"

    @property
    def log(self) -> Path:
        """The log of the server and the supervisor."""
        return self.directory / "server.log"
