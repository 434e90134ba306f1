"""Starts the server process, checks whether it is ready, and stops it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infrastructure.stores.embedded.kernel import signal_on_parent_death
from infrastructure.stores.embedded.privileges import Identity

_PID_LINE, _STATUS_LINE = 0, 7  # of postmaster.pid; src/include/utils/pidfile.h
_LAST_CHILD_SECONDS = 30.0
# How a server is ended: the signal, and the seconds to wait before the next one.
_FAST_THEN_HARDER = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))


class Postmaster:
    """A server process, running or ended.

    All its processes inherit the writing end of a pipe; when the reading end reports
    end of file, the last of them has ended. After a crash they outlive their parent
    for a moment, and a new server must not start before they have ended.
    """

    def __init__(
        self,
        command: list[str],
        identity: Identity,
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
            signal_on_parent_death(signal.SIGINT)

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


def recorded_pid(cluster: Path) -> int | None:
    """The process id in postmaster.pid, whether that process is alive or not."""
    lines = _pid_file(cluster)
    return int(lines[_PID_LINE]) if lines and lines[_PID_LINE].strip().isdigit() else None


def end_orphan(cluster: Path, gone: Callable[[], bool]) -> bool:
    """Ends a server whose supervisor died without the kernel's signal; True when ``gone`` confirms the end.

    The process id may have been reused by another program, so signals are only sent
    to a process that is a postgres.
    """
    pid = recorded_pid(cluster)
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
