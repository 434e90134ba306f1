"""Ctrl-C and SIGTERM: the first asks the run to stop, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from infrastructure.cli.exit_codes import Exit


@contextmanager
def graceful_stop(cancel: threading.Event, announce: Callable[[str], None]) -> Iterator[threading.Event]:
    """Install the handlers for the length of a run; must be called on the main thread.

    A handler of Python's runs on the main thread alone: it may come while that
    holds the very lock an event or a stream needs, and not at all while it waits
    for one and the kernel gave the signal to another thread. So the signal's
    number goes into a pipe at once, and a thread does the rest.
    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd

    Args:
        cancel: set by the first signal; everything that waits watches it.
        announce: tells the user what happens now.

    Yields:
        An event that is set once a signal has come.
    """
    interrupted = threading.Event()
    heard, heard_from = os.pipe()
    os.set_blocking(heard_from, False)

    def listen() -> None:
        while number := os.read(heard, 1):
            if interrupted.is_set():
                if sys.stderr.isatty():
                    os.write(2, b"\n")  # the cursor stands at the end of the progress display
                os._exit(Exit.FAILED)  # half-written files are repaired when they are next opened
            interrupted.set()
            cancel.set()
            name = signal.Signals(number[0]).name
            announce(f"{name}: finishing requests in flight; press Ctrl-C again to stop now")

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    before = {number: signal.signal(number, _nothing) for number in (signal.SIGINT, signal.SIGTERM)}
    woken_before = signal.set_wakeup_fd(heard_from)
    try:
        yield interrupted
    finally:
        signal.set_wakeup_fd(woken_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(heard_from)  # ends the listener
        listener.join()
        os.close(heard)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The number has gone into the pipe already."""
