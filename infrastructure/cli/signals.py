"""Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from domain.errors import StoreUnavailable
from infrastructure.cli.exit_codes import Exit

_STOPPED: Final = b"filmledger: stopped at once; run the same command to continue\n"
_STOPPING: Final = "finishing requests in flight; press Ctrl-C again to stop now"


@contextmanager
def graceful_stop(cancel: threading.Event, announce: Callable[[str], None]) -> Iterator[threading.Event]:
    """Installs the handlers for the length of a run; must be called on the main thread.

    Python runs handlers on the main thread only: one may interrupt it while it
    holds the lock of an event or a stream, and does not run at all while it waits
    for a lock and the kernel gave the signal to another thread. So the signal's
    number goes into a pipe, and a thread does the rest.
    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd

    Args:
        cancel: set by the first signal; everything that waits watches it.
        announce: prints what happens now.

    Yields:
        An event that is set once a signal was received.

    Raises:
        KeyboardInterrupt: a wait for a store ended because of the signal.
    """
    interrupted = threading.Event()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def listen() -> None:
        while number := os.read(read_end, 1):
            if interrupted.is_set():
                with suppress(OSError):
                    # On a terminal the cursor stands at the end of the progress display.
                    os.write(2, (b"\n" if sys.stderr.isatty() else b"") + _STOPPED)
                os._exit(Exit.FAILED)  # half-written files are repaired when they are next opened
            interrupted.set()
            cancel.set()
            announce(f"{signal.Signals(number[0]).name}: {_STOPPING}")

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    # The pipe before the handlers, and after them at the end: a handler without it would lose the signal.
    woken_before = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    except StoreUnavailable as error:
        if not interrupted.is_set():
            raise
        announce(str(error))
        raise KeyboardInterrupt from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)
        os.close(write_end)  # ends the listener
        listener.join()
        os.close(read_end)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the number is in the pipe."""
