"""How much CPU the program needs from its start to its first request.

    python -m tests.benchmarks.startup [--runs 7] [--against CHECKOUT]

Starts ``main.py`` with a site that accepts connections and answers nothing, and reads the CPU time of the process when
the first request has arrived. ``csv`` is with the CSV store alone; ``csv,postgres`` also starts a database server,
whose CPU time does not count. Each data directory was used before. With ``--against`` another version runs in turn.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from tests.benchmarks.metering import ROOT, machine

STORES = ("csv", "csv,postgres")


def main() -> None:
    """Measures in turn and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another version of the program")
    options = parser.parse_args()
    say(", ".join(f"{name} {value}" for name, value in machine().items()))
    checkouts = [ROOT, *([options.against] if options.against else [])]
    for stores in STORES:
        with tempfile.TemporaryDirectory(prefix="filmledger-benchmark-") as name:
            found: dict[Path, list[float]] = {checkout: [] for checkout in checkouts}
            for _ in range(options.runs + 1):
                for number, checkout in enumerate(checkouts):
                    found[checkout].append(seconds_to_request(checkout, Path(name) / str(number), stores))
        for checkout, seconds in found.items():
            measured = seconds[1:]  # the first run makes the data directory
            say(f"{stores:14}{checkout.name:12}{statistics.median(measured):6.2f} s CPU, {min(measured):.2f} at least")


def seconds_to_request(checkout: Path, data: Path, stores: str) -> float:
    """CPU seconds of the process when its first request arrives; it is stopped then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        settings = {"BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "DATA_DIR": str(data), "STORES": stores}
        command = [sys.executable, str(checkout / "main.py"), "--quiet"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=os.environ | settings, stdout=quiet, stderr=quiet)
        try:
            request, _ = server.accept()
            with request:
                request.recv(1)
                times = psutil.Process(process.pid).cpu_times()
        finally:
            process.terminate()
    process.wait()
    return float(times.user + times.system)


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
