"""Runs a command and says what it took, all of its processes together. Linux.

    python -S -m tests.benchmarks.meter REPORT.json COMMAND [ARGUMENT ...]

CPU is the kernel's own account of every process that the command left behind:
this one adopts orphans and waits for all of them. Memory is the sum of their
proportional set sizes (PSS: shared pages are counted once, divided among those
who share them), looked at five times a second. Standard library only, so that
the meter itself is small.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_LOOK_SECONDS = 0.2
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> None:
    """Run the command, write the report, end as the command ended."""
    report, command = Path(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    watch = ChildWatch()
    began = time.monotonic()
    child = subprocess.Popen(command)
    peak, most = 0, 0
    code, wall, cpu = None, 0.0, 0.0
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break  # nobody is left
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
            if pid == child.pid:
                wall, code = time.monotonic() - began, os.waitstatus_to_exitcode(status)
            continue
        memory = [size for process in descendants(os.getpid()) if (size := proportional_size(process))]
        peak, most = max(peak, sum(memory)), max(most, len(memory))
        watch.wait(_LOOK_SECONDS)
    report.write_text(
        json.dumps(
            {
                "wall_seconds": round(wall, 4),
                "cpu_seconds": round(cpu, 4),
                "peak_mb": round(peak / 1e6, 1),
                "processes": most,
                "exit_code": code,
            }
        )
    )
    sys.exit(code)


def descendants(root: int) -> list[int]:
    """All processes below one."""
    found = [root]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue  # it has just ended
    return found[1:]


def proportional_size(pid: int) -> int:
    """Bytes of memory that a process answers for; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


class ChildWatch:
    """Wakes when a child ends."""

    def __init__(self) -> None:
        self._wake, self._end = socket.socketpair()
        for each in (self._wake, self._end):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._end.fileno())

    def wait(self, seconds: float) -> None:
        """Until a child ends, at most so long."""
        if select.select([self._wake], [], [], seconds)[0]:
            self._wake.recv(4096)


if __name__ == "__main__":
    main()
