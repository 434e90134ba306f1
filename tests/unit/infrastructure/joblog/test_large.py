"""Logs larger than memory should ever be asked to hold."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, Status
from infrastructure.joblog import lines
from tests.unit.infrastructure.joblog.conftest import Opener, begun, titles

READS = """
import json, resource, sys
from pathlib import Path
from infrastructure.joblog.state import read_state
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
state, _ = read_state(Path(sys.argv[1]))
print(json.dumps({
    "done": sorted(state.done), "unreadable": state.unreadable,
    "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
}))
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_gigabytes_of_garbage_are_read_in_little_memory(path: Path, opened: Opener) -> None:
    begun(opened, path)
    run = json.loads(path.read_bytes().splitlines()[0])["run"]
    garbage = (b'{"kind":"completed","run":"' + b"x" * 70 + b'"\n') * 10_000
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.truncate(file.tell() + (1 << 30))  # a hole: a gigabyte of NULs
        file.seek(0, 2)
        file.write(b"\n")
        for _ in range((1 << 30) // len(garbage)):
            file.write(garbage)
        file.write(lines.encode({"kind": "completed", "run": run, "seq": 4}))
    answer = subprocess.run([sys.executable, "-c", READS, str(path)], stdout=subprocess.PIPE, check=True).stdout
    found = json.loads(answer)
    assert found["done"] == [0, 1, 4]
    assert found["unreadable"] == 1 + (1 << 30) // len(garbage) * 10_000
    assert found["kilobytes"] < 64_000


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_million_jobs_are_listed_and_taken_up_in_little_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.joblog", "--jobs", "1000000", "--json"]
    steps = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["steps"]
    by_name = {step["step"]: step for step in steps}
    assert by_name["list all"]["pending"] == 1_000_000
    for name in ("resume", "and all that is pending", "status"):
        assert by_name[name]["pending"] == 10_000
        assert by_name[name]["peak_mb"] < 100


def test_a_job_leaves_nothing_behind_in_memory(opened: Opener) -> None:
    log = opened()
    log.list(titles(2000))
    jobs = [*log.pending()]

    def carry_out(some: list[Job]) -> None:
        for job in some:
            log.started(job)
            log.record(Outcome(job, Status.COMPLETED, size=1000, requests=1, source="page"))

    carry_out(jobs[:500])
    tracemalloc.start()
    carry_out(jobs[500:1000])
    before = tracemalloc.get_traced_memory()[0]
    carry_out(jobs[1000:])
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000  # ten bytes a job; a single object is 16 at least
