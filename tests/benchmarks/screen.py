"""What the live screen costs, in percent of one core.

    python -m tests.benchmarks.screen --workers 50 --seconds 5

A run is shown on a terminal that nobody looks at: so many busy workers, a
hundred jobs a second. The same without a screen is measured beside it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable

from rich.console import Console

from application.ports.runs import Job, Outcome, Progress, Status
from infrastructure.progress.displays import NullProgress, PlainProgress
from infrastructure.progress.live import LiveProgress
from shared.clock import SystemClock

JOBS_A_SECOND = 100


def main() -> int:
    """Measure every display in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {name: round(cost(make(), options.workers, options.seconds), 2) for name, make in DISPLAYS.items()}
    if options.json:
        print(json.dumps({"workers": options.workers, "percent_of_one_core": results}))  # noqa: T201
    else:
        for name, percent in results.items():
            print(f"{name:<8} {percent:5.2f}% of one core")  # noqa: T201
    return 0


def live() -> Progress:
    """The screen, on a terminal of 120 columns and 60 rows that is thrown away."""
    sink = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives as long as the process
    return LiveProgress(Console(file=sink, force_terminal=True, width=120, height=60), SystemClock())


DISPLAYS: dict[str, Callable[[], Progress]] = {
    "null": NullProgress,
    "plain": lambda: PlainProgress(io.StringIO(), SystemClock()),
    "live": live,
}


def cost(display: Progress, workers: int, seconds: float) -> float:
    """CPU time of the process while the display is up, in percent of the time that passes."""
    pause = threading.Event()
    total = int(seconds * JOBS_A_SECOND)
    display.begin("Top 250", total)
    for number in range(workers):
        display.started(Job(number, f"tt{number:07}"))
    begin, cpu = time.perf_counter(), time.process_time()
    for number in range(total):
        job = Job(number + workers, f"tt{number + workers:07}")
        display.started(job)
        display.phase(job, "fetch")
        display.done(Outcome(Job(number, f"tt{number:07}"), Status.COMPLETED, size=1_600_000))
        pause.wait(max(0.0, begin + (number + 1) / JOBS_A_SECOND - time.perf_counter()))
    used, passed = time.process_time() - cpu, time.perf_counter() - begin
    display.end()
    return used / passed * 100


if __name__ == "__main__":
    sys.exit(main())
