"""How many jobs a second the engine carries out when the jobs themselves cost nothing.

    python -m tests.benchmarks.engine --jobs 100000 --workers 50

The real executor, job log, totals and live screen; a source that answers at
once and stores that keep nothing. Memory is taken at a tenth and at the end:
the difference is what a job leaves behind.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from rich.console import Console

from application.ports.runs import Job, Outcome, RunIdentity, Status
from application.run_jobs import RetryRule, RunContext
from infrastructure.executors import job_executor
from infrastructure.joblog.file import JobLogFile
from infrastructure.progress.displays import GuardedProgress
from infrastructure.progress.live import LiveProgress
from shared.clock import SystemClock
from shared.logs import LogOptions, configure


def main() -> int:
    """Run once and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engine-benchmark-") as folder:
        result = measured(Path(folder), options.jobs, options.workers)
    if options.json:
        print(json.dumps(result))  # noqa: T201
    else:
        print(  # noqa: T201
            f"{result['jobs']:,} jobs, {result['workers']} workers: {result['seconds']:.1f} s, "
            f"{result['jobs_per_second']:,.0f} a second, {result['mb_at_a_tenth']:.1f} MB at a tenth, "
            f"{result['mb_at_the_end']:.1f} MB at the end"
        )
    return 0


def measured(folder: Path, jobs: int, workers: int) -> dict[str, float]:
    """One run of so many jobs; listing them is not counted."""
    clock = SystemClock()
    process = psutil.Process()
    logs = configure(LogOptions())
    job_log = JobLogFile(folder / "joblog.jsonl", RunIdentity("benchmark", "ids"), version="0", clock=clock)
    job_log.list(Job(0, f"tt{number:07}") for number in range(1, jobs + 1))
    memory: dict[int, float] = {}

    def work(job: Job) -> Outcome:
        if job.seq in (jobs // 10, jobs - 1):
            memory[job.seq] = process.memory_info().rss / 1e6
        return Outcome(job, Status.COMPLETED, size=1000, requests=1, source="page")

    with open(os.devnull, "w", encoding="utf-8") as sink:  # noqa: PTH123 - a name, not a path
        face = LiveProgress(Console(file=sink, force_terminal=True, width=120, height=60), clock)
        progress = GuardedProgress(face)
        context = RunContext(
            executor=job_executor(workers),
            workers=workers,
            job_log=job_log,
            progress=progress,
            rule=RetryRule(3, 6, 0.1, 1.0),
            clock=clock,
            cancel=threading.Event(),
        )
        begin = time.perf_counter()
        ended = context.execute("benchmark", work)
        seconds = time.perf_counter() - begin
    assert ended.summary.fetched == job_log.counts.completed == jobs
    job_log.close("finished")
    logs.close()
    return {
        "jobs": jobs,
        "workers": workers,
        "seconds": round(seconds, 2),
        "jobs_per_second": round(jobs / seconds),
        "mb_at_a_tenth": round(memory[jobs // 10], 1),
        "mb_at_the_end": round(memory[jobs - 1], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
