"""Handles Ctrl-C and SIGTERM while the program waits for the database.

psycopg2 waits inside libpq, where Python handles no signal. For a user's query
the wait is done here instead, so that a signal at any moment cancels the
statement on the server. A signal is recorded and raised later: an exception
between two steps would leave the statement running on the server.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from psycopg2 import extensions
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class in all but name

from shared.threads import listening

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS: Final = 1.0  # the pipe wakes the wait; this limits it if another thread got the signal


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes a signal cancel the statements of the block; has no effect outside the main thread.

    Must not be used with COPY, for which psycopg2 does not use a wait callback.

    Raises:
        KeyboardInterrupt: a signal came during the block, at the latest at its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pipe = os.pipe()
    received: list[int] = []

    def record(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    def wait(connection: Connection) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            socket = connection.fileno()
            reading = state == extensions.POLL_READ
            select.select([pipe[0], socket] if reading else [pipe[0]], [] if reading else [socket], [], _POLL_SECONDS)
            if received and threading.current_thread() is threading.main_thread():  # the wait is set for all threads
                connection.cancel()
                raise KeyboardInterrupt

    for end in pipe:
        os.set_blocking(end, False)
    waited_before = extensions.get_wait_callback()
    woken_before = signal.set_wakeup_fd(pipe[1], warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, record) for number in _SIGNALS}
    extensions.set_wait_callback(wait)
    try:
        yield
    finally:
        extensions.set_wait_callback(waited_before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)
        for end in pipe:
            os.close(end)
    if received:
        raise KeyboardInterrupt


@contextmanager
def cancel_event(given: threading.Event | None) -> Iterator[threading.Event]:
    """The event that ends waits for the database: the given one, else one that Ctrl-C sets during the block.

    The second is for commands without a handler of their own. Python's handler raises KeyboardInterrupt only after the
    wait, which without the event ends with the server's answer.
    """
    ours = threading.current_thread() is threading.main_thread()
    if given is not None or not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield given or threading.Event()
        return
    event = threading.Event()

    def receive(number: int) -> None:
        if number == signal.SIGINT:
            event.set()

    with listening(receive):
        yield event
