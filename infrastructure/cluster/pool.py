"""The workers of a run: prepares workers that join, sends them batches of titles, replaces workers that leave, and
divides the rate limit."""

from __future__ import annotations

import logging
import math
import pickle
import secrets
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Collection, Iterator, Set
from itertools import chain
from typing import Any, Final, TypeVar

import msgspec
from distributed import Client, Future, KilledWorker, wait
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError

from domain.errors import Cancelled, FilmledgerError, SourceError, Transient, UsageError
from infrastructure.cluster import code
from infrastructure.cluster.code import differences
from infrastructure.cluster.pending import PendingTitle, PendingTitles, PickledCall, RateShare, TitleReply
from infrastructure.cluster.worker import (
    BATCHES_PER_WORKER,
    ReaderSource,
    WorkerReport,
    adopt_share,
    close_reader,
    open_reader,
    read_titles,
)

T = TypeVar("T")

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0  # between two checks of the workers, in case an event got lost
_READY_SECONDS: Final = 60.0  # a worker imports the program and may connect to Tor
_STUCK_SECONDS: Final = 5.0  # a running batch returns within a second
_MAX_TRIES: Final = 4  # workers that a title may be lost on
_END_SECONDS: Final = 60.0  # for a check of the cluster that has begun
_DEATH_SECONDS: Final = 60.0  # without any usable worker
_GONE: Final = (OSError, RuntimeError, CancelledError, FutureCancelledError)  # raised by Dask then


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


