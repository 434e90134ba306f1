"""Composes a run that reads the details of all stored people."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from application.people import SavePerson, people_jobs
from application.ports.runs import RunIdentity
from application.run_jobs import RunResult
from domain.fields import Table
from infrastructure.bootstrap.network import GRACE_SECONDS, downloader, people_source
from infrastructure.bootstrap.resume import ResumeOptions
from infrastructure.bootstrap.runs import RunSession
from infrastructure.bootstrap.stores import OpenStores

if TYPE_CHECKING:
    from infrastructure.http import Downloader


class PeopleOptions(msgspec.Struct, frozen=True):
    """The people to read.

    Attributes:
        limit: the first so many people only.
        max_age: details that were read longer ago are read again; ``None``: only missing ones are read.
    """

    limit: int | None = None
    max_age: timedelta | None = None


def run_people(session: RunSession, options: PeopleOptions, resume: ResumeOptions) -> RunResult:
    """Reads the details of the people in the stores."""
    with ExitStack() as stack:
        stack.enter_context(session.directory("people", None))
        opened = stack.enter_context(session.open_stores())
        network = stack.enter_context(downloader(session.settings, grace=GRACE_SECONDS))
        return fetch_people(session, opened, network, options, resume)


def fetch_people(
    session: RunSession, opened: OpenStores, network: Downloader, options: PeopleOptions, resume: ResumeOptions
) -> RunResult:
    """The same on open stores, as a run with a job log of its own."""
    settings, store = session.settings, opened.together
    older_than = None if options.max_age is None else session.clock.now() - options.max_age
    with ExitStack() as stack:
        job_log = stack.enter_context(session.job_log(RunIdentity("people", "all", limit=options.limit), resume))
        if not job_log.listed:
            job_log.list(islice(people_jobs(store.rows(Table.PEOPLE), older_than=older_than), options.limit))
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
        result = session.restore_edited_files(result, opened)
        job_log.close(result.stop_reason.value)
    session.output.run_ended(result, opened, "people")
    return result
