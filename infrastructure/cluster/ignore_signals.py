"""A preload for workers on this machine: they ignore SIGINT and SIGTERM, and the program stops them.

A terminal sends Ctrl-C to all processes started from it, and a service manager sends
SIGTERM to all processes of a service. Workers that ended then would lose their titles.
"""

from __future__ import annotations

import signal

from distributed import Worker


def dask_setup(_worker: Worker) -> None:
    """Ignores the signals; Dask calls it on the main thread of the worker's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