def line_of(error: BaseException) -> str:
    """Gives an error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__


class WorkPlan(msgspec.Struct, frozen=True):
    """The work of the workers.

    Attributes:
        make: makes the title source on a worker.
        threads: titles at a time, all workers together.
    """

    run: str
    make: Callable[[], ReaderSource]
    threads: int


class WorkerSetup:
    """Prepares workers for a run; keeps the reasons why others cannot be used.

    Args:
        closing: ends the wait for slow workers.
    """

    def __init__(self, client: Client, plan: WorkPlan, closing: threading.Event) -> None:
        self._client = client
        self._plan = plan
        self._closing = closing
        self._hosts: dict[str, str] = {}
        self._crowded: set[str] = set()
        self.unusable: dict[str, str] = {}

    def forget(self, gone: Collection[str]) -> None:
        """Removes workers that have gone; they may come back."""
        for worker in gone:
            self._hosts.pop(worker, None)
            self.unusable.pop(worker, None)

    def prepare(self, workers: Set[str], share: RateShare) -> list[str]:
        """Prepares workers and gives those that can be used; warns once about each of the others."""
        plan = self._plan
        futures = {
            worker: submit(self._client, worker, open_reader, plan.run, plan.make, plan.threads, share)
            for worker in workers
        }
        deadline = time.monotonic() + _READY_SECONDS
        ready = []
        for worker, future in futures.items():
            if problem := self._problem(worker, future, deadline):
                self.unusable[worker] = problem
                log.warning("Dask worker %s is left out: %s", worker, problem)
            else:
                ready.append(worker)
        return ready

    def _problem(self, worker: str, future: Future[WorkerReport], deadline: float) -> str:
        """Gives the reason why a worker cannot be used; empty if it can."""
        try:
            report = self._report(worker, future, deadline)
        except TimeoutError:
            return f"it was not ready after {_READY_SECONDS:.0f} s"
        except ModuleNotFoundError as error:
            return f"it lacks {error.name}: pip install -r requirements.txt there"
        except KilledWorker:
            return "it died while it was prepared; out of memory?"
        except FilmledgerError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - other code on the worker may raise anything
            return f"it cannot run this program: {type(error).__name__}: {line_of(error)}"
        if report is None:
            return "it left while it was prepared"
        if differ := differences(report.versions):
            return f"it has {differ}"
        if report.missing:
            return f"it lacks {', '.join(report.missing)}: pip install -r requirements.txt there"
        if report.code != code.LOADED or report.foreign_modules:
            return "it has loaded other code of this program; restart it"
        self._hosts[worker] = report.host
        if list(self._hosts.values()).count(report.host) > report.cores and report.host not in self._crowded:
            self._crowded.add(report.host)
            log.warning(
                "%s has more Dask workers than cores (%d); more than one a core gains nothing",
                report.host, report.cores,
            )  # fmt: skip
        return ""

    def _report(self, worker: str, future: Future[WorkerReport], deadline: float) -> WorkerReport | None:
        """Gives a worker's report; None if it has gone.

        Raises:
            TimeoutError: there is no answer.
        """
        while True:
            try:
                return future.result(timeout=min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
            except TimeoutError:
                if self._closing.is_set() or worker not in self._client.nthreads():
                    return None
                if time.monotonic() >= deadline:
                    raise


class WorkerPool:
    """The workers of one run.

    Args:
        cancel: stops the run; set here when the cluster has gone, and ``lost`` then says why.

    Raises:
        UsageError: no worker can be used; the message gives the reasons.
        SourceError: the cluster has gone.
    """

    def __init__(self, client: Client, plan: WorkPlan, pending: PendingTitles, cancel: threading.Event) -> None:
        self.client = client
        self.plan = plan
        self.pending = pending
        self.cancel = cancel
        self.share = RateShare(0, 1)
        self.lost = ""
        self._dispatchers: dict[str, list[WorkerDispatcher]] = {}
        self._ended: list[WorkerDispatcher] = []
        self._paused: set[str] = set()
        self._closing = threading.Event()
        self._setup = WorkerSetup(client, plan, self._closing)
        self._changed = threading.Event()
        self._alone_since: float | None = None
        client.subscribe_topic("all", self._on_event)
        try:
            self._review()
        except _GONE as error:
            raise SourceError(f"the Dask cluster was lost: {line_of(error)}") from error
        if not self._dispatchers:
            reasons = "; ".join(f"{worker}: {reason}" for worker, reason in self._setup.unusable.items())
            raise UsageError(f"no worker of the Dask cluster can be used: {reasons or 'it has none'}")
        self._watch = threading.Thread(target=self._watch_workers, name="worker-pool", daemon=True)
        self._watch.start()

    @property
    def workers(self) -> tuple[str, ...]:
        """The addresses of the workers in use."""
        return tuple(self._dispatchers)

    @property
    def batch_size(self) -> int:
        """The current number of titles of a batch."""
        return math.ceil(self.plan.threads / (BATCHES_PER_WORKER * self.share.workers))

    def close(self) -> None:
        """Releases the workers; titles in flight are cancelled."""
        self._closing.set()
        self._changed.set()
        self._watch.join(_END_SECONDS)
        self.pending.close(Cancelled("stopped"))
        dispatchers = [*self._ended, *self._active()]
        for dispatcher in dispatchers:
            dispatcher.end()
        for dispatcher in dispatchers:
            dispatcher.join(_LOOK_SECONDS)
        if not self.lost:
            self._run_on_workers(close_reader, self.plan.run)

    def _on_event(self, _event: object) -> None:
        self._changed.set()

    def _watch_workers(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(_LOOK_SECONDS)
            self._changed.clear()
            if self._closing.is_set() or self.lost:
                return
            try:
                self._review()
            except _GONE as error:
                self.lose(line_of(error))
            if self._alone_since and time.monotonic() - self._alone_since > _DEATH_SECONDS:
                reason = "all its workers are short of memory" if self._dispatchers else "it has no worker"
                self.lose(f"{reason}, for {_DEATH_SECONDS:.0f} s now")

    def lose(self, reason: str) -> None:
        """Ends the run because the cluster has gone; unfinished titles stay pending."""
        if self._closing.is_set() or self.lost:
            return
        self.lost = reason
        self.cancel.set()
        self.pending.close(Cancelled(f"the Dask cluster was lost: {reason}"))

    def _review(self) -> None:
        """Compares the workers of the cluster with the workers in use."""
        there: dict[str, Any] = dict(self.client.scheduler_info(n_workers=-1)["workers"])
        for worker in self._dispatchers.keys() - there.keys():
            log.warning("Dask worker %s has gone; its titles go to others", worker)
        # A worker restarted at the same address has no reader, which has ended its dispatchers.
        failed = {each.worker for each in self._active() if not each.alive}
        gone = (self._dispatchers.keys() - there.keys()) | failed
        for worker in gone:
            for dispatcher in self._dispatchers.pop(worker):
                dispatcher.end()
                self._ended.append(dispatcher)
        self._ended = [dispatcher for dispatcher in self._ended if dispatcher.alive]
        self._setup.forget(gone | (self._setup.unusable.keys() - there.keys()))
        new = there.keys() - self._dispatchers.keys() - self._setup.unusable.keys()
        share = RateShare(self.share.version, max(1, len(self._dispatchers) + len(new)))
        ready = self._setup.prepare(new, share)
        if gone or ready:
            members = max(1, len(self._dispatchers) + len(ready))
            self.share = RateShare(self.share.version + 1, members)
            # Workers in use slow down before new ones begin.
            self._run_on_workers(adopt_share, self.plan.run, self.share)
        for worker in ready:
            self._dispatchers[worker] = [WorkerDispatcher(self, worker) for _ in range(BATCHES_PER_WORKER)]
        self._note_paused({worker for worker in self._dispatchers if there.get(worker, {}).get("status") == "paused"})

    def _note_paused(self, paused: set[str]) -> None:
        """Handles workers that Dask has paused because they are short of memory; their titles go to others."""
        for worker in paused - self._paused:
            log.warning("Dask worker %s is short of memory and takes no titles for now", worker)
        self._paused = paused
        if paused:  # a batch given before the pause would wait there; the scheduler now gives it to others
            for dispatcher in self._active():
                dispatcher.retract()
        if self._dispatchers.keys() - paused:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()

    def _active(self) -> Iterator[WorkerDispatcher]:
        return chain.from_iterable(self._dispatchers.values())

    def _run_on_workers(self, function: Callable[..., None], *arguments: object) -> None:
        """Runs a function on all workers. A slow worker gets the information later, with its next batch."""
        futures = [submit(self.client, worker, function, *arguments) for worker in self._dispatchers]
        try:
            with self.client.as_current():
                wait(futures, timeout=_LOOK_SECONDS)
        except TimeoutError:
            log.info("not every Dask worker answers")


class WorkerDispatcher:
    """A thread that sends one worker batches of titles.

    If a worker is lost with a batch, the scheduler gives the batch to another worker. Titles that this worker cannot
    read are put back for the other workers.
    """

    def __init__(self, pool: WorkerPool, worker: str) -> None:
        self._pool = pool
        self._pending = pool.pending
        self.worker = worker
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
            for title in self._pending.take(self._pool.batch_size, wait=not held, unless=self._over):
                held[title.wanted.imdb_id] = title
            if not held:
                return
            try:
                replies = self._send_batch(held)
            except KilledWorker as error:
                reason = f"{error.last_worker.address} and others died over it; out of memory?"
                for title in held.values():
                    title.settle(Transient(f"{title.wanted.imdb_id}: Dask: {reason}"))
                held.clear()
                continue
            except (CancelledError, FutureCancelledError, CommClosedError, OSError) as error:
                self._pending.put_back(held.values())
                if self._retracted:
                    self._retracted = False
                    held.clear()
                    continue
                self._pool.lose(line_of(error))
                return
            except Exception as error:
                log.warning("Dask worker %s failed; the others continue: %s", self.worker, error, exc_info=True)
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
        pool = self._pool
        self._future = submit(
            pool.client, self.worker, read_titles, pool.plan.run, wanted, pool.share, pool.cancel.is_set(),
            elsewhere=True,
        )  # fmt: skip
        try:
            return self._future.result()
        finally:
            self._future = None

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
