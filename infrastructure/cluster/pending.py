"""Titles between the program and its workers: calls, requests and replies, and the threads that wait for titles."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from application.ports.sources import FetchedTitle
from domain.errors import Cancelled, FilmledgerError, Transient

_TITLE: Final = msgspec.msgpack.Decoder(FetchedTitle)
_POLL_SECONDS: Final = 0.1  # between two checks of the cancel event


class PickledCall:
    """A call as bytes: ``pickle.loads`` makes the call and gives its result.

    Dask unpickles a task's function and arguments when the message arrives. If a worker
    cannot do that, because it lacks a package or has loaded other code, the worker is
    closed with all its work; and the scheduler would need this program's code too. Bytes
    are only unpickled by the task.
    """

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call

    def packed(self) -> bytes:
        """Gives the bytes for ``pickle.loads`` in a process that has this program's code."""
        return pickle.dumps(self)


class TitleRequest(NamedTuple):
    """A title to read, with the number of HTTP requests that it may take at most."""

    imdb_id: str
    max_requests: int


class RateShare(NamedTuple):
    """The number of workers that share the rate limit; a higher ``version`` is newer."""

    version: int
    workers: int


class TitleReply(NamedTuple):
    """One title or the error in its place. MessagePack takes a quarter of pickle's time for many small objects."""

    imdb_id: str
    title: bytes
    error: bytes = b""

    @classmethod
    def of(cls, imdb_id: str, outcome: FetchedTitle | FilmledgerError) -> TitleReply:
        """Encodes a title or an error."""
        if isinstance(outcome, FilmledgerError):
            return cls(imdb_id, b"", pickle.dumps(outcome))
        return cls(imdb_id, msgspec.msgpack.encode(outcome))

    def outcome(self) -> FetchedTitle | FilmledgerError:
        """Decodes the title or the error; replies come from workers that run this program's code."""
        if not self.error:
            return _TITLE.decode(self.title)
        error: FilmledgerError = pickle.loads(self.error)  # noqa: S301
        return error


class PendingTitle:
    """A thread's wait for one title."""

    __slots__ = ("_given_up", "_lock", "_outcome", "_settled", "_taken", "tries", "wanted")

    def __init__(self, wanted: TitleRequest) -> None:
        self.wanted = wanted
        self.tries = 0  # workers it was lost on
        self._lock = threading.Lock()
        self._taken = False  # a worker has it
        self._given_up = False  # its thread waits no longer
        self._settled = threading.Event()
        self._outcome: FetchedTitle | FilmledgerError | None = None

    def settle(self, outcome: FetchedTitle | FilmledgerError) -> None:
        """Ends the wait; only the first outcome counts."""
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._settled.set()

    def take(self) -> bool:
        """Marks the title as given to a worker; false if its thread has stopped waiting."""
        with self._lock:
            self._taken = not self._given_up
            return self._taken

    def put_back(self) -> None:
        """Marks the title as lost by its worker."""
        with self._lock:
            self._taken = False

    def wait(self, cancel: threading.Event) -> FetchedTitle:
        """Waits for the title. After ``cancel`` is set, it waits only if a worker has the title.

        Raises:
            FilmledgerError: the error in place of the title, or Cancelled.
        """
        while not self._settled.wait(_POLL_SECONDS):
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


class PendingTitles:
    """The titles that threads wait for, and which of them no worker has. Thread-safe."""

    def __init__(self) -> None:
        self._open: set[PendingTitle] = set()
        self._waiting: deque[PendingTitle] = deque()
        self._changed = threading.Condition()
        self._end: FilmledgerError | None = None

    def title(self, wanted: TitleRequest, cancel: threading.Event) -> FetchedTitle:
        """Adds a title and waits for it.

        Raises:
            FilmledgerError: the error in place of the title, or Cancelled.
        """
        title = self.put(PendingTitle(wanted))
        try:
            return title.wait(cancel)
        finally:
            with self._changed:
                self._open.discard(title)

    def put(self, title: PendingTitle) -> PendingTitle:
        """Adds a title at the end; after ``close`` it is settled at once."""
        with self._changed:
            if self._end is None:
                self._open.add(title)
                self._waiting.append(title)
                self._changed.notify()
                return title
        title.settle(self._end)
        return title

    def put_back(self, pending: Iterable[PendingTitle]) -> None:
        """Puts titles back at the front, because their worker has gone."""
        with self._changed:
            for title in reversed(list(pending)):
                title.put_back()
                self._waiting.appendleft(title)
            self._changed.notify_all()

    def take(self, most: int, *, wait: bool, unless: threading.Event) -> list[PendingTitle]:
        """Takes the first titles; the list is empty if there are none.

        Args:
            most: number of titles at most.
            wait: wait until there is a title.
            unless: an event that ends the wait; call ``wake`` after setting it.
        """
        with self._changed:
            while True:
                taken: list[PendingTitle] = []
                while self._waiting and len(taken) < most and not unless.is_set():
                    title = self._waiting.popleft()
                    if title.take():
                        taken.append(title)
                if taken or not wait or self._end is not None or unless.is_set():
                    return taken
                self._changed.wait()

    def wake(self) -> None:
        """Wakes the threads in ``take``, so that they check their event."""
        with self._changed:
            self._changed.notify_all()

    def close(self, error: FilmledgerError) -> None:
        """Settles all titles with an error, also those that workers have and those added later."""
        with self._changed:
            if self._end is not None:
                return
            self._end = error
            abandoned, self._open = self._open, set()
            self._waiting.clear()
            self._changed.notify_all()
        for title in abandoned:
            title.settle(error)


class ClusterTitleSource:
    """A TitleSource whose titles are fetched and parsed by the workers of a Dask cluster."""

    def __init__(self, pending: PendingTitles) -> None:
        self._pending = pending

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if max_requests < 1:
            raise Transient(f"{imdb_id}: no request is left for it in this run")
        return self._pending.title(TitleRequest(imdb_id, max_requests), cancel)
