"""The work of one scraping job: fetch, read and save a title, and report its outcome."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from typing import Final

from application.merge_readings import Provenance, Reading, is_bounded, merge, stored_reading, with_newest_figures
from application.ports.runs import Job, Outcome, Progress, Status
from application.ports.sources import FetchedTitle, TitleSource
from application.ports.stores import MovieRepository
from application.records import is_from_future, timestamp, to_rows
from application.run_jobs import failed
from domain.errors import FilmledgerError, StoreError, StoreUnavailable
from domain.fields import Source, Table
from domain.movie import IMDB_ID, Movie
from shared.clock import Clock, SystemClock
from shared.logs import log_event
from shared.threads import KeyedLocks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Freshness:
    """Decides which stored records a run keeps instead of reading their titles again.

    Attributes:
        since: older records are read again.
        cut_since: likewise, for records that lack what their response should have contained.
        cast_shown: for a run that reads whole casts: records with no more of a longer cast are read again.
        data_files: keep records that only the data files gave, because the run has no other source.
    """

    since: datetime
    cut_since: datetime
    cast_shown: int | None = None
    data_files: bool = False

    def keeps(self, movie: Movie) -> bool:
        if movie.scraped_at < self.since or (movie.incomplete and movie.scraped_at < self.cut_since):
            return False
        if movie.source == Source.DATASETS and not self.data_files:
            return False
        return self.cast_shown is None or len(movie.cast) > self.cast_shown or not is_bounded(movie)


@dataclass(frozen=True, slots=True)
class ScrapeMovie:
    """The work of a scraping job. Thread-safe.

    Attributes:
        max_requests: maximum HTTP requests for one title in a run.
        freshness: the records that it leaves unchanged; ``None``: none.
        clock: decides whether a saved record was read in the future.
        on_moved: called with the old and the new id of a title that IMDb has moved, after it was saved.
    """

    source: TitleSource
    store: MovieRepository
    _: KW_ONLY
    max_requests: int
    progress: Progress
    cancel: threading.Event
    freshness: Freshness | None = None
    on_moved: Callable[[str, str], None] | None = None
    clock: Clock = field(default_factory=SystemClock)
    _id_locks: KeyedLocks = field(default_factory=KeyedLocks, init=False)
    # Of the titles of files that were read in this run.
    _provenance: dict[str, Provenance] = field(default_factory=dict, init=False)

    def __call__(self, job: Job) -> Outcome:
        """Scrapes one title.

        Raises:
            SourceError: it could not be fetched or read.
        """
        if (saved := self._fresh(job)) is not None:
            return Outcome(job, Status.COMPLETED, saved.title, source="saved", fresh=True)
        self.progress.phase(job, "fetch", job.attempt)
        # A title that used all its requests on blocks gets one more when a stopped run is continued.
        left = max(1, self.max_requests - job.spent)
        title = self.source.title(job.key, max_requests=left, cancel=self.cancel)
        self.progress.phase(job, "save", job.attempt)
        try:
            movie = self._save(title)
            moved = movie.imdb_id != job.key and IMDB_ID.fullmatch(job.key) is not None
            if moved and self.on_moved is not None:
                self.on_moved(job.key, movie.imdb_id)
        except FilmledgerError as error:
            return failed(job, error, requests=title.requests, size=title.size)
        log_event(
            log,
            "title_saved",
            "%s has moved: saved as %s, %s" if moved else "%s saved: %s",
            *((job.key, movie.imdb_id) if moved else (movie.imdb_id,)),
            movie.title,
            id=movie.imdb_id,
            moved_from=job.key if moved else None,
            rank=job.rank,
            title=movie.title,
            source=title.source,
            missing=sorted(title.missing),
            requests=title.requests,
            bytes=title.size,
        )
        return Outcome(
            job,
            Status.COMPLETED,
            movie.title,
            size=title.size,
            requests=title.requests,
            source=title.source,
            missing=_reported(title),
            saved_as=movie.imdb_id if moved else "",
        )

    def _fresh(self, job: Job) -> Movie | None:
        """The saved record, if it is recent enough to be left unchanged."""
        if self.freshness is None:
            return None
        saved = self.store.find(job.key)
        return saved if saved is not None and self.freshness.keeps(saved) else None

    def _save(self, title: FetchedTitle) -> Movie:
        """Saves a title without losing what its other sources have read, in any order of the sources."""
        movie = replace(title.movie, source=title.source, incomplete=tuple(sorted(title.cut)))
        of_file = title.source == Source.FILE  # other sources are read once in a run, and newer than the saved record
        reading = Reading(movie, title.missing)
        with self._id_locks.hold(movie.imdb_id):  # two files of one title would miss each other's record
            saved = None
            if of_file or reading.missing or is_bounded(movie) or movie.imdb_id in self._provenance:
                saved = self.store.find(movie.imdb_id)
            if saved is not None:
                reading = self._merged(reading, saved)
            if saved is not None and saved.scraped_at > reading.movie.scraped_at and _is_outranked(saved, movie):
                self._put_in_place(saved, reading.movie)
            else:
                self.store.save(reading.movie)
            if of_file:
                self._save_people_left_out(movie, reading.movie)
                self._provenance[movie.imdb_id] = (
                    reading.missing, reading.told_at, reading.longer_cast, reading.names,
                )  # fmt: skip
        if title.cut:
            filled = title.cut - set(reading.movie.incomplete or ())
            log.info(  # the summary counts it
                "%s: the source is incomplete in %s%s",
                movie.imdb_id,
                ", ".join(sorted(title.cut)),
                f"; kept from the saved record: {', '.join(sorted(filled))}" if filled else "",
            )
        return reading.movie

    def _save_people_left_out(self, read: Movie, saved: Movie) -> None:
        """Saves the people of a file whose credits another file of the title replaces, as if read later."""
        kept = {credit.person.person_id for credit in saved.credits}
        if rows := [row for row in to_rows(read).people if row[0] not in kept]:
            self.store.save_rows(Table.PEOPLE, rows)

    def _put_in_place(self, saved: Movie, movie: Movie) -> None:
        """Replaces the saved record by an older one; where a store cannot, all keep the saved one."""
        try:
            self.store.replace(movie.imdb_id, movie)
        except StoreError:
            with suppress(StoreUnavailable):  # that store has not changed; the error that is raised names it
                self.store.replace(movie.imdb_id, saved)
            raise

    def _merged(self, reading: Reading, saved: Movie) -> Reading:
        """This reading merged with the saved record."""
        provenance = self._provenance.get(saved.imdb_id)
        outranked = _is_outranked(saved, reading.movie)
        other = stored_reading(saved, outranked=outranked) if provenance is None else Reading(saved, *provenance)
        stored, read = timestamp(saved.scraped_at), timestamp(reading.movie.scraped_at)
        in_future = is_from_future(stored, read, self.clock.now())
        later = stored > read and not in_future and not outranked
        if provenance is not None and saved.scraped_at == reading.movie.scraped_at:
            later = repr(saved) > repr(reading.movie)  # files give the same record in any order
        merged = merge(other, reading) if later else merge(reading, other)
        if in_future:
            return merged
        return replace(merged, movie=with_newest_figures(merged.movie, [merged.movie, saved]))


def _is_outranked(saved: Movie, movie: Movie) -> bool:
    """Whether a saved record is from data files, which know less of a title than the source of the other one."""
    return saved.source == Source.DATASETS != movie.source


_CREDITS: Final = ("directors", "cast")


def _reported(title: FetchedTitle) -> tuple[str, ...]:
    """The missing fields to report: those that were cut, and those that almost every title has."""
    if title.source == Source.DATASETS:  # fields that these sources never have are reported once for all titles
        return tuple(sorted(title.cut))
    common = {field.name for field in Table.MOVIES.fields if field.warn_if_rare}.union(_CREDITS)
    return tuple(sorted(title.cut | title.untold & common))
