"""Signals received on a thread of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def listening(receive: Callable[[int], object]) -> Iterator[None]:
    """Calls a function with the number of each signal that arrives while the block runs.

    Python runs handlers on the main thread only: one may interrupt it while it
    holds the lock of an event or a stream, and does not run at all while it waits
    inside a library, or for a lock while the kernel gave the signal to another
    thread. So the signal's number goes into a pipe, and another thread calls the
    function. Only signals that have a Python handler arrive.
    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd

    Args:
        receive: called on the other thread, once for each signal.

    Raises:
        ValueError: this is not the main thread.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def listen() -> None:
        while number := os.read(read_end, 1):
            receive(number[0])

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    woken_before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken_before)
        os.close(write_end)  # ends the listener
        listener.join()
        os.close(read_end)
