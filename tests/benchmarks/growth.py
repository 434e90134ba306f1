"""Longer lists: time and memory a title must stay what they are."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.main_job import SMALL, grid
from tests.benchmarks.results import Case, Result

_THREADS = 50


def measure(contestant: Contestant, runs: int, *, full: bool) -> Iterator[Result]:
    """Lists of small pages at no latency, ten times longer each."""
    lengths = (250, 2_500, 25_000) if full else (250, 2_500)
    return grid([Case(titles, SMALL, 0.0, _THREADS) for titles in lengths], [contestant], runs)
