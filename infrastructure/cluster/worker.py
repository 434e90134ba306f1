"""What runs on workers, called by name: one reader for each run."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from distributed import get_worker, secede

from infrastructure.cluster import code
from infrastructure.cluster.reader import Reader, Reading
from infrastructure.cluster.versions import lacking, versions_here
from infrastructure.cluster.where import usable_cores
from infrastructure.cluster.wire import Reply, Share, Wanted
from shared.malloc import limit_malloc_arenas

log = logging.getLogger(__name__)
TURNS: Final = 2  # at a time on each worker: while one travels, the other reads
_FORGOTTEN: Final = 120.0  # seconds without a turn after which the run of a reader is taken to be dead

_readers: dict[str, Reader] = {}
_lock = threading.Lock()


class NotOpen(Exception):
    """This worker has no reader for the run; another will have to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself.

    Attributes:
        code: fingerprint of the program's code that it runs.
        strangers: modules of other code among it.
        host: the machine's name.
        cores: that it may use.
        versions: of Python and Dask.
        lacks: packages that are missing.
    """

    code: str
    strangers: tuple[str, ...]
    host: str
    cores: int
    versions: dict[str, str]
    lacks: tuple[str, ...]


def open_reader(run: str, make: Callable[[], Reading], threads: int, share: Share) -> Report:
    """Be ready for a run; may be called again. Readers whose run has not been heard of are closed.

    Args:
        run: its id.
        make: makes the source.
        threads: titles at a time at most.
        share: of the rate limit.

    Raises:
        FilmledgerError: the source cannot be made.
    """
    limit_malloc_arenas()
    with _lock:
        for other in [name for name, reader in _readers.items() if reader.idle_seconds > _FORGOTTEN]:
            log.info("closing the reader of run %s, which has not been heard of", other)
            _readers.pop(other).close()
        if run not in _readers:
            _readers[run] = Reader(make(), threads)
    _readers[run].adopt(share)
    return Report(
        code.LOADED, tuple(code.strangers()), socket.gethostname(), usable_cores(), versions_here(), tuple(lacking())
    )


def adopt_share(run: str, share: Share) -> None:
    """Take on another share of the rate limit."""
    if reader := _readers.get(run):
        reader.adopt(share)


def read_titles(run: str, wanted: Sequence[Wanted], share: Share, stopping: bool) -> list[Reply]:
    """A turn of the run's reader; the Dask task.

    Raises:
        NotOpen: there is none.
    """
    reader = _readers.get(run)
    if reader is None:
        raise NotOpen(f"no reader for run {run} on this worker")
    if get_worker().state.nthreads < TURNS:
        secede()  # or the next turn would have to wait until this one is over
    return reader.turn(wanted, share, stopping=stopping)


def close_reader(run: str) -> None:
    """The run is over."""
    with _lock:
        reader = _readers.pop(run, None)
    if reader:
        reader.close()
