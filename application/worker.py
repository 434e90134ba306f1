"""The one edge of every worker: whatever a job's work raises becomes a recorded outcome here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from application.ports import Job, JobLog, Outcome, Progress, Status
from domain.errors import Blocked, Cancelled, FilmledgerError, InvalidMovie, SourceError, StoreUnavailable
from shared.clock import Clock

log = logging.getLogger(__name__)


class Worker:
    """Carries out one job and answers how it ended. Called from many threads at once; never raises.

    Args:
        work: does the job; may raise anything.
        progress, job_log: told that the job has begun.
        clock: for the time it takes.
        scope: entered around each job, so that its log lines stay together.
    """

    def __init__(
        self,
        work: Callable[[Job], Outcome],
        *,
        progress: Progress,
        job_log: JobLog,
        clock: Clock,
        scope: Callable[[Job], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._work = work
        self._progress = progress
        self._job_log = job_log
        self._clock = clock
        self._scope = scope

    def __call__(self, job: Job) -> Outcome:
        began = self._clock.monotonic()
        with self._scope(job):
            try:
                self._progress.started(job)
                self._job_log.started(job)
                outcome = self._work(job)
            except FilmledgerError as error:
                outcome = failed(job, error)
            except Exception as error:
                log.exception("%s failed unexpectedly", job.key)
                outcome = Outcome(job, Status.FAILED, f"{type(error).__name__}: {error}", type(error).__name__)
            if outcome.status is Status.FAILED:
                log.info("%s failed: %s", job.key, outcome.detail)
        return replace(outcome, milliseconds=round((self._clock.monotonic() - began) * 1000))


def failed(job: Job, error: FilmledgerError, *, requests: int = 0, size: int = 0) -> Outcome:
    """What came of a job that ended in an error of ours.

    A store that has gone away and a site that refuses are no fault of the job:
    it stays pending, as it does when the run was stopped.

    Args:
        job: which one.
        error: why.
        requests, size: spent before the error; what the error itself tells is added.
    """
    if isinstance(error, SourceError | InvalidMovie):
        requests, size = requests + error.requests, size + error.size
    return Outcome(
        job,
        Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED,
        str(error),
        type(error).__name__,
        retry=error.retry or isinstance(error, Blocked | Cancelled),
        blocked=isinstance(error, Blocked),
        unavailable=isinstance(error, StoreUnavailable),
        requests=requests,
        size=size,
    )
