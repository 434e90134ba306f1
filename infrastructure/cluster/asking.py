"""Titles that threads of the run wait for, in the order in which they asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from application.ports import FetchedTitle
from domain.errors import Cancelled, FilmledgerError
from infrastructure.cluster.wire import Wanted

_LOOK_SECONDS = 0.1  # between two looks at the cancel event


class Ask:
    """A thread's wait for one title."""

    __slots__ = ("_given_up", "_lock", "_outcome", "_settled", "_taken", "tries", "wanted")

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.tries = 0  # workers it was lost on
        self._lock = threading.Lock()
        self._taken = False  # a worker has it
        self._given_up = False  # nobody waits any more
        self._settled = threading.Event()
        self._outcome: FetchedTitle | FilmledgerError | None = None

    def settle(self, outcome: FetchedTitle | FilmledgerError) -> None:
        """End the wait; the first to do so is right."""
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._settled.set()

    def take(self) -> bool:
        """Let a worker have it; not if nobody waits for it any more."""
        with self._lock:
            self._taken = not self._given_up
            return self._taken

    def put_back(self) -> None:
        """The worker has lost it."""
        with self._lock:
            self._taken = False

    def wait(self, cancel: threading.Event) -> FetchedTitle:
        """The title. Once cancelled, only what a worker has already is waited for.

        Raises:
            FilmledgerError: what it was settled with, or Cancelled.
        """
        while not self._settled.wait(_LOOK_SECONDS):
            if cancel.is_set() and self._give_up():
                raise Cancelled(f"{self.wanted.imdb_id}: stopped")
        if isinstance(self._outcome, FetchedTitle):
            return self._outcome
        assert self._outcome is not None  # noqa: S101 - settled means that there is one
        raise self._outcome

    def _give_up(self) -> bool:
        with self._lock:
            self._given_up = not self._taken and self._outcome is None
            return self._given_up


class Asks:
    """All that are open, and which of them no worker has. Used by many threads."""

    def __init__(self) -> None:
        self._open: set[Ask] = set()
        self._waiting: deque[Ask] = deque()
        self._changed = threading.Condition()
        self._end: FilmledgerError | None = None

    def title(self, wanted: Wanted, cancel: threading.Event) -> FetchedTitle:
        """Ask for a title and wait for it.

        Raises:
            FilmledgerError: what came instead of it, or Cancelled.
        """
        ask = self.put(Ask(wanted))
        try:
            return ask.wait(cancel)
        finally:
            with self._changed:
                self._open.discard(ask)

    def put(self, ask: Ask) -> Ask:
        """Add one at the end; once closed it is settled at once."""
        with self._changed:
            if self._end is None:
                self._open.add(ask)
                self._waiting.append(ask)
                self._changed.notify()
                return ask
        ask.settle(self._end)
        return ask

    def put_back(self, asks: Iterable[Ask]) -> None:
        """Return some to the front: their worker has gone."""
        with self._changed:
            for ask in reversed(list(asks)):
                ask.put_back()
                self._waiting.appendleft(ask)
            self._changed.notify_all()

    def take(self, most: int, *, wait: bool, unless: threading.Event) -> list[Ask]:
        """The first ones; empty if there are none.

        Args:
            most: how many.
            wait: whether to wait until there is one.
            unless: once set, and ``wake`` called, waiting ends.
        """
        with self._changed:
            while True:
                taken: list[Ask] = []
                while self._waiting and len(taken) < most and not unless.is_set():
                    ask = self._waiting.popleft()
                    if ask.take():
                        taken.append(ask)
                if taken or not wait or self._end is not None or unless.is_set():
                    return taken
                self._changed.wait()

    def wake(self) -> None:
        """Let all who wait in ``take`` look at their event."""
        with self._changed:
            self._changed.notify_all()

    def close(self, error: FilmledgerError) -> None:
        """Settle all with an error, those that a worker has and those to come as well."""
        with self._changed:
            if self._end is not None:
                return
            self._end = error
            abandoned, self._open = self._open, set()
            self._waiting.clear()
            self._changed.notify_all()
        for ask in abandoned:
            ask.settle(error)
