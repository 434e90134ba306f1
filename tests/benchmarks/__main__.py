"""The benchmark suite.

    python -m tests.benchmarks                      five minutes
    python -m tests.benchmarks --full               everything, an hour
    python -m tests.benchmarks --only duel growth   some of it

Everything runs as whole processes against a demo site in a process of its own,
on databases that exist already; memory is the sum over a contestant's
processes. ``duel`` needs the packages of tests/benchmarks/requirements.txt.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks import growth, main_job, workers
from tests.benchmarks.contestants import Contestant, Filmledger, contenders
from tests.benchmarks.metering import machine
from tests.benchmarks.parts import measure_parts
from tests.benchmarks.results import HEADER, Result, line

SECTIONS = ("grid", "duel", "growth", "workers", "parts")


def main() -> int:
    """Measure, print tables, write JSON and the plot if asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the whole grid")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION", help=str(SECTIONS))
    parser.add_argument("--runs", type=int, help="of each case; medians are shown [default: 1, in a duel 3]")
    parser.add_argument("--contenders-python", type=Path, default=Path(sys.executable), help="that has their packages")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--plot", type=Path, help="draw them there, as SVG")
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "sections": {}}
    say(f"{', '.join(f'{name} {value}' for name, value in report['machine'].items())}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="filmledger-benchmark-") as folder, ExitStack() as stack:
        for section in SECTIONS:
            if section in options.only:
                report["sections"][section] = measure(section, options, Path(folder), stack)
    say(f"\n{time.monotonic() - began:.0f} s in all")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.plot:
        from tests.benchmarks.plot import draw

        draw(report, options.plot)
    return 0


def measure(section: str, options: argparse.Namespace, folder: Path, stack: ExitStack) -> list[Any]:
    """One section's figures, printed as they come."""
    say(f"\n== {section}")
    if section == "parts":
        figures = []
        for name, value in measure_parts(full=options.full):
            say(f"{name}\n  {json.dumps(value)}")
            figures.append({"part": name, "figures": value})
        return figures
    say(HEADER)
    rows = []
    for result in competition(section, options, folder, stack):
        say(line(result))
        rows.append(result.to_json())
    return rows


def competition(section: str, options: argparse.Namespace, folder: Path, stack: ExitStack) -> Iterator[Result]:
    """The results of a section of whole runs."""
    ours: Contestant = Filmledger(folder)
    if section == "grid":
        cases = main_job.FULL_GRID if options.full else main_job.DEFAULT_GRID
        return main_job.grid(cases, [ours], options.runs or 1)
    if section == "growth":
        return growth.measure(ours, options.runs or 1, full=options.full)
    if section == "workers":
        return workers.measure(folder, options.runs or 1, full=options.full)
    others: tuple[Contestant, ...] = ()
    if options.contenders_python == Path(sys.executable) and importlib.util.find_spec("scrapy") is None:
        say("  the others are left out: pip install -r tests/benchmarks/requirements.txt")
    else:
        others = stack.enter_context(contenders(folder, options.contenders_python))
    cases = main_job.FULL_DUEL if options.full else main_job.DEFAULT_DUEL
    return main_job.grid(cases, [ours, *others], options.runs or 3)


def say(text: str) -> None:
    """A line of the report."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
