"""A context that is entered while its user is still busy with something else."""

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
    """Enter a context in a thread of its own; the block goes on, and asks for what it gives when it is needed.

    What entering raises is raised where it is asked for, at the latest at the end
    of the block. There the context is left, on the block's thread.

    Args:
        manager: the context.
        abandon: called if the block fails before it was entered: ends what entering waits for.
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
            entering.exception()  # the block's own error is the one to tell; nothing is left under way
            raise
        if not asked:
            entering.result()
