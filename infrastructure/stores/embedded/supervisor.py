"""The process that runs the server for all its users and stops it after the last one.

It has a session of its own, so Ctrl-C in a terminal reaches neither it nor the
server. It runs with the standard library alone (``python -S``), which keeps it
small and quick to start. One thread, one loop.

A user keeps a stream socket to it open as long as it needs the server; the
kernel closes it when the user ends, for any reason. The supervisor writes one
line of JSON with ``state``: ``ready`` once the server accepts connections, also
after a restart, or ``failed`` with a message if it cannot start. A user leaves
by closing its sending side. The last one gets ``stopped`` when the server has
stopped; for the others the connection is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infrastructure.stores.embedded import cluster, privileges
from infrastructure.stores.embedded.layout import (
    FAILED,
    READY,
    STOPPED,
    FileLock,
    ServerLayout,
    create_socket_directory,
    remove_socket_directory,
)
from shared.atomic import write_atomically

_POLL_SECONDS = 0.005
_MAX_RESTARTS = 5  # consecutive restarts of a server that dies while it has users
_STEADY_SECONDS = 30.0  # a server that ran this long resets the count of restarts
_PID_LINE, _STATUS_LINE = 0, 7  # of postmaster.pid; src/include/utils/pidfile.h
_LAST_CHILD_SECONDS = 30.0
# How a server is ended: the signal, and the seconds to wait before the next one.
_FAST_THEN_HARDER = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))


class Supervisor:
    """Runs one server for its users.

    Args:
        layout: where the files lie; the folder exists.
        binaries: the folder of PostgreSQL's programs.
        first: the connection of the user that started the supervisor.
    """

    def __init__(self, layout: ServerLayout, binaries: Path, first: socket.socket) -> None:
        self._layout = layout
        self._binaries = binaries
        self._selector = selectors.DefaultSelector()
        self._users: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._sockets: Path | None = None
        self._identity = privileges.Identity(os.geteuid(), lambda: None)
        self._server: Postmaster | None = None
        self._ready = False
        self._asked_to_stop = False
        self._supervisor_lock = FileLock(layout.supervisor_lock)
        self._cluster_lock = FileLock(layout.cluster_lock)
        self._wake, self._wake_end = socket.socketpair()
        self._add_user(first)

    def run(self) -> None:
        """Runs until the last user has left."""
        self._handle_signals()
        last: list[socket.socket] = []
        try:
            if self._take_over():
                self._serve(self._open())
        except (cluster.ClusterError, privileges.CannotDrop, OSError) as error:
            self._notify_all({"state": FAILED, "message": str(error)})
            print(f"supervisor: {error}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log
        finally:
            last = self._shut()
        for user in last:
            _send(user, {"state": STOPPED})

    # --- start ----------------------------------------------------------------------

    def _take_over(self) -> bool:
        """Waits until no process of an earlier server is alive; False if the users left meanwhile."""
        while not self._supervisor_lock.try_acquire():
            self._handle_events(0.02)
            if self._is_done():
                return False
        if not self._cluster_lock.try_acquire() and not _end_orphan(
            self._layout.cluster, self._cluster_lock.try_acquire
        ):
            raise cluster.ClusterError("an earlier server on this folder does not end; see server.log")
        return True

    def _open(self) -> Path:
        """Accepts other users before the server is ready, so that they wait for it and do not start another.

        Returns:
            The folder of the sockets.
        """
        self._identity = privileges.choose(self._layout.directory, self._layout.cluster, self._binaries)
        self._sockets = create_socket_directory(self._layout.directory, self._identity.owner)
        if (link := self._layout.reachable_password_file(self._sockets)) != self._layout.password_file:
            link.symlink_to(self._layout.password_file.absolute())
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._sockets / "supervisor"))
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        if os.geteuid() == 0:
            os.chown(self._sockets, self._identity.owner, -1)
        self._publish()
        cluster.remove_unfinished(self._layout)
        if cluster.version(self._layout.cluster) is None:
            cluster.create(self._layout, self._binaries, self._identity, keep_open=(self._cluster_lock.fileno(),))
        return self._sockets

    def _publish(self) -> None:
        state = {"supervisor": os.getpid(), "sockets": str(self._sockets)}
        write_atomically(self._layout.state, json.dumps(state) + "\n", durable=False)

    def _start_server(self, sockets: Path) -> Postmaster:
        # The cluster lock shows that no process of an earlier server is alive. The id in this file can only
        # have been reused by another program, which postgres would mistake for a server.
        (self._layout.cluster / "postmaster.pid").unlink(missing_ok=True)
        self._server = Postmaster(
            cluster.server_command(self._layout, self._binaries, sockets),
            self._identity,
            cluster.clean_environment(),
            sys.stderr.fileno(),
            keep_open=(self._cluster_lock.fileno(),),
        )
        return self._server

    # --- while it runs --------------------------------------------------------------

    def _serve(self, sockets: Path) -> None:
        """Keeps a server running until the last user leaves; restarts one that dies meanwhile."""
        failures, was_ready = 0, False
        while not self._is_done():
            started = time.monotonic()
            log_size = self._layout.log.stat().st_size
            server = self._start_server(sockets)
            while server.running:
                if not self._ready and server.is_ready(self._layout.cluster):
                    self._ready = True
                    was_ready = True
                    self._notify_all(self._ready_message())
                self._handle_events(None if self._ready else _POLL_SECONDS)
                if self._is_done():
                    return
            server.wait_for_children()
            self._server = None
            self._ready = False
            failures = 1 if time.monotonic() - started > _STEADY_SECONDS else failures + 1
            if failures > _MAX_RESTARTS or not was_ready:
                raise cluster.ClusterError(
                    "the server does not stay up: " + _failure_in_log(self._layout.log, log_size)
                )
            print("supervisor: the server ended; starting it again", file=sys.stderr, flush=True)  # noqa: T201

    def _handle_events(self, seconds: float | None) -> None:
        """Waits for an event, at most for the given time, and handles it."""
        for key, _ in self._selector.select(seconds):
            source = key.fileobj
            if source is self._listener and self._listener is not None:
                # A user that connects after the last one left, in the same iteration, is not accepted: closing the
                # listener refuses the connection, and that user starts a new server instead of joining this one.
                if not self._asked_to_stop:
                    connection, _ = self._listener.accept()
                    self._add_user(connection)
            elif source is self._wake:
                numbers = self._wake.recv(64)
                self._asked_to_stop |= any(number != signal.SIGCHLD for number in numbers)
            elif isinstance(source, socket.socket) and not _still_there(source):
                self._selector.unregister(source)
                self._users.discard(source)
                self._leave(source)

    def _leave(self, user: socket.socket) -> None:
        if self._users:
            user.close()
        else:
            self._users.add(user)  # the last one gets its message when the server has stopped
            self._asked_to_stop = True

    def _add_user(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        connection.settimeout(5)
        self._users.add(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        if self._ready:
            _send(connection, self._ready_message())

    def _is_done(self) -> bool:
        return self._asked_to_stop or not self._users

    def _ready_message(self) -> dict[str, object]:
        return {
            "state": READY,
            "sockets": str(self._sockets),
            "supervisor": os.getpid(),
            "server": 0 if self._server is None else self._server.pid,
        }

    def _notify_all(self, message: dict[str, object]) -> None:
        for user in self._users:
            _send(user, message)

    # --- stop -----------------------------------------------------------------------

    def _shut(self) -> list[socket.socket]:
        """Accepts no more users, stops the server and removes the sockets; returns the users still to be notified."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            self._server.end()
        if self._sockets is not None:
            remove_socket_directory(self._sockets, self._identity.owner)
            self._layout.state.unlink(missing_ok=True)
        self._cluster_lock.release()
        self._supervisor_lock.release()
        return list(self._users)

    def _handle_signals(self) -> None:
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._wake_end.setblocking(False)
        signal.set_wakeup_fd(self._wake_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _send(user: socket.socket, message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the user has ended
        user.sendall(json.dumps(message).encode() + b"\n")


def _still_there(user: socket.socket) -> bool:
    try:
        return bool(user.recv(64))
    except OSError:
        return False


def _failure_in_log(log: Path, since: int) -> str:
    """The failure in the log after that size: the last one, else the last line; without its time stamp."""
    lines = log.read_bytes()[since:].decode(errors="replace").splitlines() or ["its log is empty"]
    failures = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return (failures or lines)[-1].split("] ", 1)[-1]


# --- the server process ---------------------------------------------------------------


class Postmaster:
    """A server process, running or ended.

    All its processes inherit the writing end of a pipe; when the reading end reports
    end of file, the last of them has ended. After a crash they outlive their parent
    for a moment, and a new server must not start before they have ended.
    """

    def __init__(
        self,
        command: list[str],
        identity: privileges.Identity,
        environment: dict[str, str],
        log: int,
        *,
        keep_open: tuple[int, ...],
    ) -> None:
        """Starts it; it shuts down (fast) if this process dies.

        Args:
            log: file descriptor for its messages.
            keep_open: descriptors that it and all its children inherit.
        """

        def prepare() -> None:
            identity.assume()
            privileges.signal_on_parent_death(signal.SIGINT)

        self._lifeline, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the program is ours, the arguments a list
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                pass_fds=(*keep_open, theirs),
                preexec_fn=prepare,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(theirs)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server process runs; its children may outlive it for a moment."""
        return self._process.poll() is None

    def is_ready(self, cluster: Path) -> bool:
        """Whether the server reports that it accepts connections."""
        lines = _pid_file(cluster)
        if len(lines) <= _STATUS_LINE or lines[_PID_LINE].strip() != str(self.pid):
            return False
        return lines[_STATUS_LINE].strip() == "ready"

    def end(self) -> None:
        """Shuts down (fast) and waits until all its processes have ended; sends stronger signals if they do not end."""
        for number, seconds in _FAST_THEN_HARDER:
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            break
        self.wait_for_children()

    def wait_for_children(self) -> None:
        """Waits until the last of its processes has ended, for a limited time."""
        select.select([self._lifeline], [], [], _LAST_CHILD_SECONDS)
        os.close(self._lifeline)


def _end_orphan(cluster: Path, gone: Callable[[], bool]) -> bool:
    """Ends a server whose supervisor died without the kernel's signal; True when ``gone`` confirms the end.

    The process id may have been reused by another program, so signals are only sent
    to a process that is a postgres.
    """
    recorded = (_pid_file(cluster) or [""])[_PID_LINE].strip()
    pid = int(recorded) if recorded.isdigit() else None
    for number, seconds in _FAST_THEN_HARDER:
        if pid is not None and _is_postgres(pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pid = None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if gone():
                return True
            time.sleep(0.02)
    return gone()


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _is_postgres(pid: int) -> bool:
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
        except OSError:
            return False
    shown = subprocess.run(["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
    return Path(shown.stdout.strip()).name == "postgres"


def main() -> None:
    """``supervisor DIRECTORY BINARIES DESCRIPTOR``; standard error is the log."""
    directory, binaries, descriptor = sys.argv[1:]
    os.umask(0o077)
    Supervisor(ServerLayout(Path(directory)), Path(binaries), socket.socket(fileno=int(descriptor))).run()


if __name__ == "__main__":
    main()
