"""Calls a function once an event is set, to end waits that do not check the event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_POLL_SECONDS: Final = 0.1


@contextmanager
def when_set(event: threading.Event, action: Callable[[], object]) -> Iterator[None]:
    """Calls a function from another thread, every tenth of a second from when the event is set until the block ends.

    Args:
        event: usually the cancel event of a command.
        action: ends the wait of the block, such as ``Connection.cancel`` of a database driver.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            if event.is_set():
                action()

    watcher = threading.Thread(target=watch, name="when-set", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
