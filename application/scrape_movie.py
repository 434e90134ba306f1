"""One movie, straight down: fetch and read, save, say what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from application.ports import FetchedTitle, Job, MovieRepository, Outcome, Progress, Status, TitleSource
from application.worker import failed
from domain.errors import FilmledgerError
from domain.movie import IMDB_ID, Movie
from shared.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)


class ScrapeMovie:
    """The work of a scraping job. Called from many threads at once.

    Args:
        source: where titles are read.
        store: where movies go; both stores in one.
        max_requests: HTTP requests one title may cost in a run.
        progress: told what the worker is doing.
        cancel: ends every wait.
        fresh_since: a record that was read since then is left alone; ``None``: none is.
        on_moved: called with the old and the new id of a title that IMDb has moved, after it was saved.
    """

    def __init__(
        self,
        source: TitleSource,
        store: MovieRepository,
        *,
        max_requests: int,
        progress: Progress,
        cancel: threading.Event,
        fresh_since: datetime | None = None,
        on_moved: Callable[[str, str], None] | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._max_requests = max_requests
        self._progress = progress
        self._cancel = cancel
        self._fresh_since = fresh_since
        self._on_moved = on_moved
        self._id_locks = KeyedLocks()
        self._gaps: dict[str, frozenset[str]] = {}  # of files read in this run: what their titles lack

    def __call__(self, job: Job) -> Outcome:
        """Scrape one title.

        Raises:
            SourceError: it could not be fetched or read.
        """
        if (saved := self._fresh(job)) is not None:
            return Outcome(job, Status.COMPLETED, saved.title, source="saved", fresh=True)
        self._progress.phase(job, "fetch", job.attempt)
        # Whoever starts a stopped run again asks anew: a title that spent all its requests on blocks gets one more.
        left = max(1, self._max_requests - job.spent)
        title = self._source.title(job.key, max_requests=left, cancel=self._cancel)
        self._progress.phase(job, "save", job.attempt)
        try:
            movie = self._save(title)
            moved = movie.imdb_id != job.key and IMDB_ID.fullmatch(job.key) is not None
            if moved and self._on_moved is not None:
                self._on_moved(job.key, movie.imdb_id)
        except FilmledgerError as error:
            return failed(job, error, requests=title.requests, size=title.size)
        if moved:
            log.info("%s has moved: saved as %s, %s", job.key, movie.imdb_id, movie.title)
        else:
            log.info("%s saved: %s", movie.imdb_id, movie.title)
        return Outcome(
            job,
            Status.COMPLETED,
            movie.title,
            size=title.size,
            requests=title.requests,
            source=title.source,
            missing=tuple(sorted(title.missing)),
            saved_as=movie.imdb_id if moved else "",
        )

    def _fresh(self, job: Job) -> Movie | None:
        """The saved record, if it is young enough to be left alone."""
        if self._fresh_since is None:
            return None
        saved = self._store.find(job.key)
        return None if saved is None or saved.scraped_at < self._fresh_since else saved

    def _save(self, title: FetchedTitle) -> Movie:
        """Save a title without loss of what other pages of it told, whichever of them is read first."""
        movie = replace(title.movie, source=title.source)
        with self._id_locks.hold(movie.imdb_id):  # two files of one title would miss each other's record
            movie, gaps = self._filled_newer(*self._filled(movie, title.missing))
            self._store.save(movie)
            if gaps and title.source == "file":  # whatever has another source is read once in a run
                self._gaps[movie.imdb_id] = gaps
            else:
                self._gaps.pop(movie.imdb_id, None)
        return movie

    def _filled_newer(self, movie: Movie, gaps: frozenset[str]) -> tuple[Movie, frozenset[str]]:
        """The saved record with its gaps filled from this one, if this is an older page; and the gaps that are left."""
        known = self._gaps.get(movie.imdb_id, frozenset())
        saved = self._store.find(movie.imdb_id) if known else None
        if saved is None or saved.scraped_at <= movie.scraped_at:
            return movie, gaps
        return replace(saved, **{name: getattr(movie, name) for name in known - gaps}), known & gaps

    def _filled(self, movie: Movie, missing: frozenset[str]) -> tuple[Movie, frozenset[str]]:
        """The movie, with what its page could not tell taken from the saved record; and the gaps that are left."""
        saved = self._store.find(movie.imdb_id) if missing else None
        if saved is not None:
            kept = {name: value for name in missing if (value := getattr(saved, name)) not in (None, ())}
        else:
            kept = {}
        if missing:
            log.warning(
                "%s: the page is incomplete, it does not tell %s%s",
                movie.imdb_id,
                ", ".join(sorted(missing)),
                f"; kept from the record before: {', '.join(sorted(kept))}" if kept else "",
            )
        return replace(movie, **kept), missing - kept.keys()
