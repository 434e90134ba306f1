"""A process that is killed at any moment costs no completed job and loses none."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from application.ports.runs import JobCounts
from tests.unit.infrastructure.joblog.conftest import Opener

JOBS = 8_000
KILLS = 5
WORKS = f"""
import sys
from pathlib import Path
from application.ports.runs import Outcome, Status
from infrastructure.joblog.file import JobLogFile
from shared.clock import SystemClock
from tests.unit.infrastructure.joblog.conftest import IDENTITY, titles
log = JobLogFile(Path(sys.argv[1]), IDENTITY, version="1", clock=SystemClock())
if not log.listed:
    log.list(titles({JOBS}))
print("listed", flush=True)
for job in log.pending():
    log.started(job)
    log.record(Outcome(job, Status.COMPLETED, requests=1))
    print(job.key, flush=True)
log.close("finished")
"""


def test_kill_after_kill_nothing_is_done_twice(path: Path, opened: Opener) -> None:
    dice = random.Random(1)
    told: Counter[str] = Counter()
    for attempt in range(KILLS + 1):
        with subprocess.Popen([sys.executable, "-c", WORKS, str(path)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            if attempt < KILLS:
                for _ in range(dice.randrange(JOBS // 50)):
                    told.update([child.stdout.readline().strip()])
                child.kill()
            told.update(child.stdout.read().split())
        assert child.returncode == (-signal.SIGKILL if attempt < KILLS else 0)
    del told["listed"]
    # The line that says so comes after the record: a job can go untold, and never be told twice.
    assert set(told.values()) == {1}
    assert len(told) >= JOBS - KILLS
    log = opened(retry_failed=True)
    assert log.counts == JobCounts(JOBS, JOBS, 0)
