"""What the program does while a user waits: code announces it, and a display listens.

As with logging, there is one listener in the process: a database that starts
does not need to know which command has started it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

Listener: TypeAlias = Callable[[str], AbstractContextManager[None]]
_listener: Listener | None = None


@contextmanager
def activity(name: str) -> Iterator[None]:
    """Announces ``name``, such as ``starting PostgreSQL``, while the block runs; on any thread."""
    with nullcontext() if _listener is None else _listener(name):
        yield


def listen(listener: Listener | None) -> None:
    """Calls ``listener`` with every activity from now on; ``None``: none is shown."""
    global _listener
    _listener = listener
