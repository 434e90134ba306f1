"""Commands run under the meter, and what they took."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "USER")


class BenchmarkFailed(Exception):
    """A run did not do its job, so its figures mean nothing; the message has the end of its output."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took, all of its processes together.

    Attributes:
        wall_seconds: from its start to its exit.
        cpu_seconds: user and system time.
        peak_mb: largest sum of proportional set sizes seen, in millions of bytes.
        processes: most of them at a time.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    processes: int


def measured(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> Usage:
    """Run a command to its end, in an environment of little more than what is given.

    Raises:
        BenchmarkFailed: it failed.
    """
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED}
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run(
            [sys.executable, "-S", str(ROOT / "tests/benchmarks/meter.py"), report.name, *command],
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = "\n".join(done.stdout.splitlines()[-12:])
            raise BenchmarkFailed(f"{' '.join(command)}\nended with {done.returncode}:\n{said}")
        found: dict[str, Any] = json.loads(Path(report.name).read_text())
    return Usage(found["wall_seconds"], found["cpu_seconds"], found["peak_mb"], found["processes"])


def median(usages: Sequence[Usage]) -> Usage:
    """Of each figure the median, so that one slow or lucky run does not count."""
    return Usage(
        statistics.median(usage.wall_seconds for usage in usages),
        statistics.median(usage.cpu_seconds for usage in usages),
        statistics.median(usage.peak_mb for usage in usages),
        max(usage.processes for usage in usages),
    )


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
