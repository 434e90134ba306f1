"""Questions to the database, put together: one query, the reports, PostgreSQL's own shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from typing import TextIO

from domain.errors import UsageError
from infrastructure.bootstrap.stores import database_of, database_place
from shared.clock import Clock
from shared.settings import Settings


def write_answer(settings: Settings, clock: Clock, query: str, form: str, out: TextIO) -> None:
    """Runs one read-only query and writes its result.

    Args:
        settings: where the database is.
        clock: the time.
        query: one SQL statement that returns rows.
        form: a ``tables.rendering.Format``.
        out: where to.

    Raises:
        UsageError: the query is wrong or would write.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.stores.postgres.run_query import run_query
    from infrastructure.tables.rendering import Format, write

    with database_of(settings, clock) as database:
        write([run_query(database, query)], Format(form), out, headings=False)


def report_names() -> tuple[str, ...]:
    """The reports there are."""
    from infrastructure.stores.postgres.reports import report_names as names

    return names()


def write_reports(settings: Settings, clock: Clock, names: Iterable[str], form: str, out: TextIO) -> None:
    """Writes the reports named, or all.

    Raises:
        UsageError: there is no such report.
        StoreUnavailable: the database cannot be reached.
    """
    from infrastructure.stores.postgres.interrupts import interruptible
    from infrastructure.stores.postgres.reports import PostgresReports
    from infrastructure.tables.rendering import Format, write

    with database_of(settings, clock) as database, interruptible():
        write(PostgresReports(database).tables(names), Format(form), out)


def run_psql(settings: Settings, arguments: Iterable[str]) -> int:
    """Runs psql on the database with these arguments; returns its exit code.

    Raises:
        UsageError: psql is not installed.
        StoreUnavailable: the embedded server does not start.
    """
    from infrastructure.stores.postgres.address import environment_of

    with database_place(settings, settings.data_dir, existing=True) as place:
        shell = place.shell or shutil.which("psql")
        if shell is None:
            raise UsageError("psql is not installed: install your system's PostgreSQL client")
        # The address goes through the environment: every user of the machine can read command lines.
        # Ctrl-C is for psql, which cancels its query and stays; a handler, unlike SIG_IGN, is not inherited by it.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
        try:
            process = subprocess.run(  # noqa: S603 - psql, with what the user typed
                [shell, *arguments], env={**os.environ, **environment_of(place.address())}, check=False
            )
        finally:
            signal.signal(signal.SIGINT, before)
    return process.returncode
