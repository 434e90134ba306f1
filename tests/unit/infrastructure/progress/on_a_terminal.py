"""A run with fifty workers on the terminal it is started on: ``python -m ... on_a_terminal JOBS WORKERS``."""

from __future__ import annotations

import logging
import os
import sys
import threading

from application.ports import Job, Outcome, Status
from infrastructure.progress.choice import progress_for
from shared.clock import SystemClock
from shared.log_options import LogOptions
from shared.logging_setup import configure

log = logging.getLogger("application.example")


def main(jobs: int, workers: int) -> None:
    """Show the workers until a line of input comes, then end all jobs: the test and not a clock sets the pace."""
    configure(LogOptions())
    face = progress_for(sys.stderr, quiet=False, clock=SystemClock(), environ=os.environ)
    face.begin("Top 250", jobs)
    busy = [Job(number, f"tt{number:07}") for number in range(workers)]
    threads = [threading.Thread(target=face.phase, args=(job, "fetch", 1 + job.seq % 2)) for job in busy]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    face.note("a note for the user")
    log.warning("a warning from a module")
    print("ready", flush=True)  # noqa: T201 - to the test, through a pipe
    sys.stdin.readline()
    for number in range(jobs):
        status = Status.FAILED if number == 7 else Status.COMPLETED
        face.done(Outcome(Job(number, f"tt{number:07}"), status, size=1_600_000))
    face.end()
    print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
