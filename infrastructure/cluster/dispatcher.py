"""Sends batches of titles to one worker and takes the results back."""

from __future__ import annotations

import logging
import pickle
import secrets
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Final, TypeVar

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError

from domain.errors import Transient
from infrastructure.cluster.pending import PendingTitle, PendingTitles
from infrastructure.cluster.wire import PickledCall, RateShare, TitleReply
from infrastructure.cluster.worker import read_titles

T = TypeVar("T")

log = logging.getLogger(__name__)
_STUCK_SECONDS: Final = 5.0  # a running batch returns within a second
_MAX_TRIES: Final = 4  # workers that a title may be lost on


def submit(
    client: Client, worker: str, function: Callable[..., T], *arguments: object, elsewhere: bool = False
) -> Future[T]:
    """Runs a function of this program on a worker, as a task.

    ``Client.run`` would delay the worker's heartbeat meanwhile.

    Args:
        function: a function of a module that workers have.
        elsewhere: another worker may run it if that one has gone.
    """
    future: Future[T] = client.submit(
        pickle.loads,
        PickledCall(function, *arguments).packed(),
        key=f"filmledger-{function.__name__}-{secrets.token_hex(8)}",  # shown on Dask's dashboard
        workers=[worker],
        allow_other_workers=elsewhere,
        pure=False,
    )
    return future


class WorkerDispatcher:
    """A thread that sends one worker batches of titles.

    If a worker is lost with a batch, the scheduler gives the batch to another worker.
    Titles that this worker cannot read are put back for the other workers.

    Args:
        run: the run's id, by which workers know their reader.
        pending: where titles come from.
        most: gives the current number of titles of a batch.
        share: gives the current share of the rate limit.
        lost: called with the reason when the cluster has gone.
        stopping: set when the run is being stopped.
    """

    def __init__(
        self,
        client: Client,
        run: str,
        worker: str,
        pending: PendingTitles,
        most: Callable[[], int],
        share: Callable[[], RateShare],
        lost: Callable[[str], None],
        stopping: threading.Event,
    ) -> None:
        self._client = client
        self._run = run
        self._worker = worker
        self._pending = pending
        self._most = most
        self._share = share
        self._lost = lost
        self._stopping = stopping
        self._over = threading.Event()
        self._future: Future[list[TitleReply]] | None = None
        self._sent_at = 0.0
        self._retracted = False
        self._thread = threading.Thread(target=self._dispatch, name=f"dispatcher-{worker}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """The thread is running."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Takes no more titles; the batch in flight is completed."""
        self._over.set()
        self._pending.wake()

    def retract(self) -> None:
        """Cancels a batch that waits on a worker that begins no more tasks."""
        future = self._future
        if future is not None and time.monotonic() - self._sent_at > _STUCK_SECONDS:
            self._retracted = True
            future.cancel(force=True)

    def join(self, seconds: float) -> None:
        """Cancels the batch in flight and waits for the thread to end, at most ``seconds``."""
        if future := self._future:
            future.cancel(force=True)
        self._thread.join(seconds)

    def _dispatch(self) -> None:
        held: dict[str, PendingTitle] = {}
        while True:
            for title in self._pending.take(self._most(), wait=not held, unless=self._over):
                held[title.wanted.imdb_id] = title
            if not held:
                return
            try:
                replies = self._send_batch(held)
            except KilledWorker as error:
                self._give_up(held, f"{error.last_worker.address} and others died over it; out of memory?")
                continue
            except (CancelledError, FutureCancelledError, CommClosedError, OSError) as error:
                self._pending.put_back(held.values())
                if self._retracted:
                    self._retracted = False
                    held.clear()
                    continue
                self._lost(" ".join(str(error).split()) or type(error).__name__)
                return
            except Exception as error:
                log.warning("Dask worker %s failed; the others continue: %s", self._worker, error, exc_info=True)
                self._put_back(held)
                return
            for reply in replies:
                held.pop(reply.imdb_id).settle(reply.outcome())
            if self._over.is_set():
                self._pending.put_back(held.values())
                return

    def _send_batch(self, held: dict[str, PendingTitle]) -> list[TitleReply]:
        wanted = [title.wanted for title in held.values()]
        self._sent_at, self._retracted = time.monotonic(), False
        self._future = submit(
            self._client, self._worker, read_titles, self._run, wanted, self._share(), self._stopping.is_set(),
            elsewhere=True,
        )  # fmt: skip
        try:
            return self._future.result()
        finally:
            self._future = None

    def _give_up(self, held: dict[str, PendingTitle], reason: str) -> None:
        for title in held.values():
            title.settle(Transient(f"{title.wanted.imdb_id}: Dask: {reason}"))
        held.clear()

    def _put_back(self, held: dict[str, PendingTitle]) -> None:
        """Puts titles back for other workers, unless several have failed."""
        again = []
        for title in held.values():
            title.tries += 1
            if title.tries < _MAX_TRIES:
                again.append(title)
            else:
                title.settle(Transient(f"{title.wanted.imdb_id}: {title.tries} Dask workers could not be used"))
        self._pending.put_back(again)
