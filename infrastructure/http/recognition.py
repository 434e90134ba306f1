"""How many pages in a row held nothing that was recognised."""

from __future__ import annotations

import threading
from typing import Final

from infrastructure.http.scope import Scope

MANY: Final = 10  # in a row, which is a block by another name


class Recognition:
    """Counts unrecognised pages per scope; called from many threads at once.

    Each thread reads its pages one after the other, so a page that the thread
    has not complained of by the time it asks for the next one was recognised.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self._in_a_row: dict[Scope, int] = {}

    def fetched(self, scope: Scope) -> None:
        """This thread was given another page."""
        pending: set[Scope] = self._pending()
        if scope in pending:
            with self._lock:
                self._in_a_row.pop(scope, None)
        pending.add(scope)

    def unrecognised(self, scope: Scope) -> int:
        """Nothing was recognised in this thread's last page; answers how many there were in a row."""
        self._pending().discard(scope)
        with self._lock:
            self._in_a_row[scope] = self._in_a_row.get(scope, 0) + 1
            return self._in_a_row[scope]

    def _pending(self) -> set[Scope]:
        pending: set[Scope] | None = getattr(self._local, "pending", None)
        if pending is None:
            pending = self._local.pending = set()
        return pending
