"""Locks, waits, signals and memory of a program with many threads."""

from __future__ import annotations

import contextvars
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
_POLL_SECONDS: Final = 0.1
_M_ARENA_MAX: Final = -8  # malloc.h
_ARENAS: Final = 2


class KeyedLocks:
    """A lock for each key in use. Memory grows with the keys held at one time, not with all keys ever held."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # an unused lock is dropped

    def hold(self, key: str) -> threading.Lock:
        """The lock of a key, for a ``with`` statement; not reentrant."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


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


@contextmanager
def enter_in_background(
    manager: AbstractContextManager[T], *, abandon: Callable[[], None]
) -> Iterator[Callable[[], T]]:
    """Enters a context in a thread of its own while the block runs; the block calls the result when it needs it.

    An error of entering is raised by that call, at the latest at the end of the
    block. The context is left at the end of the block, on the block's thread.

    Args:
        manager: the context.
        abandon: called if the block fails before the context was entered; must end what entering waits for.
    """
    from concurrent.futures import ThreadPoolExecutor  # commands that only print something do without

    with ExitStack() as stack:
        executor = ThreadPoolExecutor(1, thread_name_prefix="background")
        entering: Future[T] = executor.submit(contextvars.copy_context().run, stack.enter_context, manager)
        executor.shutdown(wait=False)
        asked = False

        def result() -> T:
            nonlocal asked
            asked = True
            return entering.result()

        try:
            yield result
        except BaseException:
            abandon()
            entering.exception()  # the block's own error is the one to raise; waits until nothing is running
            raise
        if not asked:
            entering.result()


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


def limit_malloc_arenas() -> None:
    """Makes all threads share two heaps.

    glibc gives threads heaps of their own, up to eight a core, and each keeps the
    memory of its largest page. Two are as fast for fifty threads and need 60 MB
    less. With another C library, nothing is done.

    Source: https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
