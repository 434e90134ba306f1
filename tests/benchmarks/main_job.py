"""The main job, by this program and by others: from the chart to two stores."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.benchmarks.contestants import Contestant
from tests.benchmarks.metering import Usage, median
from tests.benchmarks.results import Case, Result
from tests.benchmarks.sites import Site, serving

TITLES = 250
SMALL, REAL = 30, 1600  # kB
DEFAULT_GRID = (
    *(Case(TITLES, REAL, 0.3, threads) for threads in (1, 5, 10, 25, 50, 100)),
    *(Case(TITLES, SMALL, 0.05, threads) for threads in (10, 50)),
)
FULL_GRID = tuple(
    Case(TITLES, page_kb, latency, threads)
    for page_kb in (SMALL, REAL)
    for latency in (0.05, 0.3, 1.0)
    for threads in (1, 5, 10, 25, 50, 100)
)
DEFAULT_DUEL = (Case(TITLES, REAL, 0.3, 50),)
FULL_DUEL = tuple(Case(TITLES, page_kb, 0.3, threads) for page_kb in (SMALL, REAL) for threads in (10, 50, 100))


def grid(cases: Sequence[Case], contestants: Sequence[Contestant], runs: int) -> Iterator[Result]:
    """Every case by every contestant; cases of the same site stand together."""
    for (titles, page_kb, latency), some in groupby(cases, lambda case: (case.titles, case.page_kb, case.latency)):
        with serving(titles, page_kb, latency) as site:
            for case in some:
                yield from compete(site, case, contestants, runs)


def compete(site: Site, case: Case, contestants: Sequence[Contestant], runs: int) -> Iterator[Result]:
    """The contestants take turns, so that a machine that drifts is unfair to nobody."""
    starts = [contestant.run(site, case, limit=1).cpu_seconds for contestant in contestants]
    usages: list[list[Usage]] = [[] for _ in contestants]
    served: list[list[float]] = [[] for _ in contestants]
    for _ in range(runs):
        for contestant, used, server in zip(contestants, usages, served, strict=True):
            site.control.reset()
            used.append(contestant.run(site, case))
            server.append(site.server_cpu())
    for contestant, used, server, start in zip(contestants, usages, served, starts, strict=True):
        yield Result(contestant.name, case, median(used), runs, start, statistics.median(server))
