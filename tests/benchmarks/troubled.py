"""The main job with one route in five dead and a tenth of all answers refused, beside the same job in health.

    python -m tests.benchmarks.troubled

Needs Debian's microsocks. Every title must arrive in both runs.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.benchmarks.metering import ROOT, BenchmarkFailed
from tests.support.demo_control import DemoControl
from tests.support.proxies import free_port, microsocks

TITLES = 250
FAULTS = ("title=503%5", "title=429%5")


def main() -> None:
    """Measure both and print a line for each."""
    with tempfile.TemporaryDirectory(prefix="filmledger-troubled-") as folder, ExitStack() as stack:
        site = stack.enter_context(DemoProcess(DemoOptions(count=TITLES, latency=0.3)))
        proxies = [stack.enter_context(microsocks(f"127.0.0.{number}", password=None)) for number in range(2, 6)]
        alive = [proxy.url("socks5h") for proxy in proxies]
        dead = f"socks5h://127.0.0.1:{free_port()}"
        healthy = _seconds(site, Path(folder) / "healthy", [*alive, alive[0]])
        DemoControl(site.url).faults(list(FAULTS))
        troubled = _seconds(site, Path(folder) / "troubled", [*alive, dead])
    sys.stdout.write(f"{TITLES} titles, 0.3 s latency, 50 threads, over five proxies\n")
    sys.stdout.write(f"healthy:  {healthy:.1f} s\n")
    sys.stdout.write(
        f"troubled: {troubled:.1f} s ({troubled / healthy:.1f} times), one proxy dead, 10% of pages refused\n"
    )


def _seconds(site: DemoProcess, data: Path, proxies: list[str]) -> float:
    """Wall time of a run on a database that exists already.

    Raises:
        BenchmarkFailed: a title is missing.
    """
    settings = {"BASE_URL": site.url, "DATA_DIR": str(data), "PROXIES": ",".join(proxies)}
    command = [sys.executable, str(ROOT / "main.py"), "--quiet"]
    subprocess.run([*command, "--limit", "1"], env={**os.environ, **settings}, check=False)
    began = time.monotonic()
    subprocess.run(command, env={**os.environ, **settings}, check=False)
    seconds = time.monotonic() - began
    with (data / "movies.csv").open(encoding="utf-8", newline="") as file:
        saved = sum(1 for _ in csv.DictReader(file))
    if saved != TITLES:
        raise BenchmarkFailed(f"{saved} of {TITLES} titles arrived")
    return seconds


if __name__ == "__main__":
    main()
