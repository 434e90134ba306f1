"""Ctrl-C and SIGTERM: the first stops the run in order, the second ends the process."""

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
from shared.threads import listening

_STOPPED: Final = b"filmledger: stopped at once; run the same command to continue\n"
_STOPPING: Final = "finishing requests in flight; press Ctrl-C again to stop now"


@contextmanager
def graceful_stop(cancel: threading.Event, announce: Callable[[str], None]) -> Iterator[threading.Event]:
    """Installs the handlers for the length of a run; must be called on the main thread.

    Args:
        cancel: set by the first signal; ends every wait.
        announce: prints what happens now.

    Yields:
        An event that is set once a signal was received.

    Raises:
        KeyboardInterrupt: a wait for a store ended because of the signal.
    """
    interrupted = threading.Event()

    def receive(number: int) -> None:
        if interrupted.is_set():
            with suppress(OSError):
                # On a terminal the cursor is at the end of the progress display.
                os.write(2, (b"\n" if sys.stderr.isatty() else b"") + _STOPPED)
            os._exit(Exit.FAILED)  # half-written files are repaired when they are next opened
        interrupted.set()
        cancel.set()
        announce(f"{signal.Signals(number).name}: {_STOPPING}")

    # The listener begins before the handlers and ends after them: a handler without it would lose the signal.
    with listening(receive):
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


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Does nothing, because the listener receives the number."""
