"""Activities that a user waits for: code announces them, and a display shows them.

As with logging, there is one listener in the process, so that a starting
database does not depend on the command.
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
