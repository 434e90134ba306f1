"""The files of an embedded server: their paths, locks, and the folder of its sockets. Standard library only."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

USER = "filmledger"
DATABASE = "filmledger"
PORT = 5432  # names the socket file only; nothing listens on TCP
READY, FAILED, STOPPED = "ready", "failed", "stopped"  # states in the supervisor's messages to its users
PASSWORD_FILE = "pgpass"  # noqa: S105 - the file's name
_POLL_SECONDS = 0.02
_LONGEST = 103 - len("/.s.PGSQL.65535")
_PREFIX = "filmledger-"


class ServerLayout:
    """The paths in the folder of one embedded server, mode 0700.

    Attributes:
        cluster: PostgreSQL's own data directory; either complete or absent.
        password_file: the generated password in libpq's passfile format, mode 0600.
            https://www.postgresql.org/docs/current/libpq-pgpass.html
        start_lock: held by a user while it connects, so that only one user at a time starts a supervisor.
        supervisor_lock: held by the supervisor as long as it runs; its children do not inherit it.
        cluster_lock: held by every process that works on the cluster, inherited by all children of postgres.
            A process that gets this lock knows that no process of an earlier server is alive.
        state: the state of the running supervisor for other commands; JSON.
        log: of the server and the supervisor.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cluster = directory / "cluster"
        self.password_file = self.cluster / PASSWORD_FILE
        self.start_lock = directory / "start.lock"
        self.supervisor_lock = directory / "supervisor.lock"
        self.cluster_lock = directory / "cluster.lock"
        self.state = directory / "server.json"
        self.log = directory / "server.log"

    def reachable_password_file(self, sockets: Path) -> Path:
        """The password file, or a link to it in the sockets' folder if its path is not UTF-8.

        A connection string is UTF-8 and cannot name any other path.
        """
        try:
            str(self.password_file).encode("utf-8")
        except UnicodeEncodeError:
            return sockets / PASSWORD_FILE
        return self.password_file


class FileLock:
    """An exclusive lock on ``path``. The file is created if necessary and never removed.

    flock(2) belongs to the open file description, so a child process that inherits
    the descriptor holds the lock too. The embedded server depends on this, and lock
    libraries hide it. The kernel releases it when the last holder dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def fileno(self) -> int:
        """The locked descriptor, for child processes."""
        if self._descriptor is None:
            raise ValueError(f"{self.path} is not locked")
        return self._descriptor

    def try_acquire(self) -> bool:
        """Takes the lock if it is free.

        Raises:
            OSError: the file cannot be opened.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def acquire(self, *, seconds: float, wait: Callable[[float], object]) -> bool:
        """Takes the lock, retrying until it is free.

        Args:
            seconds: gives up after this time and returns False.
            wait: called between two attempts with the seconds to wait; a true result gives up at once.
        """
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() > deadline or wait(_POLL_SECONDS):
                return False
        return True

    def release(self) -> None:
        """Releases the lock, unless a child process still holds it. May be called again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def create_socket_directory(data_directory: Path, owner: int) -> Path:
    """Creates an empty folder, mode 0700, owned by this process or by the user id that the server will run as.

    A socket's path may have 103 bytes (104 on macOS, 108 on Linux, with the end
    mark), and the path of a data directory can be longer, so the sockets lie in the
    temporary folder. The name is derived from the data directory's inode: a server
    that starts after a crash reuses the folder. If another user owns that name, a
    random one is used. Users read the path from the supervisor's state file.

    Raises:
        OSError: the temporary folder cannot be written.
    """
    status = data_directory.stat()
    name = f"{_PREFIX}{os.geteuid()}-{status.st_dev:x}-{status.st_ino:x}"
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base)) + 1 + len(name) > _LONGEST:
        base = Path("/tmp")  # noqa: S108 - the folder made in it is private
    chosen = base / name
    try:
        chosen.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_private(chosen, owner):
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        _empty(chosen)
    return chosen


def remove_socket_directory(directory: Path, owner: int) -> None:
    """Removes what ``create_socket_directory`` made, unless it does not exist or belongs to another user."""
    if _is_private(directory, owner) and directory.name.startswith(_PREFIX):
        shutil.rmtree(directory)


def _is_private(directory: Path, owner: int) -> bool:
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700
    return private and status.st_uid in (os.geteuid(), owner)


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        entry.unlink()
