"""What a worker reads titles with: many at a time, whatever number of threads Dask gives it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

from application.ports import FetchedTitle, TitleSource
from domain.errors import FilmledgerError, SourceError
from infrastructure.cluster.wire import Reply, Share, Wanted

log = logging.getLogger(__name__)
_HOLD: Final = 0.25  # seconds a turn waits for the first title: meanwhile it can take no others along
_LINGER: Final = 0.05  # seconds it then waits for others, so that many travel together


class Reading(Protocol):
    """A title source and its network, as the program puts them together."""

    @property
    def titles(self) -> TitleSource:
        """Where titles are read."""

    def share(self, workers: int) -> None:
        """From now on the rate limit is shared by so many."""

    def close(self) -> None:
        """Let go of connections."""


class Reader:
    """Reads titles for one run. Its turns come from several threads.

    Args:
        reading: the source; closed with the reader.
        threads: titles at a time at most.
    """

    def __init__(self, reading: Reading, threads: int) -> None:
        self._reading = reading
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="title")
        self._cancel = threading.Event()
        self._lock = threading.Lock()
        # By id and requests: a title that is tried again is read again, and one whose turn was lost is not.
        self._under_way: dict[Wanted, Future[Reply]] = {}
        self._share = Share(-1, 0)
        self._last_turn = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long nobody has asked for anything."""
        return time.monotonic() - self._last_turn

    def turn(self, wanted: Sequence[Wanted], share: Share, *, stopping: bool = False) -> list[Reply]:
        """Begin what is not under way yet; answers those of ``wanted`` that are ready soon, or none.

        The others go on. A later turn that wants them again is given them.

        Args:
            wanted: what is to be read.
            share: of the rate limit, that holds now.
            stopping: the run is being stopped: what has to wait is cancelled, what is arriving arrives.
        """
        self.adopt(share)
        if stopping:
            self._cancel.set()
        with self._lock:
            self._last_turn = time.monotonic()
            asked = {each: self._begun(each) for each in wanted}
        done, rest = wait(asked.values(), timeout=_HOLD, return_when=FIRST_COMPLETED)
        if done and rest:
            done, _ = wait(asked.values(), timeout=_LINGER)
        with self._lock:
            self._last_turn = time.monotonic()
            for each in [each for each, future in asked.items() if future in done]:
                self._under_way.pop(each, None)
        return [future.result() for future in asked.values() if future in done]

    def adopt(self, share: Share) -> None:
        """Take on a share of the rate limit, unless a newer one is known."""
        with self._lock:
            if share.version > self._share.version:
                if share.workers != self._share.workers:
                    self._reading.share(share.workers)
                self._share = share

    def close(self) -> None:
        """Stop what is under way and let go of everything."""
        self._cancel.set()
        self._pool.shutdown(cancel_futures=True)
        self._reading.close()

    def _begun(self, wanted: Wanted) -> Future[Reply]:
        if wanted not in self._under_way:
            self._under_way[wanted] = self._pool.submit(self._read, wanted)
        return self._under_way[wanted]

    def _read(self, wanted: Wanted) -> Reply:
        outcome: FetchedTitle | FilmledgerError
        try:
            outcome = self._reading.titles.title(wanted.imdb_id, max_requests=wanted.max_requests, cancel=self._cancel)
        except FilmledgerError as error:
            outcome = error
        except Exception as error:
            log.exception("%s failed unexpectedly", wanted.imdb_id)
            outcome = SourceError(f"{type(error).__name__}: {error}")
        return Reply.of(wanted.imdb_id, outcome)
