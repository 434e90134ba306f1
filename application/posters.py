"""Downloads and stores the poster of each movie, as jobs of the executor that scrapes titles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Final

from application.ports.posters import Poster, PosterAnswer, PosterSource, PosterStore
from application.ports.runs import Job, Outcome, Progress, Status
from application.records import Row
from application.run_jobs import failed
from domain.errors import FilmledgerError, UnusablePicture
from domain.fields import Table
from shared.clock import Clock

log = logging.getLogger(__name__)
MAX_WORKERS: Final = 8
_ID: Final = Table.MOVIES.columns.index("imdb_id")
_POSTER: Final = Table.MOVIES.columns.index("poster_url")


def asset_workers(asked: int | None, *, cores: int, jobs: int, parallel: bool = True) -> int:
    """Returns the number of workers for posters.

    Args:
        asked: ``ASSET_WORKERS``; None means one per core, at most 8.
        jobs: number of jobs; a single job needs no pool.
        parallel: False means one worker, whatever ``asked`` says.
    """
    if jobs <= 1 or not parallel:
        return 1
    return max(1, min(cores, MAX_WORKERS) if asked is None else asked)


def poster_jobs(movies: Iterable[Row]) -> Iterator[Job]:
    """Yields a job for each movies row that has a poster address."""
    listed = (row[_ID] for row in movies if row[_POSTER])
    return (Job(seq, imdb_id) for seq, imdb_id in enumerate(listed) if imdb_id is not None)


@dataclass(frozen=True, slots=True)
class SavePoster:
    """Carries out one poster job. Thread-safe.

    A poster checked less than ``recheck_after`` ago costs no request. An older one
    costs a conditional request, and is downloaded and encoded only if it has changed.

    Attributes:
        address_of: returns the poster address of a movie id, or None.
        max_requests: limit of HTTP requests per poster and run.
        recheck_after: time after which a poster is requested again.
    """

    source: PosterSource
    store: PosterStore
    address_of: Callable[[str], str | None]
    _: KW_ONLY
    max_requests: int
    recheck_after: timedelta
    progress: Progress
    clock: Clock
    cancel: threading.Event

    def __call__(self, job: Job) -> Outcome:
        """Updates one poster.

        Raises:
            SourceError: the download failed.
            StoreUnavailable: its address or its stored state cannot be read.
        """
        url = self.address_of(job.key)
        if not url:
            return Outcome(job, Status.COMPLETED, "no poster")
        known = self.store.find(job.key)
        if known is not None and known.url == url and self._is_fresh(known):
            return Outcome(job, Status.COMPLETED, "unchanged", source="store", fresh=True)
        self.progress.phase(job, "fetch", job.attempt)
        answer = self.source.poster(url, known, max_requests=self.max_requests - job.spent, cancel=self.cancel)
        self.progress.phase(job, "save", job.attempt)
        try:
            detail = self._keep(job.key, url, known, answer)
        except FilmledgerError as error:
            if isinstance(error, UnusablePicture):
                log.warning("%s: its poster is left out: %s", job.key, error)
            return failed(job, error, requests=answer.requests, size=answer.size)
        log.info("%s: poster %s", job.key, detail)
        return Outcome(job, Status.COMPLETED, detail, size=answer.size, requests=answer.requests, source="image")

    def _keep(self, imdb_id: str, url: str, known: Poster | None, answer: PosterAnswer) -> str:
        now = self.clock.now()
        if answer.body is None and known is not None:
            self.store.confirm(known, answer, now)
            return "unchanged"
        full = self.store.keep(imdb_id, url, answer, now).files[0]
        return f"{full.width} x {full.height}"

    def _is_fresh(self, poster: Poster) -> bool:
        return timedelta(0) <= self.clock.now() - poster.checked_at < self.recheck_after
