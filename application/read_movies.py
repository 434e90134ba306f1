"""Reads the movies of a list of titles in their order, some at a time, without stores."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from application.ports import Job, JobExecutor, Outcome, Status, TitleSource
from domain.errors import FilmledgerError
from domain.movie import Movie


@dataclass(frozen=True, slots=True)
class ReadMovie:
    """One title of the list: its movie, or the reason why it could not be read."""

    imdb_id: str
    movie: Movie | None
    error: FilmledgerError | None = None


def read_movies(
    jobs: Iterator[Job],
    titles: TitleSource,
    executor: JobExecutor,
    *,
    ahead: int,
    max_requests: int,
    cancel: threading.Event,
) -> Generator[ReadMovie, None, None]:
    """Yields each title in the order of the list, as soon as it and all before it are read.

    Closing the iterator cancels the titles that are being fetched.

    Args:
        jobs: the list, with ``seq`` counting from 0.
        ahead: maximum number of titles fetched in advance.
        max_requests: maximum HTTP requests for one title.
        cancel: ends every wait; set when the iterator is closed.
    """
    read: dict[int, ReadMovie] = {}
    position = 0

    def listed() -> Iterator[Job | None]:
        started = 0
        try:
            for job in jobs:
                while started - position >= ahead:
                    yield None
                started += 1
                yield job
        except BaseException:
            cancel.set()  # titles in flight are no longer needed
            raise

    def work(job: Job) -> Outcome:
        try:
            fetched = titles.title(job.key, max_requests=max_requests, cancel=cancel)
        except FilmledgerError as error:
            read[job.seq] = ReadMovie(job.key, None, error)
            return Outcome(job, Status.FAILED, str(error))
        read[job.seq] = ReadMovie(job.key, replace(fetched.movie, rank=job.rank))
        return Outcome(job, Status.COMPLETED, fetched.movie.title)

    with closing(executor.execute(listed(), work, cancel)) as outcomes:
        try:
            for _ in outcomes:
                while position in read:
                    yield read.pop(position)
                    position += 1
        finally:
            cancel.set()
