"""What reading a title page costs, here and in another checkout.

    python -m tests.benchmarks.pages PAGE.html.gz ... --against ../older

Two processes read the same pages in turn, one round each, so that both see the
same machine. A round's figure is the process's own CPU time; the medians are
shown.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.metering import ROOT

_READER = """
import gzip, sys, time
from datetime import datetime, timezone
from pathlib import Path
from infrastructure.scraper.title_page import parse_title

now = datetime.now(timezone.utc)
pages = [gzip.decompress(Path(name).read_bytes()) for name in sys.argv[1:]]
for line in sys.stdin:
    began = time.process_time()
    for page in pages:
        parse_title(page, imdb_id=None, scraped_at=now)
    print((time.process_time() - began) / len(pages) * 1000, flush=True)
"""


class PageReader:
    """A process that reads the pages with the code of one checkout."""

    def __init__(self, checkout: Path, pages: list[Path], stack: ExitStack) -> None:
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", _READER, *map(str, pages)],
                cwd=checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip

    def round(self) -> float:
        """Reads every page once and returns the milliseconds of CPU for one."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main() -> int:
    """Measure and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="+", metavar="PAGE", help="title pages, saved and packed with gzip")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout of filmledger")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure([page.resolve() for page in options.pages], options.against, options.rounds)
    if options.json:
        print(json.dumps(figures))  # noqa: T201
    else:
        for name, value in figures.items():
            print(f"{name.replace('_', ' ')}: {value}")  # noqa: T201
    return 0


def measure(pages: list[Path], against: Path | None, rounds: int) -> dict[str, float]:
    """Milliseconds of CPU for a page, and how both checkouts compare."""
    size = sum(len(gzip.decompress(page.read_bytes())) for page in pages) / len(pages)
    with ExitStack() as stack:
        readers = [PageReader(checkout, pages, stack) for checkout in (ROOT, against) if checkout]
        for reader in readers:
            reader.round()  # modules are loaded, caches are filled
        turns = [[reader.round() for reader in readers] for _ in range(rounds)]
    medians = [round(statistics.median(column), 3) for column in zip(*turns, strict=True)]
    figures = {"pages": len(pages), "kb_a_page": round(size / 1000), "ms_of_cpu_a_page": medians[0]}
    if against:
        ratio = statistics.median(ours / theirs for ours, theirs in turns)
        figures |= {"ms_of_cpu_in_the_other": medians[1], "ratio": round(ratio, 2)}
    return figures


if __name__ == "__main__":
    sys.exit(main())
