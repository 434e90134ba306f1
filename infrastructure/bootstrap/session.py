"""Composes the parts of every run: a locked data directory, a job log, open stores, an executor, a display."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec

from application.ports.runs import Progress, RunIdentity
from application.run_jobs import RunContext, RunResult, StopReason
from domain.errors import UsageError
from infrastructure.bootstrap import JOB_LOGS, ResumeOptions
from infrastructure.bootstrap.network import retry_rule
from infrastructure.bootstrap.stores import OpenStores, disk_wait, make_equal, open_stores, restore_edited_files
from infrastructure.data_dir import DataDir
from infrastructure.executors import job_executor
from infrastructure.joblog.file import JobLogFile
from infrastructure.progress.displays import progress_for
from shared.clock import Clock
from shared.settings import Settings
from shared.version import VERSION


class RunOutput(Protocol):
    """Prints a run's messages for its user."""

    quiet: bool

    def say(self, line: str) -> None:
        """Prints a line, unless quiet."""

    def warn(self, message: str) -> None:
        """Prints a message that is shown even when quiet."""

    @property
    def interactive(self) -> bool:
        """Whether questions can be asked: the run is on a terminal, and neither quiet nor printing JSON."""

    def ask(self, question: str, cancel: threading.Event) -> bool:
        """Asks for a yes; anything else, and ``cancel`` while it waits, is a no."""

    def progress_begins(self) -> None:
        """Clears the start-up display before the progress display begins."""

    def run_opened(self, run_id: str) -> None:
        """Receives the id of the run whose job log was opened."""

    def run_ended(self, result: RunResult, opened: OpenStores | None, noun: str) -> None:
        """Prints the summary of a run; ``opened`` are the stores of its movies, if any were saved."""


class RunSession(msgspec.Struct, frozen=True):
    """One run on one data directory; ``cancel`` is set when it is to stop."""

    settings: Settings
    clock: Clock
    cancel: threading.Event
    output: RunOutput

    @contextmanager
    def directory(self, command: str, site: str | None = None) -> Iterator[None]:
        """Creates the data directory and locks it for this process.

        Args:
            command: the user's command, for the message in another process.
            site: the site that the run reads; ``None`` if it reads none.

        Raises:
            UsageError: it cannot be written, another process writes it, or it was filled from another site.
        """
        directory = DataDir(self.settings.data_dir)
        directory.prepare()
        with directory.lock(command, self.clock):
            if site is not None:
                directory.require_site(site)
            yield

    @contextmanager
    def job_log(self, identity: RunIdentity, resume: ResumeOptions) -> Iterator[JobLogFile]:
        """The job log of this run, continued or new.

        Raises:
            UsageError: it belongs to another run, or is not a job log; the list of failures cannot be written.
        """
        if resume.list_failed is not None:
            _require_writable(resume.list_failed)
        log = JobLogFile(
            resume.path or self.settings.data_dir / JOB_LOGS[identity.work],
            identity,
            version=VERSION,
            clock=self.clock,
            fresh=resume.fresh,
            retry_failed=resume.retry_failed,
            disk_wait=disk_wait(self.settings, self.cancel),
        )
        self.output.run_opened(log.run)
        try:
            yield log
            if resume.list_failed is not None:
                _list_failed(resume.list_failed, log)
        finally:
            log.close("error")  # does nothing if it was closed with another reason

    @contextmanager
    def open_stores(self) -> Iterator[OpenStores]:
        """Opens all stores for writing and makes them equal; may be entered on a thread of its own.

        Raises:
            UsageError: the database's address or schema is wrong, or a CSV file has other columns.
            StoreUnavailable: the database cannot be reached.
        """
        with open_stores(self.settings, self.clock, self.cancel) as opened:
            make_equal(opened, self.output.say)
            yield opened

    def close(self, result: RunResult, log: JobLogFile, opened: OpenStores) -> RunResult:
        """Restores what CSV files lack because another program wrote them, and closes the job log.

        Call it after finalizing the stores.

        Returns:
            The result, with whether there were such files.

        Raises:
            StoreError: a store cannot be read or written.
        """
        if result.stop_reason is not StopReason.STORE:
            result = replace(result, edited=restore_edited_files(opened, self.output.warn))
        log.close(result.stop_reason.value)
        return result

    def report_resumed(self, log: JobLogFile) -> None:
        """Prints the progress of the run that is continued."""
        if log.resumed and log.counts.pending < log.counts.total:
            done = log.counts.total - log.counts.pending
            self.output.say(f"continuing the unfinished run: {done} of {log.counts.total} are done")

    def context(self, log: JobLogFile, workers: int, progress: Progress | None = None) -> RunContext:
        """The context that executes the jobs; ``progress`` replaces the display on standard error."""
        self.output.progress_begins()
        return RunContext(
            executor=job_executor(workers),
            workers=workers,
            job_log=log,
            progress=progress
            or progress_for(
                sys.stderr, quiet=self.output.quiet, clock=self.clock, environ=os.environ, cancel=self.cancel
            ),
            rule=retry_rule(self.settings),
            clock=self.clock,
            cancel=self.cancel,
        )


def _require_writable(path: Path) -> None:
    """Refuses a list of failures that could not be written after the run."""
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise UsageError(f"--log-failed {path} cannot be written: {error.strerror}; name another") from error


def _list_failed(path: Path, log: JobLogFile) -> None:
    """Writes the failures as a list that ``--ids`` and ``--rerun-failed`` read."""
    with path.open("w", encoding="utf-8") as file:
        for failure in log.failures():
            detail = " ".join(failure.detail.split())
            file.write(f"{failure.key}  # {failure.reason}: {detail}\n")
