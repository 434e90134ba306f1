"""``posters``: the poster of each movie, fetched, checked, made small and kept."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from application.records import Table
from infrastructure.cli.exit_codes import complain
from infrastructure.cli.options import CommandContext, ResumeOptions, command_context, job_log_options
from infrastructure.cli.signals import graceful_stop

if TYPE_CHECKING:
    from application.run_jobs import RunResult
    from infrastructure.cli.session import Session
    from infrastructure.http import Downloader
    from infrastructure.stores.postgres.database import Database


@click.command("posters", short_help="Fetch the poster of each movie.")
@click.option("--no-disk-check", is_flag=True, help="Keep posters in the first of DATA_DIRS, however full.")
@job_log_options("posters")
@command_context
def posters(frame: CommandContext, no_disk_check: bool, job_log: ResumeOptions) -> None:
    """Fetch the posters of all movies in the database, where they are not here yet or have changed."""
    from infrastructure import bootstrap
    from infrastructure.cli.session import Session, exit_code

    cancel = threading.Event()
    session = Session(frame, frame.settings, cancel)
    with graceful_stop(cancel, complain) as interrupted, ExitStack() as stack:
        stack.enter_context(session.directory("posters", None))
        database = stack.enter_context(bootstrap.database_of(frame.settings, session.clock, cancel))
        downloader = stack.enter_context(bootstrap.downloader(frame.settings, grace=bootstrap.GRACE_SECONDS))
        ended = fetch_posters(session, database, downloader, job_log, disk_check=not no_disk_check)
    sys.exit(exit_code(ended, interrupted=interrupted.is_set()))


def fetch_posters(
    session: Session, database: Database, downloader: Downloader, wish: ResumeOptions, *, disk_check: bool
) -> RunResult:
    """The posters of all movies in the database, as a run of its own on a job log of its own."""
    from application.posters import SavePoster, asset_workers, poster_jobs
    from application.status import RunIdentity
    from infrastructure import bootstrap

    settings = session.settings
    addresses = bootstrap.poster_addresses(database)
    store = bootstrap.poster_store(settings, check=disk_check)
    with session.job_log(RunIdentity("posters", "all"), wish) as job_log:
        if not job_log.listed:
            job_log.list(poster_jobs(bootstrap.postgres_store(database).rows(Table.MOVIES)))
        session.tell_resumed(job_log)
        workers = asset_workers(
            settings.asset_workers,
            cores=os.cpu_count() or 1,
            jobs=job_log.counts.pending,
            parallel=settings.parallel and settings.parallel_assets,
        )
        crew = session.crew(job_log, workers)
        work = SavePoster(
            bootstrap.poster_source(downloader, store),
            store,
            addresses.get,
            max_requests=settings.max_requests,
            recheck_after=timedelta(hours=settings.poster_recheck_hours),
            progress=crew.progress,
            clock=session.clock,
            cancel=session.cancel,
        )
        ended = crew.carry_out("posters", work)
        store.finalize()
        job_log.close(ended.ending.value)
    session.tell(ended, noun="posters")
    return ended


COMMANDS = (posters,)
