"""How long a log of many jobs takes to be taken up again, and in how much memory.

    python -m tests.benchmarks.joblog --jobs 10000000

Writes a log as a run does (every job listed, 99 of 100 started and completed),
then opens it in a process of its own. Prints a table and, with ``--json``, JSON. Needs 400 bytes of disk a job.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from application.ports.runs import Job, RunIdentity
from infrastructure.joblog import lines
from infrastructure.joblog.file import AppendFile, JobLogFile
from infrastructure.joblog.status_file import JobLogStatus
from shared.clock import SystemClock

IDENTITY = RunIdentity("scrape", "ids.txt", "http://127.0.0.1")
STAMP = "2026-01-01T00:00:00.000000Z"


def main() -> int:
    """Run all steps, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measured(options.step, options.log, options.jobs)))  # noqa: T201
        return 0
    with tempfile.TemporaryDirectory(prefix="joblog-benchmark-") as folder:
        path = Path(folder) / "joblog.jsonl"
        results = []
        for step in STEPS:
            command = [sys.executable, "-m", __spec__.name, "--step", step, "--log", str(path)]
            answer = subprocess.run(
                [*command, "--jobs", str(options.jobs)], check=True, stdout=subprocess.PIPE, text=True
            ).stdout
            results.append(json.loads(answer))
            if not options.json:
                print(row(results[-1]), flush=True)  # noqa: T201
    if options.json:
        print(json.dumps({"jobs": options.jobs, "steps": results}, indent=2))  # noqa: T201
    return 0


def row(result: dict[str, object]) -> str:
    """One line of the table."""
    return (
        f"{result['step']:<28} {result['seconds']:>8.1f} s  {result['peak_mb']:>6.0f} MB peak  "
        f"{result['log_mb']:>6.0f} MB log  {result['pending']:>9} pending"
    )


def measured(step: str, path: Path, jobs: int) -> dict[str, object]:
    """Carry out one step and say what it took; the imports are not counted."""
    logging.disable(logging.WARNING)
    begin = time.perf_counter()
    pending = STEPS[step](path, jobs)
    return {
        "step": step,
        "seconds": round(time.perf_counter() - begin, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "log_mb": round(path.stat().st_size / 1e6),
        "pending": pending,
    }


def list_jobs(path: Path, jobs: int) -> int:
    """What a run does first, on a list of that many titles."""
    log = JobLogFile(path, IDENTITY, version="benchmark", clock=SystemClock())
    log.list(Job(seq, f"tt{seq + 1:07}") for seq in range(jobs))
    pending = log.counts.pending
    log.close("interrupted")
    return pending


def write_outcomes(path: Path, jobs: int) -> int:
    """What 99 of 100 jobs leave in the log, written in large pieces."""
    with path.open("rb") as file:
        run = json.loads(file.readline())["run"]
    out = AppendFile(path, SystemClock())
    for start in range(0, jobs, 10_000):
        out.append(lines.encode(*outcomes(run, range(start, min(start + 10_000, jobs)))), durable=True)
    out.close()
    return -(-jobs // 100)


def outcomes(run: str, numbers: range) -> Iterator[dict[str, object]]:
    """The lines of those jobs, in the form that ``JobLogFile`` gives them."""
    for seq in numbers:
        if seq % 100:
            yield {"kind": "started", "ts": STAMP, "run": run, "seq": seq}
            figures = {"bytes": 311610, "attempts": 1, "ms": 412, "source": "page"}
            yield {"kind": "completed", "ts": STAMP, "run": run, "seq": seq, "id": f"tt{seq + 1:07}", **figures}


def take_up(path: Path, jobs: int) -> int:
    """What a resume does before it works: open the log, and have the first pending job."""
    log = JobLogFile(path, IDENTITY, version="benchmark", clock=SystemClock())
    next(log.pending())
    assert log.resumed
    assert log.counts.pending == -(-jobs // 100)
    log.close("interrupted")
    return log.counts.pending


def stream(path: Path, jobs: int) -> int:
    """What a resume does in all: open the log, and have every pending job, one here and one there in the list."""
    log = JobLogFile(path, IDENTITY, version="benchmark", clock=SystemClock())
    pending = sum(1 for _ in log.pending())
    assert pending == log.counts.pending
    log.close("interrupted")
    return pending


def read_status(path: Path, jobs: int) -> int:
    """What the status command does."""
    logged = JobLogStatus(path).read()
    assert logged is not None
    return logged.counts.pending


STEPS = {
    "list all": list_jobs,
    "write outcomes": write_outcomes,
    "resume": take_up,
    "and all that is pending": stream,
    "status": read_status,
}

if __name__ == "__main__":
    sys.exit(main())
