"""A run with many workers on the terminal it is started on: ``python -m ... on_a_terminal JOBS WORKERS``."""

from __future__ import annotations

import logging
import os
import sys
import threading

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.displays import progress_for
from shared.clock import SystemClock
from shared.logs import LogOptions, configure

log = logging.getLogger("application.example")


def main(jobs: int, workers: int) -> None:
    """Shows the workers until a line of input comes, then ends all jobs: the test sets the pace, not a clock."""
    configure(LogOptions())
    display = progress_for(sys.stderr, quiet=False, clock=SystemClock(), environ=os.environ)
    display.begin("Top 250", jobs)
    active = [Job(number, f"tt{number:07}", number + 1, label=f"Film {number}") for number in range(workers)]
    threads = [threading.Thread(target=display.phase, args=(job, "fetch", 1 + job.seq % 2)) for job in active]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    display.note("a note for the user")
    log.warning("a warning from a module")
    print("ready", flush=True)  # noqa: T201 - to the test, through a pipe
    sys.stdin.readline()
    for number in range(jobs):
        status = Status.FAILED if number == 7 else Status.COMPLETED
        display.done(Outcome(Job(number, f"tt{number:07}"), status, size=1_600_000))
    display.end()
    print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
