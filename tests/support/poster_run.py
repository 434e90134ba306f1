"""Posters from a demo site onto a store, on the same engine as a run, without a data directory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from application.ports.runs import Job, Outcome
from application.posters import SavePoster
from application.run_jobs import RetryRule, RunContext
from infrastructure.executors import job_executor
from infrastructure.http import Downloader
from infrastructure.posters import HttpPosterSource, PosterFolder
from shared.clock import Clock, SystemClock
from tests.support.joblog import MemoryJobLog
from tests.support.progress import RecordingProgress


def fetch_posters(
    downloader: Downloader,
    store: PosterFolder,
    addresses: Mapping[str, str],
    *,
    workers: int = 4,
    recheck_after: timedelta = timedelta(days=7),
    clock: Clock | None = None,
) -> dict[str, Outcome]:
    """What came of each poster, by id."""
    cancel = threading.Event()
    clock = clock or SystemClock()
    progress = RecordingProgress()
    work = SavePoster(
        HttpPosterSource(downloader, store.options.full_width),
        store,
        addresses.get,
        max_requests=3,
        recheck_after=recheck_after,
        progress=progress,
        clock=clock,
        cancel=cancel,
    )
    context = RunContext(
        executor=job_executor(workers),
        workers=workers,
        job_log=MemoryJobLog(),
        progress=progress,
        rule=RetryRule(retries=0, max_requests=3, delay=0, max_delay=0),
        clock=clock,
        cancel=cancel,
    )
    jobs = (Job(seq, imdb_id) for seq, imdb_id in enumerate(addresses))
    outcomes = {
        outcome.job.key: outcome for outcome in context.executor.execute(jobs, partial(context.attempt, work), cancel)
    }
    store.finalize()
    return outcomes
