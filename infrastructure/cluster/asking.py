"""Titles that threads of the run wait for, in the order in which they asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from application.ports import Title
from domain.errors import Cancelled, FilmledgerError
from infrastructure.cluster.wire import Wanted

_LOOK_SECONDS = 0.1  # between two looks at the cancel event


class Ask:
    """A thread's wait for one title."""

    __slots__ = ("_outcome", "_settled", "given_up", "tries", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.tries = 0  # workers it was lost on
        self.given_up = False  # nobody waits any more
        self._settled = threading.Event()
        self._outcome: Title | FilmledgerError | None = None

    def settle(self, outcome: Title | FilmledgerError) -> None:
        """End the wait."""
        self._outcome = outcome
        self._settled.set()

    def wait(self, cancel: threading.Event) -> Title:
        """The title.

        Raises:
            FilmledgerError: what it was settled with, or Cancelled.
        """
        while not self._settled.wait(_LOOK_SECONDS):
            if cancel.is_set():
                self.given_up = True
                raise Cancelled(f"{self.wanted.imdb_id}: stopped")
        if isinstance(self._outcome, Title):
            return self._outcome
        assert self._outcome is not None  # noqa: S101 - settled means that there is one
        raise self._outcome


class Asks:
    """Those that no worker has yet. Used by many threads."""

    def __init__(self) -> None:
        self._waiting: deque[Ask] = deque()
        self._changed = threading.Condition()
        self._end: FilmledgerError | None = None

    def put(self, ask: Ask) -> None:
        """Add one at the end; once closed it is settled at once."""
        with self._changed:
            if self._end is None:
                self._waiting.append(ask)
                self._changed.notify()
                return
        ask.settle(self._end)

    def put_back(self, asks: Iterable[Ask]) -> None:
        """Return some to the front: their worker has gone."""
        for ask in reversed(list(asks)):
            with self._changed:
                if self._end is None:
                    self._waiting.appendleft(ask)
                    self._changed.notify()
                    continue
            ask.settle(self._end)

    def take(self, most: int, *, wait: bool, unless: threading.Event) -> list[Ask]:
        """The first ones; empty if there are none.

        Args:
            most: how many.
            wait: whether to wait until there is one.
            unless: once set, and ``wake`` called, waiting ends.
        """
        with self._changed:
            while wait and not self._waiting and self._end is None and not unless.is_set():
                self._changed.wait()
            taken: list[Ask] = []
            while self._waiting and len(taken) < most and not unless.is_set():
                ask = self._waiting.popleft()
                if not ask.given_up:
                    taken.append(ask)
            return taken

    def wake(self) -> None:
        """Let all who wait in ``take`` look at their event."""
        with self._changed:
            self._changed.notify_all()

    def close(self, error: FilmledgerError) -> None:
        """Settle all with an error, and all to come."""
        with self._changed:
            if self._end is not None:
                return
            self._end = error
            waiting, self._waiting = self._waiting, deque()
            self._changed.notify_all()
        for ask in waiting:
            ask.settle(error)
