"""Loaded by workers on this machine at their start: Ctrl-C means the program, which stops them when it is ready to.

A terminal sends Ctrl-C to all that was started from it, and a service manager
SIGTERM to all processes of a service. Workers that ended then would take the
titles under way with them. They end when the program asks, and with it.
"""

from __future__ import annotations

import signal

from distributed import Worker


def dask_setup(_worker: Worker) -> None:
    """Called by Dask on the main thread of the worker's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
