"""The code that runs on workers: one reader for each run."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

import msgspec
from distributed import Worker, get_worker, secede

from application.ports.sources import FetchedTitle, TitleSource
from domain.errors import FilmledgerError, SourceError
from infrastructure.cluster import code
from infrastructure.cluster.code import missing_packages, versions_here
from infrastructure.cluster.pending import RateShare, TitleReply, TitleRequest
from shared.threads import limit_malloc_arenas

log = logging.getLogger(__name__)
_FIRST_SECONDS: Final = 0.25  # that a batch waits for its first title
_MORE_SECONDS: Final = 0.05  # that it then waits for others, so that many return together


class ReaderSource(Protocol):
    """A title source with its network."""

    @property
    def titles(self) -> TitleSource:
        """The source of titles."""

    def share(self, workers: int) -> None:
        """Divides the rate limit by the number of workers from now on."""

    def close(self) -> None:
        """Closes connections."""


class TitleReader:
    """Reads titles for one run, on its own threads. Thread-safe.

    Args:
        source: the title source; closed with the reader.
        threads: titles at a time at most.
    """

    def __init__(self, source: ReaderSource, threads: int) -> None:
        self._source = source
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="title")
        self._cancel = threading.Event()
        self._lock = threading.Lock()
        # By id and requests: a retried title is read again, a title of a lost batch is not.
        self._in_flight: dict[TitleRequest, Future[TitleReply]] = {}
        self._share = RateShare(-1, 0)
        self._last_batch = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last batch."""
        return time.monotonic() - self._last_batch

    def batch(self, wanted: Sequence[TitleRequest], share: RateShare, *, stopping: bool = False) -> list[TitleReply]:
        """Starts titles that are not in flight; returns those of ``wanted`` that are ready soon, or none.

        The others continue; a later batch that names them again gets them.

        Args:
            share: the current share of the rate limit.
            stopping: the run is being stopped: waiting titles are cancelled, responses in flight are read.
        """
        self.adopt(share)
        if stopping:
            self._cancel.set()
        with self._lock:
            self._last_batch = time.monotonic()
            asked = {each: self._start(each) for each in wanted}
        done, rest = wait(asked.values(), timeout=_FIRST_SECONDS, return_when=FIRST_COMPLETED)
        if done and rest:
            done, _ = wait(asked.values(), timeout=_MORE_SECONDS)
        with self._lock:
            self._last_batch = time.monotonic()
            for each in [each for each, future in asked.items() if future in done]:
                self._in_flight.pop(each, None)
        return [future.result() for future in asked.values() if future in done]

    def adopt(self, share: RateShare) -> None:
        """Uses a share of the rate limit, unless it has a newer one."""
        with self._lock:
            if share.version > self._share.version:
                if share.workers != self._share.workers:
                    self._source.share(share.workers)
                self._share = share

    def close(self) -> None:
        """Cancels titles in flight and closes the source."""
        self._cancel.set()
        self._pool.shutdown(cancel_futures=True)
        self._source.close()

    def _start(self, wanted: TitleRequest) -> Future[TitleReply]:
        if wanted not in self._in_flight:
            self._in_flight[wanted] = self._pool.submit(self._read, wanted)
        return self._in_flight[wanted]

    def _read(self, wanted: TitleRequest) -> TitleReply:
        outcome: FetchedTitle | FilmledgerError
        try:
            outcome = self._source.titles.title(wanted.imdb_id, max_requests=wanted.max_requests, cancel=self._cancel)
        except FilmledgerError as error:
            outcome = error
        except Exception as error:
            log.exception("%s failed unexpectedly", wanted.imdb_id)
            outcome = SourceError(f"{type(error).__name__}: {error}")
        return TitleReply.of(wanted.imdb_id, outcome)


BATCHES_PER_WORKER: Final = 2  # at a time: while one is transferred, the other reads
_ABANDONED_SECONDS: Final = 120.0  # without a batch, after which a reader's run is considered dead

_readers: dict[str, TitleReader] = {}
_lock = threading.Lock()


class ReaderNotOpen(Exception):
    """This worker has no reader for the run; another worker must do it."""


class WorkerReport(msgspec.Struct, frozen=True):
    """A worker's answer when it is prepared.

    Attributes:
        code: fingerprint of its code of this program.
        foreign_modules: modules of this program that came from another place.
        host: name of the machine.
        cores: number of cores that it may use.
        versions: of Python and Dask.
        missing: packages that it lacks.
    """

    code: str
    foreign_modules: tuple[str, ...]
    host: str
    cores: int
    versions: dict[str, str]
    missing: tuple[str, ...]


def open_reader(run: str, make: Callable[[], ReaderSource], threads: int, share: RateShare) -> WorkerReport:
    """Opens the reader of a run, if it is not open; closes readers of abandoned runs.

    Args:
        make: makes the title source.
        threads: titles at a time at most.
        share: share of the rate limit.

    Raises:
        FilmledgerError: the source cannot be made.
    """
    limit_malloc_arenas()
    with _lock:
        for other in [name for name, reader in _readers.items() if reader.idle_seconds > _ABANDONED_SECONDS]:
            log.info("closing the reader of run %s, which has sent no batch for a while", other)
            _readers.pop(other).close()
        if run not in _readers:
            _readers[run] = TitleReader(make(), threads)
    _readers[run].adopt(share)
    return WorkerReport(
        code.LOADED,
        tuple(code.foreign_modules()),
        socket.gethostname(),
        usable_cores(),
        versions_here(),
        tuple(missing_packages()),
    )


def adopt_share(run: str, share: RateShare) -> None:
    """Sets another share of the rate limit."""
    if reader := _readers.get(run):
        reader.adopt(share)


def read_titles(run: str, wanted: Sequence[TitleRequest], share: RateShare, stopping: bool) -> list[TitleReply]:
    """Reads a batch of titles; this is the Dask task.

    Raises:
        ReaderNotOpen: the run has no reader here.
    """
    reader = _readers.get(run)
    if reader is None:
        raise ReaderNotOpen(f"no reader for run {run} on this worker")
    if get_worker().state.nthreads < BATCHES_PER_WORKER:
        secede()  # otherwise the next batch waits until this one has ended
    return reader.batch(wanted, share, stopping=stopping)


def close_reader(run: str) -> None:
    """Closes the reader of a run that has ended."""
    with _lock:
        reader = _readers.pop(run, None)
    if reader:
        reader.close()


def usable_cores() -> int:
    """Gives the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def dask_setup(_worker: Worker) -> None:
    """Makes a worker on this machine ignore SIGINT and SIGTERM; Dask calls it when it preloads this module.

    A terminal sends Ctrl-C to all processes started from it, and a service manager sends SIGTERM to all processes of a
    service. Workers that ended then would lose their titles. The program stops them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
