"""The parts by themselves: stores, job log, engine, screen. Each is a benchmark of its own that prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.metering import ROOT, BenchmarkFailed


@dataclass(frozen=True, slots=True)
class Part:
    """A benchmark in a module of this package, with its arguments for the default grid and for the full one."""

    module: str
    default: tuple[str, ...]
    full: tuple[str, ...]


PARTS = (
    Part("stores_csv", ("--movies", "10000"), ("--movies", "100000")),
    Part("joblog", ("--jobs", "200000", "--json"), ("--jobs", "10000000", "--json")),
    Part("engine", ("--jobs", "20000", "--json"), ("--jobs", "100000", "--json")),
    Part("screen", ("--seconds", "3", "--json"), ("--seconds", "10", "--json")),
)


def measure_parts(*, full: bool) -> Iterator[tuple[str, Any]]:
    """Name and figures of each.

    Raises:
        BenchmarkFailed: one of them failed.
    """
    for part in PARTS:
        arguments = part.full if full else part.default
        command = [sys.executable, "-m", f"tests.benchmarks.{part.module}", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchmarkFailed(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-1500:]}")
        yield f"{part.module} {' '.join(arguments)}", json.loads(done.stdout)
