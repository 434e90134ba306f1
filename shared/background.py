"""Enters a context in the background."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

T = TypeVar("T")


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
