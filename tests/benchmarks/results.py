"""One line of the tables, and how it is printed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.metering import Usage


@dataclass(frozen=True, slots=True)
class Case:
    """What was to be done.

    Attributes:
        titles: how many.
        page_kb: size of a title page before compression.
        latency: seconds before every answer of the site.
        threads: requests at the same time, of all workers together.
        workers: Dask workers; 0 without a cluster.
    """

    titles: int
    page_kb: int
    latency: float
    threads: int
    workers: int = 0

    @property
    def floor(self) -> float:
        """Seconds that nobody can beat: the chart, then the titles in rounds of ``threads``."""
        return self.latency * (1 + math.ceil(self.titles / self.threads))


@dataclass(frozen=True, slots=True)
class Result:
    """What it took.

    Attributes:
        contestant: who did it.
        case: what was to be done.
        usage: medians over ``runs`` runs.
        start_cpu: CPU seconds of a run of one title: what starting and ending take.
        server_cpu: CPU seconds of the site during one run.
    """

    contestant: str
    case: Case
    usage: Usage
    runs: int
    start_cpu: float
    server_cpu: float

    @property
    def ratio(self) -> float | None:
        """Wall time as a multiple of the floor; None where there is no latency."""
        return self.usage.wall_seconds / self.case.floor if self.case.floor else None

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a page, start-up left out."""
        return (self.usage.cpu_seconds - self.start_cpu) * 1000 / max(1, self.case.titles - 1)

    @property
    def per_second(self) -> float:
        """Titles a second, start-up and all."""
        return self.case.titles / self.usage.wall_seconds

    def to_json(self) -> dict[str, Any]:
        """All figures, the derived ones too."""
        ratio = None if self.ratio is None else round(self.ratio, 2)
        return {
            "contestant": self.contestant,
            **asdict(self.case),
            **asdict(self.usage),
            "runs": self.runs,
            "floor_seconds": round(self.case.floor, 2),
            "ratio": ratio,
            "cpu_ms_per_page": round(self.cpu_ms, 2),
            "titles_per_second": round(self.per_second, 1),
            "server_cpu_seconds": round(self.server_cpu, 2),
        }


HEADER = (
    f"{'who':<16} {'titles':>6} {'page':>8} {'latency':>7} {'at once':>7} {'wall':>8} {'floor':>7} {'ratio':>6} "
    f"{'a second':>8} {'CPU/page':>9} {'memory':>7} {'server CPU':>10}"
)


def line(result: Result) -> str:
    """A result as a line under ``HEADER``."""
    case = result.case
    at_once = f"{case.threads}/{case.workers}" if case.workers else str(case.threads)
    floor, ratio = ("-", "-") if result.ratio is None else (f"{case.floor:.2f} s", f"{result.ratio:.2f}")
    return (
        f"{result.contestant:<16} {case.titles:>6} {case.page_kb:>5} kB {case.latency:>5.2f} s {at_once:>7} "
        f"{result.usage.wall_seconds:>6.2f} s {floor:>7} {ratio:>6} {result.per_second:>8.1f} {result.cpu_ms:>6.1f} ms "
        f"{result.usage.peak_mb:>4.0f} MB {result.server_cpu:>8.2f} s"
    )
