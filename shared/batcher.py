"""Gathers items of many threads into few calls, as the group commit of a database does.

While one call runs, the items of other threads gather, and the next call takes
them together. A single item is passed on at once. ``Batcher`` makes the calls on
the submitting threads; ``BackgroundBatcher`` has a thread of its own for them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``; the last one may be shorter."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


class _Entry(Generic[T, R]):
    __slots__ = ("batch", "error", "item", "result", "wake")

    def __init__(self, item: T) -> None:
        self.item = item
        # A lock that is released once and awaited by one thread: an event costs several times as much.
        self.wake = threading.Lock()
        self.wake.acquire()
        self.batch: list[_Entry[T, R]] = []  # items this thread flushes, its own first; empty: it only waits
        self.result: R | None = None
        self.error: BaseException | None = None


class Batcher(Generic[T, R]):
    """Gathers concurrent calls of ``submit`` into calls of ``flush``.

    Args:
        flush: takes the items in order of arrival and returns one result or one
            exception for each, in the same order; what it raises is raised for all.
        max_batch: items in one call, at most.
        max_concurrency: how many calls of ``flush`` may run at the same time.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[T]], Sequence[R | Exception]],
        *,
        max_batch: int,
        max_concurrency: int = 1,
    ) -> None:
        self._flush = flush
        self._max_batch = max_batch
        self._free = max_concurrency
        self._lock = threading.Lock()
        self._waiting: deque[_Entry[T, R]] = deque()

    def submit(self, item: T) -> R:
        """Submits one item and waits for its result.

        Raises:
            Exception: what ``flush`` returned or raised for it.
        """
        entry: _Entry[T, R] = _Entry(item)
        with self._lock:
            self._waiting.append(entry)
            if self._free:
                self._free -= 1
                self._appoint()
        entry.wake.acquire()
        if entry.batch:
            self._run(entry.batch)
        if entry.error is not None:
            raise entry.error
        return entry.result  # type: ignore[return-value]  # settled without an error means a result

    def _appoint(self) -> None:
        """Gives the next batch to the thread of its first item; called with the lock held and a call counted."""
        batch = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
        batch[0].batch = batch
        batch[0].wake.release()

    def _run(self, batch: list[_Entry[T, R]]) -> None:
        try:
            results = self._flush([entry.item for entry in batch])
            for entry, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    entry.error = result
                else:
                    entry.result = result
        except BaseException as error:  # noqa: BLE001 - belongs to every thread of the batch; each raises it
            for entry in batch:
                entry.error = error
        with self._lock:
            if self._waiting:
                self._appoint()
            else:
                self._free += 1
        for entry in batch[1:]:
            entry.wake.release()
        batch.clear()  # entry and list refer to each other: free the items now


class PendingItem(Generic[T]):
    """An item that was submitted and is not flushed yet."""

    __slots__ = ("_done", "error", "item")

    def __init__(self, item: T) -> None:
        self.item = item
        self.error: BaseException | None = None
        # A lock that is released once and awaited by one thread: creating an event takes ten times as long.
        self._done = threading.Lock()
        self._done.acquire()

    def wait(self) -> None:
        """Waits until it has been flushed. To be called once.

        Raises:
            BaseException: what ``flush`` raised.
        """
        self._done.acquire()
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a cycle would keep files open that the frames below use

    def settle(self, error: BaseException | None) -> None:
        """Ends the wait."""
        self.error = error
        self._done.release()


class BackgroundBatcher(Generic[T]):
    """Gathers the items of many threads and flushes them on one thread of its own.

    A thread may do other work before it waits for its item. The flushing thread
    is started with the first item.

    Args:
        flush: takes the items in order of arrival; what it raises is raised for all of them.
        max_batch: items in one call, at most.
    """

    def __init__(self, flush: Callable[[Sequence[T]], object], *, max_batch: int, name: str) -> None:
        self._flush = flush
        self._max_batch = max_batch
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[PendingItem[T]] = deque()
        self._idle = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, item: T) -> PendingItem[T]:
        """Submits one item.

        Raises:
            RuntimeError: closed.
        """
        pending = PendingItem(item)
        with self._changed:
            if self._closed:
                raise RuntimeError(f"{self._name} is closed")
            self._waiting.append(pending)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif self._idle:
                self._changed.notify()
        return pending

    def close(self) -> None:
        """Flushes what is waiting, then ends the thread. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._next():
            error: BaseException | None = None
            try:
                self._flush([pending.item for pending in batch])
            except BaseException as raised:  # noqa: BLE001 - belongs to every thread of the batch; each raises it
                error = raised
            for pending in batch:
                pending.settle(error)
            error = None

    def _next(self) -> list[PendingItem[T]]:
        """The next batch; empty at the end."""
        with self._changed:
            self._idle = True
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._idle = False
            return [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
