"""Composes the runs besides scraping: saved pages, and the details of people and the posters of stored titles."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from application.people import SavePerson, people_jobs
from application.ports.runs import Job, RunIdentity
from application.ports.stores import MovieRepository
from application.run_jobs import RunResult
from application.scrape_movie import ScrapeMovie
from domain.errors import UsageError
from domain.fields import Table
from infrastructure.bootstrap import ResumeOptions
from infrastructure.bootstrap.demo import is_from_demo
from infrastructure.bootstrap.files import poster_store, read_lines
from infrastructure.bootstrap.network import GRACE_SECONDS, downloader, people_source
from infrastructure.bootstrap.session import RunSession
from infrastructure.bootstrap.stores import OpenStores, open_stores
from shared.text import path_to_text

if TYPE_CHECKING:
    from infrastructure.http import Downloader


def run_parse(
    session: RunSession, resume: ResumeOptions, folder: Path, *, pattern: str, workers: int, only: Path | None = None
) -> RunResult:
    """Parses saved pages into all stores.

    Args:
        folder: of the files, including its subfolders.
        pattern: their names.
        workers: files at a time.
        only: a list of files, as ``--log-failed`` writes it; only these are parsed.

    Raises:
        UsageError: no file with such a name holds a page, or the list cannot be read.
    """
    from infrastructure.progress.displays import FileProgress
    from infrastructure.scraper.saved_pages import (
        FileTitleSource,
        FoundFiles,
        ParseFile,
        chart_to_rank_by,
        find_documents,
    )

    with ExitStack() as stack:
        if only is None:
            found = find_documents(folder, pattern)
            reasons = [f"{count} {reason}" for reason, count in sorted(found.passed_over.items())]
            if not found.keys:
                why = f" ({', '.join(reasons)})" if reasons else ""
                raise UsageError(f"no saved page in {folder} has a name like {pattern}{why}")
            for reason in reasons:
                session.output.say(f"passed over: {reason}")
        else:
            names = (line.split("  # ")[0].strip() for line in read_lines(only))
            found = FoundFiles(tuple(name for name in names if name), Counter())
        stack.enter_context(session.directory("parse"))
        job_log = stack.enter_context(session.job_log(RunIdentity("parse", path_to_text(folder.resolve())), resume))
        if not job_log.listed:
            job_log.list(Job(seq, key) for seq, key in enumerate(found.keys))
        session.report_resumed(job_log)
        chart = chart_to_rank_by(found.keys, session.cancel)
        source = FileTitleSource(session.clock, ranks=chart.ranks if chart else None)
        opened = stack.enter_context(session.open_stores())
        context = session.context(job_log, workers, progress=FileProgress(session.output.say))
        work = ScrapeMovie(source, opened.together, max_requests=1, progress=context.progress, cancel=session.cancel)
        result = context.execute(str(folder), ParseFile(work))
        opened.together.finalize()
        result = session.close(result, job_log, opened)
        session.output.run_ended(result, opened, "files")
    return result


def run_people(
    session: RunSession, resume: ResumeOptions, *, limit: int | None, max_age: timedelta | None
) -> RunResult:
    """Reads the details of the people in the stores.

    Args:
        limit: the first so many people only.
        max_age: details that were read longer ago are read again; ``None``: only missing ones are read.
    """
    with ExitStack() as stack:
        stack.enter_context(session.directory("people"))
        opened = stack.enter_context(session.open_stores())
        network = stack.enter_context(downloader(session.settings, grace=GRACE_SECONDS))
        return fetch_people(session, opened, network, resume, limit=limit, max_age=max_age)


def fetch_people(
    session: RunSession,
    opened: OpenStores,
    network: Downloader,
    resume: ResumeOptions,
    *,
    limit: int | None = None,
    max_age: timedelta | None = None,
) -> RunResult:
    """The same on open stores, as a run with a job log of its own."""
    settings, store = session.settings, opened.together
    older_than = None if max_age is None else session.clock.now() - max_age
    with ExitStack() as stack:
        job_log = stack.enter_context(session.job_log(RunIdentity("people", "all", limit=limit), resume))
        if not job_log.listed:
            job_log.list(islice(people_jobs(store.rows(Table.PEOPLE), older_than=older_than), limit))
        session.report_resumed(job_log)
        if not job_log.counts.total:
            known = next(store.rows(Table.PEOPLE), None) is not None
            session.output.say(
                "the details of all people are read; --max-age 30d reads those again that are older than 30 days"
                if known
                else f"no person is stored in {settings.data_dir}; scrape a chart or a list of titles first"
            )
        context = session.context(job_log, settings.threads)
        work = SavePerson(
            people_source(settings, network, session.clock),
            store,
            max_requests=settings.max_requests,
            progress=context.progress,
            cancel=session.cancel,
        )
        result = context.execute("people", work)
        store.finalize()
        result = session.close(result, job_log, opened)
    session.output.run_ended(result, opened, "people")
    return result


def run_posters(session: RunSession, resume: ResumeOptions, *, disk_check: bool) -> RunResult:
    """Fetches the posters of all movies in the stores."""
    with ExitStack() as stack:
        stack.enter_context(session.directory("posters"))
        opened = stack.enter_context(
            open_stores(session.settings, session.clock, session.cancel, existing=True, read_only=True)
        )
        network = stack.enter_context(downloader(session.settings, grace=GRACE_SECONDS))
        return fetch_posters(session, opened.together, network, resume, disk_check=disk_check)


def fetch_posters(
    session: RunSession, movies: MovieRepository, network: Downloader, resume: ResumeOptions, *, disk_check: bool
) -> RunResult:
    """The same on open stores, as a run with a job log of its own."""
    from application.posters import SavePoster, asset_workers, poster_jobs
    from infrastructure.posters import HttpPosterSource

    settings = session.settings
    url = Table.MOVIES.column_index("poster_url")
    addresses = {str(row[0]): address for row in movies.rows(Table.MOVIES) if (address := row[url])}
    if is_from_demo(settings):  # the demo site had another port when the titles were read
        addresses = {imdb_id: settings.site + urlsplit(address).path for imdb_id, address in addresses.items()}
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
            HttpPosterSource(network, store.options.full_width),
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
