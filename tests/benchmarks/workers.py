"""The same job read by Dask workers on this machine, beside the program by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.contestants import Filmledger
from tests.benchmarks.main_job import REAL, SMALL, TITLES, grid
from tests.benchmarks.results import Case, Result

_THREADS = 50


def measure(folder: Path, runs: int, *, full: bool) -> Iterator[Result]:
    """Real-size pages at 0.3 s, then a longer list of small ones at no latency, where only CPU counts."""
    longer = 25_000 if full else 2_500
    for titles, page_kb, latency in ((TITLES, REAL, 0.3), (longer, SMALL, 0.0)):
        for workers in (0, 1, 2, 4) if full else (0, 2):
            options = ("--cluster", f"local:{workers}") if workers else ()
            case = Case(titles, page_kb, latency, _THREADS, workers)
            yield from grid([case], [Filmledger(folder, options=options)], runs)
