"""Executes one job in a worker thread: any error becomes a recorded outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from application.ports import Job, JobLog, Outcome, Progress, Status
from domain.errors import (
    Blocked,
    Cancelled,
    FilmledgerError,
    InvalidMovie,
    SourceError,
    StoreUnavailable,
    UnusablePicture,
)
from shared.clock import Clock
from shared.events import log_event

log = logging.getLogger(__name__)


class Worker:
    """Executes one job and returns its outcome. Thread-safe; never raises.

    Args:
        work: executes the job; may raise anything.
        progress, job_log: notified of the begin of the job.
        clock: measures the time of the job.
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
                log_event(
                    log,
                    "title_failed",
                    "%s failed: %s",
                    job.key,
                    outcome.detail,
                    id=job.key,
                    rank=job.rank,
                    attempt=job.attempt,
                    reason=outcome.reason,
                    detail=outcome.detail,
                    retry=outcome.retry,
                )
        return replace(outcome, milliseconds=round((self._clock.monotonic() - began) * 1000))


def failed(job: Job, error: FilmledgerError, *, requests: int = 0, size: int = 0) -> Outcome:
    """Makes the outcome of a job that ended in an error of this program.

    When a store is unavailable, the site refuses, or the run was stopped, the job
    stays pending, because it is not the cause.

    Args:
        requests, size: used before the error; those of the error itself are added.
    """
    if isinstance(error, SourceError | InvalidMovie):
        requests, size = requests + error.requests, size + error.size
    return Outcome(
        job,
        Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED,
        str(error),
        type(error).__name__,
        retry=error.retry or isinstance(error, Blocked | Cancelled),
        minor=isinstance(error, UnusablePicture),
        blocked=isinstance(error, Blocked),
        unavailable=isinstance(error, StoreUnavailable),
        requests=requests,
        size=size,
    )
