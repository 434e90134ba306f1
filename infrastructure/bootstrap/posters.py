"""Composes the poster store, the poster source, and a run that fetches posters."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from application.ports.publishing import PosterSource
from application.ports.runs import RunIdentity
from application.ports.stores import MovieRepository
from application.posters import SavePoster, asset_workers, poster_jobs
from application.run_jobs import RunResult
from domain.fields import Table
from infrastructure.bootstrap.demo import is_from_demo
from infrastructure.bootstrap.files import destinations
from infrastructure.bootstrap.network import GRACE_SECONDS, downloader
from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.bootstrap.runs import RunSession
from infrastructure.bootstrap.stores import open_stores
from shared.settings import Settings

if TYPE_CHECKING:
    from infrastructure.http import Downloader
    from infrastructure.posters import PosterFolder


def run_posters(session: RunSession, resume: ResumeOptions, *, disk_check: bool) -> RunResult:
    """Fetches the posters of all movies in the stores."""
    with ExitStack() as stack:
        stack.enter_context(session.directory("posters", None))
        opened = stack.enter_context(
            open_stores(session.settings, session.clock, session.cancel, existing=True, read_only=True)
        )
        network = stack.enter_context(downloader(session.settings, grace=GRACE_SECONDS))
        return fetch_posters(session, opened.together, network, resume, disk_check=disk_check)


def fetch_posters(
    session: RunSession, movies: MovieRepository, network: Downloader, resume: ResumeOptions, *, disk_check: bool
) -> RunResult:
    """The same on open stores, as a run with a job log of its own."""
    settings = session.settings
    addresses = poster_addresses(movies)
    if is_from_demo(settings):  # the demo site had another port when the titles were read
        addresses = {imdb_id: settings.site + urlsplit(url).path for imdb_id, url in addresses.items()}
    store = poster_store(settings, check=disk_check)
    with session.job_log(RunIdentity("posters", "all"), resume) as job_log:
        if not job_log.listed:
            job_log.list(poster_jobs(movies.rows(Table.MOVIES)))
        session.report_resumed(job_log)
        workers = asset_workers(
            settings.asset_workers,
            cores=os.cpu_count() or 1,
            jobs=job_log.counts.pending,
            parallel=settings.parallel and settings.parallel_assets,
        )
        context = session.context(job_log, workers)
        work = SavePoster(
            poster_source(network, store),
            store,
            addresses.get,
            max_requests=settings.max_requests,
            recheck_after=timedelta(hours=settings.poster_recheck_hours),
            progress=context.progress,
            clock=session.clock,
            cancel=session.cancel,
        )
        result = context.execute("posters", work)
        store.finalize()
        job_log.close(result.stop_reason.value)
    session.output.run_ended(result, None, "posters")
    return result


def poster_store(settings: Settings, *, check: bool = True) -> PosterFolder:
    """The poster store on the disks of DATA_DIRS, with its manifest in the data directory.

    Raises:
        UsageError: a folder cannot be made.
        StoreUnavailable: the manifest cannot be read.
    """
    from infrastructure.posters import EncodingOptions, PosterFolder, within

    placement = within(destinations(settings, check=check).reserve) if settings.data_dirs else None
    options = EncodingOptions(optimize=settings.optimize_assets)
    return PosterFolder(settings.data_dir / "posters", options, placement=placement)


def poster_source(opened: Downloader, store: PosterFolder) -> PosterSource:
    """The source of posters, in the width that the store keeps."""
    from infrastructure.posters import HttpPosterSource

    return HttpPosterSource(opened, store.options.full_width)


def poster_addresses(movies: MovieRepository) -> dict[str, str]:
    """The poster's address of each movie that has one, by IMDb id."""
    columns = Table.MOVIES.columns
    place = columns.index("poster_url")
    return {str(row[0]): url for row in movies.rows(Table.MOVIES) if (url := row[place])}
