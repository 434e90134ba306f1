"""The process that runs the server for all its users and stops it after the last one.

It has a session of its own, so Ctrl-C in a terminal reaches neither it nor the
server. It runs with the standard library alone (``python -S``), which keeps it
small and quick to start. One thread, one loop; ``protocol`` describes its
messages.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

from infrastructure.stores.embedded import cluster, postmaster, privileges, protocol, socket_directory
from infrastructure.stores.embedded.file_lock import FileLock
from infrastructure.stores.embedded.layout import DATABASE, PORT, USER, ServerLayout
from infrastructure.stores.embedded.postmaster import Postmaster

_POLL_SECONDS = 0.005
_MAX_RESTARTS = 5  # consecutive restarts of a server that dies while it has users
_STEADY_SECONDS = 30.0  # a server that ran this long resets the count of restarts


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
        self._was_ready = False
        self._asked_to_stop = False
        self._supervisor_lock = FileLock(layout.supervisor_lock)
        self._cluster_lock = FileLock(layout.cluster_lock)
        self._wake, wake_end = socket.socketpair()
        self._wake_end = wake_end
        self._adopt(first)

    def run(self) -> None:
        """Runs until the last user has left."""
        self._handle_signals()
        last: list[socket.socket] = []
        try:
            if self._take_over():
                self._open()
                self._serve()
        except (cluster.ClusterError, privileges.CannotDrop, OSError) as error:
            self._tell({"state": protocol.FAILED, "message": str(error)})
            print(f"supervisor: {error}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log
        finally:
            last = self._shut()
        for user in last:
            protocol.send(user, {"state": protocol.STOPPED})

    # --- start ----------------------------------------------------------------------

    def _take_over(self) -> bool:
        """Waits until no process of an earlier server is alive; False if the users left meanwhile."""
        while not self._supervisor_lock.try_acquire():
            self._turn(0.02)
            if self._is_done():
                return False
        if not self._cluster_lock.try_acquire() and not postmaster.end_orphan(
            self._layout.cluster, self._cluster_lock.try_acquire
        ):
            raise cluster.ClusterError("an earlier server on this folder does not end; see server.log")
        return True

    def _open(self) -> None:
        """Accepts other users before the server is ready, so that they wait for it and do not start another."""
        self._identity = privileges.choose(self._layout.directory, self._layout.cluster, self._binaries)
        self._sockets = socket_directory.create(self._layout.directory, self._identity.owner)
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

    def _publish(self) -> None:
        temporary = self._layout.state.with_suffix(".tmp")
        temporary.write_text(json.dumps({"supervisor": os.getpid(), "sockets": str(self._sockets)}) + "\n")
        temporary.replace(self._layout.state)

    def _start_server(self) -> Postmaster:
        # The cluster lock shows that no process of an earlier server is alive. The id in this file can only
        # have been reused by another program, which postgres would mistake for a server.
        (self._layout.cluster / "postmaster.pid").unlink(missing_ok=True)
        self._server = Postmaster(
            cluster.server_command(self._layout, self._binaries, self._required_sockets()),
            self._identity,
            cluster.clean_environment(),
            sys.stderr.fileno(),
            keep_open=(self._cluster_lock.fileno(),),
        )
        return self._server

    # --- while it runs --------------------------------------------------------------

    def _serve(self) -> None:
        """Keeps a server running until the last user leaves; restarts one that dies meanwhile."""
        failures = 0
        while not self._is_done():
            started = time.monotonic()
            log_size = self._layout.log.stat().st_size
            server = self._start_server()
            while server.running:
                if not self._ready and server.is_ready(self._layout.cluster):
                    self._ready = True
                    self._was_ready = True
                    self._tell(self._ready_message())
                self._turn(None if self._ready else _POLL_SECONDS)
                if self._is_done():
                    return
            server.wait_for_children()
            self._server = None
            self._ready = False
            failures = 1 if time.monotonic() - started > _STEADY_SECONDS else failures + 1
            if failures > _MAX_RESTARTS or not self._was_ready:
                raise cluster.ClusterError("the server does not stay up: " + _complaint(self._layout.log, log_size))
            print("supervisor: the server ended; starting it again", file=sys.stderr, flush=True)  # noqa: T201

    def _turn(self, seconds: float | None) -> None:
        """Waits for an event, at most for the given time, and handles it."""
        for key, _ in self._selector.select(seconds):
            source = key.fileobj
            if source is self._listener and self._listener is not None:
                # A user that connects after the last one left, in the same iteration, is not accepted: closing the
                # listener refuses the connection, and that user starts a new server instead of joining this one.
                if not self._asked_to_stop:
                    connection, _ = self._listener.accept()
                    self._adopt(connection)
            elif source is self._wake:
                numbers = self._wake.recv(64)
                self._asked_to_stop |= any(number != signal.SIGCHLD for number in numbers)
            elif isinstance(source, socket.socket) and not _still_there(source):
                self._selector.unregister(source)
                self._users.discard(source)
                self._leave(source)

    def _leave(self, user: socket.socket) -> None:
        if self._users:
            protocol.send(user, {"state": protocol.LEFT})
            user.close()
        else:
            self._users.add(user)  # the last one gets its message when the server has stopped
            self._asked_to_stop = True

    def _adopt(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        connection.settimeout(5)
        self._users.add(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        if self._ready:
            protocol.send(connection, self._ready_message())

    def _is_done(self) -> bool:
        return self._asked_to_stop or not self._users

    def _ready_message(self) -> protocol.Message:
        return {
            "state": protocol.READY,
            "sockets": str(self._sockets),
            "port": PORT,
            "user": USER,
            "database": DATABASE,
            "version": cluster.version(self._layout.cluster) or "",
            "supervisor": os.getpid(),
            "server": 0 if self._server is None else self._server.pid,
        }

    def _tell(self, message: protocol.Message) -> None:
        for user in self._users:
            protocol.send(user, message)

    # --- stop -----------------------------------------------------------------------

    def _shut(self) -> list[socket.socket]:
        """Accepts no more users, stops the server and removes the sockets; returns the users still to be notified."""
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            self._server.end()
        if self._sockets is not None:
            socket_directory.remove(self._sockets, self._identity.owner)
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

    def _required_sockets(self) -> Path:
        if self._sockets is None:
            raise cluster.ClusterError("no folder for sockets")
        return self._sockets


def _still_there(user: socket.socket) -> bool:
    try:
        return bool(user.recv(64))
    except OSError:
        return False


def _complaint(log: Path, since: int) -> str:
    """The failure in the log after that size: the last one, else the last line; without its time stamp."""
    lines = log.read_bytes()[since:].decode(errors="replace").splitlines() or ["its log is empty"]
    failures = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return (failures or lines)[-1].split("] ", 1)[-1]


def main() -> None:
    """``supervisor DIRECTORY BINARIES DESCRIPTOR``; standard error is the log."""
    directory, binaries, descriptor = sys.argv[1:]
    os.umask(0o077)
    Supervisor(ServerLayout(Path(directory)), Path(binaries), socket.socket(fileno=int(descriptor))).run()


if __name__ == "__main__":
    main()
