"""The poster of each movie onto the shelf, as jobs of the same engine that scrapes titles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from application.ports import Job, Outcome, Poster, PosterAnswer, PosterSource, PosterStore, Progress, Status
from application.records import Row, Table
from application.worker import failed
from domain.errors import FilmledgerError, UnusablePicture
from shared.clock import Clock

log = logging.getLogger(__name__)
MAX_WORKERS: Final = 8
_ID: Final = Table.MOVIES.columns.index("imdb_id")
_POSTER: Final = Table.MOVIES.columns.index("poster_url")


def asset_workers(asked: int | None, *, cores: int, jobs: int, parallel: bool = True) -> int:
    """How many workers to use for posters.

    Args:
        asked: ``ASSET_WORKERS``; None: as many as cores, at most 8.
        cores: of this machine.
        jobs: how many there are; one job needs no pool.
        parallel: False means one, whatever was asked.
    """
    if jobs <= 1 or not parallel:
        return 1
    return max(1, min(cores, MAX_WORKERS) if asked is None else asked)


def poster_jobs(movies: Iterable[Row]) -> Iterator[Job]:
    """A job for each movies row that has a poster's address."""
    listed = (row[_ID] for row in movies if row[_POSTER])
    return (Job(seq, imdb_id) for seq, imdb_id in enumerate(listed) if imdb_id is not None)


class SavePoster:
    """The work of a poster job. Called from many threads at once.

    A poster that was looked at less than ``recheck_after`` ago is not asked for
    again; an older one is asked for by its version, and only a changed one is
    fetched and encoded.

    Args:
        source: where posters are fetched.
        shelf: where they are kept.
        address_of: the poster's address by the movie's id; None where it has none.
        max_requests: HTTP requests one poster may cost in a run.
        recheck_after: how long an answer holds.
        progress: told what the worker is doing.
        clock: for the dates that are written down.
        cancel: ends every wait.
    """

    def __init__(
        self,
        source: PosterSource,
        shelf: PosterStore,
        address_of: Callable[[str], str | None],
        *,
        max_requests: int,
        recheck_after: timedelta,
        progress: Progress,
        clock: Clock,
        cancel: threading.Event,
    ) -> None:
        self._source = source
        self._shelf = shelf
        self._address_of = address_of
        self._max_requests = max_requests
        self._recheck_after = recheck_after
        self._progress = progress
        self._clock = clock
        self._cancel = cancel

    def __call__(self, job: Job) -> Outcome:
        """Bring one poster up to date.

        Raises:
            SourceError: it could not be fetched.
            StoreUnavailable: its address could not be read, or what is known of it.
        """
        url = self._address_of(job.key)
        if not url:
            return Outcome(job, Status.COMPLETED, "no poster")
        known = self._shelf.find(job.key)
        if known is not None and known.url == url and self._is_fresh(known):
            return Outcome(job, Status.COMPLETED, "unchanged", source="shelf")
        self._progress.phase(job, "fetch", job.attempt)
        answer = self._source.poster(url, known, max_requests=self._max_requests - job.spent, cancel=self._cancel)
        self._progress.phase(job, "save", job.attempt)
        try:
            detail = self._keep(job.key, url, known, answer)
        except FilmledgerError as error:
            if isinstance(error, UnusablePicture):
                log.warning("%s: its poster is left out: %s", job.key, error)
            return failed(job, error, requests=answer.requests, size=answer.size)
        log.info("%s: poster %s", job.key, detail)
        return Outcome(job, Status.COMPLETED, detail, size=answer.size, requests=answer.requests, source="image")

    def _keep(self, imdb_id: str, url: str, known: Poster | None, answer: PosterAnswer) -> str:
        now = self._clock.now()
        if answer.body is None and known is not None:
            self._shelf.confirm(known, answer, now)
            return "unchanged"
        full = self._shelf.keep(imdb_id, url, answer, now).files[0]
        return f"{full.width} x {full.height}"

    def _is_fresh(self, poster: Poster) -> bool:
        return timedelta(0) <= self._clock.now() - poster.checked_at < self._recheck_after
