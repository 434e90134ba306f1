"""Which workers read for us: those that come are made ready, those that go are missed, the rest share anew."""

from __future__ import annotations

import logging
import math
import threading
import time
from asyncio import CancelledError
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from distributed import Client, Future
from distributed.client import FutureCancelledError

from domain.errors import Cancelled, FilmledgerError, UsageError
from infrastructure.cluster import code
from infrastructure.cluster.asking import Asks
from infrastructure.cluster.lane import Lane
from infrastructure.cluster.reader import Reading
from infrastructure.cluster.wire import Share
from infrastructure.cluster.worker import TURNS, Report, adopt_share, close_reader, open_reader

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0  # in case an event got lost
_READY_SECONDS: Final = 60.0  # a worker imports the program and may look at Tor
_DEATH_SECONDS: Final = 60.0  # without any worker


@dataclass(frozen=True, slots=True)
class Plan:
    """What workers are to do.

    Attributes:
        run: its id.
        make: makes the source on a worker.
        threads: titles at a time, all workers together.
    """

    run: str
    make: Callable[[], Reading]
    threads: int


class Fleet:
    """The workers of one run.

    Args:
        client: of the cluster.
        plan: what they do.
        asks: the titles to be read.
        on_lost: called once when the cluster has gone; ``lost`` then says why.

    Raises:
        UsageError: no worker can be used; says why of each.
    """

    def __init__(self, client: Client, plan: Plan, asks: Asks, on_lost: Callable[[], None]) -> None:
        self._client = client
        self._on_lost = on_lost
        self._plan = plan
        self._asks = asks
        self._lanes: dict[str, list[Lane]] = {}
        self._unfit: dict[str, str] = {}
        self._hosts: Counter[str] = Counter()
        self._share = Share(0, 1)
        self._closing = threading.Event()
        self._changed = threading.Event()
        self._alone_since: float | None = None
        self.lost = ""
        client.subscribe_topic("all", self._noticed)
        self._review()
        if not self._lanes:
            reasons = "; ".join(f"{worker}: {reason}" for worker, reason in self._unfit.items())
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
        self._watch.join(_READY_SECONDS)
        self._asks.close(Cancelled("stopped"))
        lanes = [lane for lanes in self._lanes.values() for lane in lanes]
        for lane in lanes:
            lane.end()
        for lane in lanes:
            lane.join(_LOOK_SECONDS)
        if not self.lost:
            self._tell(close_reader, self._plan.run, self._lanes)

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
            except (OSError, RuntimeError, CancelledError, FutureCancelledError) as error:
                self._lose(" ".join(str(error).split()) or type(error).__name__)
            if self._alone_since and time.monotonic() - self._alone_since > _DEATH_SECONDS:
                self._lose(f"it has had no worker for {_DEATH_SECONDS:.0f} s")

    def _lose(self, reason: str) -> None:
        """The cluster is of no use any more: the run ends, and what is not done stays pending."""
        if self._closing.is_set() or self.lost:
            return
        self.lost = reason
        self._on_lost()
        self._asks.close(Cancelled(f"the Dask cluster has gone: {reason}"))

    def _review(self) -> None:
        """Compare who is there with who was."""
        there = set(self._client.nthreads())
        gone, new = self._lanes.keys() - there, there - self._lanes.keys() - self._unfit.keys()
        for worker in gone:
            log.warning("Dask worker %s has gone; its titles go to others", worker)
            for lane in self._lanes.pop(worker):
                lane.end()
        for worker in self._unfit.keys() - there:
            del self._unfit[worker]
        ready = self._made_ready(new)
        if gone or ready:
            members = max(1, len(self._lanes) + len(ready))
            self._share = Share(self._share.version + 1, members)
            # Those who were there slow down before the new ones begin.
            self._tell(adopt_share, self._plan.run, self._lanes, self._share)
        for worker in ready:
            self._lanes[worker] = [self._lane(worker) for _ in range(TURNS)]
        if self._lanes:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()

    def _lane(self, worker: str) -> Lane:
        return Lane(self._client, self._plan.run, worker, self._asks, self._turn_size, lambda: self._share, self._lose)

    def _turn_size(self) -> int:
        return math.ceil(self._plan.threads / (TURNS * self._share.workers))

    def _made_ready(self, workers: Iterable[str]) -> list[str]:
        """Those of them that can do the work; the others are complained of once."""
        members = Share(self._share.version, max(1, len(self._lanes) + len(list(workers))))
        futures: dict[str, Future[Report]] = {
            worker: self._client.submit(
                open_reader,
                self._plan.run,
                self._plan.make,
                self._plan.threads,
                members,
                workers=[worker],
                pure=False,
                allow_other_workers=False,
            )
            for worker in workers
        }
        deadline = time.monotonic() + _READY_SECONDS
        ready = []
        for worker, future in futures.items():
            if complaint := self._complaint(future, max(0.0, deadline - time.monotonic())):
                self._unfit[worker] = complaint
                log.warning("Dask worker %s is left out: %s", worker, complaint)
            else:
                ready.append(worker)
        return ready

    def _complaint(self, future: Future[Report], seconds: float) -> str:
        """Why a worker cannot be used; empty if it can."""
        try:
            report = future.result(timeout=seconds)
        except TimeoutError:
            return f"it was not ready after {_READY_SECONDS:.0f} s"
        except ModuleNotFoundError as error:
            return f"it lacks the package {error.name}: pip install -r requirements.txt there"
        except FilmledgerError as error:
            return str(error)
        if report.code != code.LOADED or report.strangers:
            return "it has loaded other code of this program; restart it"
        self._hosts[report.host] += 1
        if self._hosts[report.host] == report.cores + 1:
            log.warning(
                "%s runs more than %d Dask workers for %d cores; more than one a core gains nothing",
                report.host, report.cores, report.cores,
            )  # fmt: skip
        return ""

    def _tell(self, function: Callable[..., None], run: str, workers: Iterable[str], *arguments: object) -> None:
        """Have something done on some workers; one that has just gone need not do it."""
        addresses = list(workers)
        if addresses:
            self._client.run(function, run, *arguments, workers=addresses, on_error="ignore")
