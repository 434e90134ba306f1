"""Workers made ready for a run, or left out with the reason."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from typing import Final

from distributed import Client, Future, KilledWorker

from domain.errors import FilmledgerError
from infrastructure.cluster import code
from infrastructure.cluster.reader import Reading
from infrastructure.cluster.submitting import submitted
from infrastructure.cluster.versions import differences
from infrastructure.cluster.wire import Share
from infrastructure.cluster.worker import Report, open_reader

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 5.0  # between two looks whether a worker is still there
_READY_SECONDS: Final = 60.0  # a worker imports the program and may look at Tor


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


class Readying:
    """Asks workers to be ready; remembers who cannot be, and who shares a machine.

    Args:
        client: of the cluster.
        plan: what they are to do.
        closing: ends the wait for those that take long.
    """

    def __init__(self, client: Client, plan: Plan, closing: threading.Event) -> None:
        self._client = client
        self._plan = plan
        self._closing = closing
        self._hosts: dict[str, str] = {}
        self._crowded: set[str] = set()
        self.unfit: dict[str, str] = {}

    def forget(self, gone: Collection[str]) -> None:
        """Those may come again as others."""
        for worker in gone:
            self._hosts.pop(worker, None)
            self.unfit.pop(worker, None)

    def made_ready(self, workers: Set[str], share: Share) -> list[str]:
        """Those of them that can do the work; the others are complained of once."""
        plan = self._plan
        futures = {
            worker: submitted(self._client, worker, open_reader, plan.run, plan.make, plan.threads, share)
            for worker in workers
        }
        deadline = time.monotonic() + _READY_SECONDS
        ready = []
        for worker, future in futures.items():
            if complaint := self._complaint(worker, future, deadline):
                self.unfit[worker] = complaint
                log.warning("Dask worker %s is left out: %s", worker, complaint)
            else:
                ready.append(worker)
        return ready

    def _complaint(self, worker: str, future: Future[Report], deadline: float) -> str:
        """Why a worker cannot be used; empty if it can."""
        try:
            report = self._report(worker, future, deadline)
        except TimeoutError:
            return f"it was not ready after {_READY_SECONDS:.0f} s"
        except ModuleNotFoundError as error:
            return f"it lacks {error.name}: pip install -r requirements.txt there"
        except KilledWorker:
            return "it died while it was made ready; out of memory?"
        except FilmledgerError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - other code of ours, or of others, may raise anything there
            return f"it cannot run this program: {type(error).__name__}: {line_of(error)}"
        if report is None:
            return "it went away while it was made ready"
        if differ := differences(report.versions):
            return f"it has {differ}"
        if report.lacks:
            return f"it lacks {', '.join(report.lacks)}: pip install -r requirements.txt there"
        if report.code != code.LOADED or report.strangers:
            return "it has loaded other code of this program; restart it"
        self._hosts[worker] = report.host
        if list(self._hosts.values()).count(report.host) > report.cores and report.host not in self._crowded:
            self._crowded.add(report.host)
            log.warning(
                "%s has more Dask workers than cores (%d); more than one a core gains nothing",
                report.host, report.cores,
            )  # fmt: skip
        return ""

    def _report(self, worker: str, future: Future[Report], deadline: float) -> Report | None:
        """What a worker says of itself; None if it has gone.

        Raises:
            TimeoutError: it says nothing.
        """
        while True:
            try:
                return future.result(timeout=min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
            except TimeoutError:
                if self._closing.is_set() or worker not in self._client.nthreads():
                    return None
                if time.monotonic() >= deadline:
                    raise


def line_of(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
