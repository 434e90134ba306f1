"""What runs of every kind have in common: a locked data directory, a job log, a crew, closing words."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from application.ports import Progress
from application.run_jobs import RunResult, StopReason
from application.scrape import RunContext
from application.status import RunIdentity
from domain.errors import UnusablePicture, UsageError
from infrastructure import bootstrap
from infrastructure.cli.exit_codes import Exit, complain
from infrastructure.cli.options import JOB_LOGS, CommandContext, ResumeOptions
from infrastructure.data_dir.directory import DataDir
from infrastructure.executors import job_executor
from infrastructure.joblog.opening import open_job_log
from infrastructure.progress.choice import progress_for
from shared.clock import Clock
from shared.log_options import SCREEN
from shared.logging_setup import job_log_scope
from shared.settings import Settings

if TYPE_CHECKING:
    from application.composite_repository import CompositeMovieRepository
    from infrastructure.bootstrap import Place
    from infrastructure.joblog.file import JobLogFile
    from infrastructure.stores.postgres.database import Database

screen = logging.getLogger(SCREEN)
_EXAMPLE = "select rank, title, rating from movies order by rank limit 10"


@dataclass(frozen=True, slots=True)
class OpenStores:
    """What a run keeps its movies in."""

    place: Place
    database: Database
    store: CompositeMovieRepository


class Session:
    """One run on one data directory.

    Args:
        frame: of the command.
        settings: of the run.
        cancel: set when the run is to stop.
    """

    def __init__(self, frame: CommandContext, settings: Settings, cancel: threading.Event) -> None:
        self.settings = settings
        self.cancel = cancel
        self.clock: Clock = bootstrap.clock_of(os.environ)
        self._quiet = frame.quiet
        self._logging = frame.logging

    def say(self, line: str) -> None:
        """A line on standard output, unless quiet; the log file has it in any case."""
        screen.info("%s", line)
        if not self._quiet:
            click.echo(line)

    @contextmanager
    def directory(self, command: str, site: str | None) -> Iterator[None]:
        """The data directory, made, ours alone, and of this site.

        Raises:
            UsageError: it cannot be written, another process writes it, or it was filled from another site.
        """
        directory = DataDir(self.settings.data_dir)
        directory.prepare()
        with directory.lock(command, self.clock):
            if site is not None:
                directory.require_site(site)
            yield

    def claim(self, site: str) -> None:
        """Note where the data directory is filled from, now that something comes from there.

        Raises:
            UsageError: the note cannot be written.
        """
        DataDir(self.settings.data_dir).claim(site)

    @contextmanager
    def job_log(self, identity: RunIdentity, wish: ResumeOptions) -> Iterator[JobLogFile]:
        """The log of this run, continued or begun.

        Raises:
            UsageError: it is of another run, or is no job log; the list of failures cannot be written.
        """
        if wish.list_failed is not None:
            _require_writable(wish.list_failed)
        log = open_job_log(
            wish.path or self.settings.data_dir / JOB_LOGS[identity.work],
            identity,
            version=bootstrap.VERSION,
            clock=self.clock,
            fresh=wish.fresh,
            retry_failed=wish.retry_failed,
            disk_wait=bootstrap.disk_wait(self.settings, self.cancel),
        )
        self._logging.run = log.run
        try:
            yield log
            if wish.list_failed is not None:
                _list_failed(wish.list_failed, log)
        finally:
            log.close("error")  # a no-op where it was closed for a better reason

    @contextmanager
    def keeping(self) -> Iterator[OpenStores]:
        """Database and both stores; may be entered on a thread of its own.

        Raises:
            UsageError: the database's address or schema is wrong, or a CSV file of another shape stands there.
            StoreUnavailable: the database cannot be reached.
        """
        settings = self.settings
        with (
            bootstrap.database_place(settings, settings.data_dir, self.cancel) as place,
            bootstrap.database(settings, place, self.clock, self.cancel) as database,
            bootstrap.stores(settings, database, self.cancel) as store,
        ):
            yield OpenStores(place, database, store)

    def tell_resumed(self, log: JobLogFile) -> None:
        """Say how far the run came that is continued."""
        if log.resumed and log.counts.pending < log.counts.total:
            done = log.counts.total - log.counts.pending
            self.say(f"going on with the unfinished run: {done} of {log.counts.total} are done")

    def crew(self, log: JobLogFile, workers: int, face: Progress | None = None) -> RunContext:
        """Those who carry the jobs out; ``face`` shows them instead of the one that suits the output."""
        return RunContext(
            executor=job_executor(workers),
            workers=workers,
            job_log=log,
            progress=face or progress_for(sys.stderr, quiet=self._quiet, clock=self.clock, environ=os.environ),
            rule=bootstrap.retry_rule(self.settings),
            clock=self.clock,
            cancel=self.cancel,
            scope=lambda job: job_log_scope(job.key),
        )

    def tell(self, ended: RunResult, place: Place | None = None, noun: str = "titles") -> None:
        """The closing words: what came of it, where the data is, how to look at it."""
        from infrastructure.progress.closing import closing_lines

        for line in closing_lines(ended.summary, noun=noun):
            self.say(line)
        if ended.ending is StopReason.BLOCKED:
            from infrastructure.http.breaker import ADVICE  # not before it is needed: `parse` has no network

            complain(f"the site refuses programs: {ended.message.removesuffix(f'; {ADVICE}')}")
            complain(
                "what was saved stays saved, the rest stays pending. Wait some hours and run the same command again,"
            )
            complain("or configure proxies of your own, or set DETAIL_SOURCE=graphql, or save pages with a browser")
            complain(f"and read them with `{_this_program()} parse FOLDER`")
        elif ended.ending is StopReason.STORE:
            complain(f"stopped, because a store cannot take anything: {ended.message}")
            complain("what was saved stays saved, the rest stays pending")
        if place is None:
            return
        folder = self.settings.data_dir
        self.say(f"CSV files: {folder}/movies.csv, people.csv, credits.csv")
        where = f"in {folder / 'postgres'}" if place.embedded else "the server you configured"
        self.say(f"PostgreSQL: {where}; look at it with")
        self.say(f'  {self.call("sql")} "{_EXAMPLE}"')

    def call(self, command: str) -> str:
        """How the user calls another command on the same data directory, to be pasted as it stands."""
        folder = self.settings.data_dir
        option = "" if folder == Path("data") else f" --data-dir {shlex.quote(str(folder))}"
        return f"{_this_program()} {command}{option}"


def _this_program() -> str:
    """The interpreter and the script as this process was started."""
    python = Path(sys.executable)
    if shutil.which("python") == sys.executable:
        python = Path("python")
    elif python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return shlex.join([str(python), sys.argv[0]])


def exit_code(*runs: RunResult, interrupted: bool) -> Exit:
    """What runs that ended this way, one after the other, answer to the shell."""
    if interrupted:
        return Exit.INTERRUPTED
    if any(ended.ending is StopReason.BLOCKED for ended in runs):
        return Exit.BLOCKED
    return Exit.FAILED if any(_has_failed(ended) for ended in runs) else Exit.DONE


def _has_failed(ended: RunResult) -> bool:
    # A picture that cannot be shown is a warning: told and counted, but the film is whole without it.
    return ended.ending is not StopReason.FINISHED or any(
        reason != UnusablePicture.__name__ for reason, _ in ended.summary.reasons
    )


def _require_writable(path: Path) -> None:
    """Better now than after the last title.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise UsageError(f"--log-failed {path} cannot be written: {error.strerror}; name another") from error


def _list_failed(path: Path, log: JobLogFile) -> None:
    """The failures as a list that ``--ids`` and ``--rerun-failed`` read."""
    with path.open("w", encoding="utf-8") as file:
        for failure in log.failures():
            detail = " ".join(failure.detail.split())
            file.write(f"{failure.key}  # {failure.reason}: {detail}\n")
