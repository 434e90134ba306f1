"""The site that all contestants visit: in a process of its own, every page compressed before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.support.demo_control import DemoControl


@dataclass(frozen=True, slots=True)
class Site:
    """A running site."""

    url: str
    titles: int
    control: DemoControl

    def server_cpu(self) -> float:
        """CPU seconds it used since the last ``reset``."""
        return float(self.control.log()["cpu_seconds"])


@contextmanager
def serving(titles: int, page_kb: int, latency: float) -> Iterator[Site]:
    """A site with so many titles in its chart."""
    options = DemoOptions(count=titles, page_kb=page_kb, latency=latency, prepare=titles)
    with DemoProcess(options) as process:
        yield Site(process.url, titles, DemoControl(process.url))
