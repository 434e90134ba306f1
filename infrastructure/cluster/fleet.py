"""Which workers read for us: those that come are made ready, those that go are missed, the rest share anew."""

from __future__ import annotations

import logging
import math
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any, Final

from distributed import Client, wait
from distributed.client import FutureCancelledError

from domain.errors import Cancelled, SourceError, UsageError
from infrastructure.cluster.asking import Asks
from infrastructure.cluster.lane import Lane
from infrastructure.cluster.readying import Plan, Readying, line_of
from infrastructure.cluster.submitting import submitted
from infrastructure.cluster.wire import Share
from infrastructure.cluster.worker import TURNS, adopt_share, close_reader

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0  # in case an event got lost
_END_SECONDS: Final = 60.0  # for a look at the cluster that has begun
_DEATH_SECONDS: Final = 60.0  # without any worker
_GONE: Final = (OSError, RuntimeError, CancelledError, FutureCancelledError)  # what Dask raises then


class Fleet:
    """The workers of one run.

    Args:
        client: of the cluster.
        plan: what they do.
        asks: the titles to be read.
        cancel: stops the run; set here when the cluster has gone, and ``lost`` then says why.

    Raises:
        UsageError: no worker can be used; says why of each.
        SourceError: the cluster has gone already.
    """

    def __init__(self, client: Client, plan: Plan, asks: Asks, cancel: threading.Event) -> None:
        self._client = client
        self._plan = plan
        self._asks = asks
        self._cancel = cancel
        self._lanes: dict[str, list[Lane]] = {}
        self._ended: list[Lane] = []
        self._paused: set[str] = set()
        self._share = Share(0, 1)
        self._closing = threading.Event()
        self._readying = Readying(client, plan, self._closing)
        self._changed = threading.Event()
        self._alone_since: float | None = None
        self.lost = ""
        client.subscribe_topic("all", self._noticed)
        try:
            self._review()
        except _GONE as error:
            raise SourceError(f"the Dask cluster has gone: {line_of(error)}") from error
        if not self._lanes:
            reasons = "; ".join(f"{worker}: {reason}" for worker, reason in self._readying.unfit.items())
            raise UsageError(f"no worker of the Dask cluster can be used: {reasons or 'it has none'}")
        self._watch = threading.Thread(target=self._keep, name="fleet", daemon=True)
        self._watch.start()

    @property
    def workers(self) -> tuple[str, ...]:
        """The addresses of those that read for us."""
        return tuple(self._lanes)

    def close(self) -> None:
        """Let the workers go; titles that are still under way are given up."""
        self._closing.set()
        self._changed.set()
        self._watch.join(_END_SECONDS)
        self._asks.close(Cancelled("stopped"))
        lanes = [*self._ended, *(lane for lanes in self._lanes.values() for lane in lanes)]
        for lane in lanes:
            lane.end()
        for lane in lanes:
            lane.join(_LOOK_SECONDS)
        if not self.lost:
            self._tell(close_reader, self._plan.run)

    def _noticed(self, _event: object) -> None:
        self._changed.set()

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(_LOOK_SECONDS)
            self._changed.clear()
            if self._closing.is_set() or self.lost:
                return
            try:
                self._review()
            except _GONE as error:
                self._lose(line_of(error))
            if self._alone_since and time.monotonic() - self._alone_since > _DEATH_SECONDS:
                reason = "all its workers are short of memory" if self._lanes else "it has no worker"
                self._lose(f"{reason}, for {_DEATH_SECONDS:.0f} s now")

    def _lose(self, reason: str) -> None:
        """The cluster is of no use any more: the run ends, and what is not done stays pending."""
        if self._closing.is_set() or self.lost:
            return
        self.lost = reason
        self._cancel.set()
        self._asks.close(Cancelled(f"the Dask cluster has gone: {reason}"))

    def _review(self) -> None:
        """Compare who is there with who was."""
        there: dict[str, Any] = dict(self._client.scheduler_info(n_workers=-1)["workers"])
        for worker in self._lanes.keys() - there.keys():
            log.warning("Dask worker %s has gone; its titles go to others", worker)
        # Started anew at the same address, it knows nothing of us, and its lanes have ended over that.
        fallen = {worker for worker, lanes in self._lanes.items() if not all(lane.alive for lane in lanes)}
        gone = (self._lanes.keys() - there.keys()) | fallen
        for worker in gone:
            for lane in self._lanes.pop(worker):
                lane.end()
                self._ended.append(lane)
        self._ended = [lane for lane in self._ended if lane.alive]
        self._readying.forget(gone | (self._readying.unfit.keys() - there.keys()))
        new = there.keys() - self._lanes.keys() - self._readying.unfit.keys()
        share = Share(self._share.version, max(1, len(self._lanes) + len(new)))
        ready = self._readying.made_ready(new, share)
        if gone or ready:
            members = max(1, len(self._lanes) + len(ready))
            self._share = Share(self._share.version + 1, members)
            # Those who were there slow down before the new ones begin.
            self._tell(adopt_share, self._plan.run, self._share)
        for worker in ready:
            self._lanes[worker] = [self._lane(worker) for _ in range(TURNS)]
        self._note_paused({worker for worker in self._lanes if there.get(worker, {}).get("status") == "paused"})

    def _note_paused(self, paused: set[str]) -> None:
        """Dask gives nothing to workers that are short of memory; their titles go to others meanwhile."""
        for worker in paused - self._paused:
            log.warning("Dask worker %s is short of memory and takes no titles for now", worker)
        self._paused = paused
        if paused:  # what it was given before it paused would wait there, and the scheduler now gives it to others
            for lane in (each for lanes in self._lanes.values() for each in lanes):
                lane.retract()
        if self._lanes.keys() - paused:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()

    def _lane(self, worker: str) -> Lane:
        return Lane(
            self._client, self._plan.run, worker, self._asks,
            self._turn_size, lambda: self._share, self._lose, self._cancel,
        )  # fmt: skip

    def _turn_size(self) -> int:
        return math.ceil(self._plan.threads / (TURNS * self._share.workers))

    def _tell(self, function: Callable[..., None], *arguments: object) -> None:
        """Have something done on all workers. Who does not answer soon learns it later: by a turn, or by being idle."""
        futures = [submitted(self._client, worker, function, *arguments) for worker in self._lanes]
        try:
            with self._client.as_current():
                wait(futures, timeout=_LOOK_SECONDS)
        except TimeoutError:
            log.info("not every Dask worker answers")
