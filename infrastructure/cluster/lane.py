"""One turn after the other to one worker and back."""

from __future__ import annotations

import logging
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Final

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError

from domain.errors import Transient
from infrastructure.cluster.asking import Ask, Asks
from infrastructure.cluster.submitting import submitted
from infrastructure.cluster.wire import Reply, Share
from infrastructure.cluster.worker import read_titles

log = logging.getLogger(__name__)
_STUCK_SECONDS: Final = 5.0  # a turn that runs is answered within a second
_MAX_TRIES: Final = 4  # workers that a title may be lost on


class Lane:
    """A thread that keeps one worker supplied.

    A turn that is lost with its worker is carried out by another: the scheduler
    sees to that. What such a worker is not ready for goes back to the others.

    Args:
        client: of the cluster.
        run: the run's id, by which workers know their reader.
        worker: its address.
        asks: where titles come from.
        most: answers how many titles one turn takes along now.
        share: answers the share of the rate limit that holds now.
        lost: told why, when the cluster has gone.
        stopping: set when the run is being stopped.
    """

    def __init__(
        self,
        client: Client,
        run: str,
        worker: str,
        asks: Asks,
        most: Callable[[], int],
        share: Callable[[], Share],
        lost: Callable[[str], None],
        stopping: threading.Event,
    ) -> None:
        self._client = client
        self._run = run
        self._worker = worker
        self._asks = asks
        self._most = most
        self._share = share
        self._lost = lost
        self._stopping = stopping
        self._over = threading.Event()
        self._future: Future[list[Reply]] | None = None
        self._asked_at = 0.0
        self._retracted = False
        self._thread = threading.Thread(target=self._go, name=f"lane-{worker}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Take nothing more; what is under way comes back first."""
        self._over.set()
        self._asks.wake()

    def retract(self) -> None:
        """Take back a turn that should have been answered long ago: it waits on a worker that begins nothing more."""
        future = self._future
        if future is not None and time.monotonic() - self._asked_at > _STUCK_SECONDS:
            self._retracted = True
            future.cancel(force=True)

    def join(self, seconds: float) -> None:
        """Wait until it has ended, at most so long; what is under way is given up."""
        if future := self._future:
            future.cancel(force=True)
        self._thread.join(seconds)

    def _go(self) -> None:
        held: dict[str, Ask] = {}
        while True:
            for ask in self._asks.take(self._most(), wait=not held, unless=self._over):
                held[ask.wanted.imdb_id] = ask
            if not held:
                return
            try:
                replies = self._turn(held)
            except KilledWorker as error:
                self._give_up(held, f"{error.last_worker.address} and others died over it; out of memory?")
                continue
            except (CancelledError, FutureCancelledError, CommClosedError, OSError) as error:
                self._asks.put_back(held.values())
                if self._retracted:
                    self._retracted = False
                    held.clear()
                    continue
                self._lost(" ".join(str(error).split()) or type(error).__name__)
                return
            except Exception as error:
                log.warning("Dask worker %s failed; others go on: %s", self._worker, error, exc_info=True)
                self._put_back(held)
                return
            for reply in replies:
                held.pop(reply.imdb_id).settle(reply.outcome())
            if self._over.is_set():
                self._asks.put_back(held.values())
                return

    def _turn(self, held: dict[str, Ask]) -> list[Reply]:
        wanted = [ask.wanted for ask in held.values()]
        self._asked_at, self._retracted = time.monotonic(), False
        self._future = submitted(
            self._client, self._worker, read_titles, self._run, wanted, self._share(), self._stopping.is_set(),
            elsewhere=True,
        )  # fmt: skip
        try:
            return self._future.result()
        finally:
            self._future = None

    def _give_up(self, held: dict[str, Ask], reason: str) -> None:
        for ask in held.values():
            ask.settle(Transient(f"{ask.wanted.imdb_id}: Dask: {reason}"))
        held.clear()

    def _put_back(self, held: dict[str, Ask]) -> None:
        """Let other workers try, unless several have."""
        again = []
        for ask in held.values():
            ask.tries += 1
            if ask.tries < _MAX_TRIES:
                again.append(ask)
            else:
                ask.settle(Transient(f"{ask.wanted.imdb_id}: {ask.tries} Dask workers could not be used"))
        self._asks.put_back(again)
