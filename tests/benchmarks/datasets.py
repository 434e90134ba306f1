"""How long a load of IMDb's data files takes, beside the least it can take and beside another importer.

    python -m tests.benchmarks.datasets [--titles 100000] [--importer COMMAND]

Makes data files of so many titles with eight credits each (``tests.benchmarks.data_files``), then runs whole programs,
one after the other: DuckDB and COPY alone; ours into CSV and PostgreSQL; ours again with 1% of the ratings changed;
``verify``. ``--importer`` runs another program with the folder of the files and a database address as its last two
arguments, as ``s32cinemagoer.py`` takes them. Memory is the sum over all processes of a run, PostgreSQL's among them.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from infrastructure.stores.embedded.server import EmbeddedServer
from tests.benchmarks import data_files
from tests.benchmarks.metering import ROOT, Usage, machine, measured

DAYS: Final = (1_795_780_800, 1_795_867_200)  # noons of 2026-11-27 and 28


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--titles", type=int, default=100_000)
    parser.add_argument("--importer", type=shlex.split, default=[], help="another importer")
    options = parser.parse_args()
    say(f"{options.titles} titles; {', '.join(f'{name} {value}' for name, value in machine().items())}")
    with tempfile.TemporaryDirectory(prefix="filmledger-benchmark-") as name:
        folder = Path(name)
        for day, changed in zip(DAYS, (0, 1), strict=True):
            data_files.write(folder / str(changed), options.titles, changed=changed)
            for path in (folder / str(changed)).iterdir():
                os.utime(path, (day, day))
        (folder / "bare").mkdir()
        bare = run([sys.executable, "-m", "tests.benchmarks.contenders.bare_load", str(folder / "0"), "bare"], folder)
        show("DuckDB and COPY alone", bare, bare)
        for title, command in (
            ("load", ["datasets", "--all", "--from", str(folder / "0")]),
            ("verify", ["verify"]),
            ("refresh, 1% changed", ["datasets", "--all", "--from", str(folder / "1")]),
        ):
            show(title, run([sys.executable, str(ROOT / "main.py"), *command], folder), bare)
        if options.importer:
            with EmbeddedServer(folder / "other") as server:
                address = sqlalchemy_address(server.dsn())
                show(options.importer[-1], run([*options.importer, str(folder / "0"), address], folder), bare)


def sqlalchemy_address(dsn: str) -> str:
    """A connection string as an address that SQLAlchemy and libpq both read."""
    parts = dict(part.split("=", 1) for part in dsn.split())
    user, name = parts.pop("user"), parts.pop("dbname")
    return f"postgresql://{user}@/{name}?{urlencode(parts)}"


def run(command: Sequence[str], folder: Path) -> Usage:
    """One command to its end, in a data directory of the benchmark's own."""
    return measured(command, {"DATA_DIR": str(folder / "data")}, folder)


def show(title: str, usage: Usage, bare: Usage) -> None:
    """A line of the table; the last column is the ratio to the least it can take."""
    ratio = usage.wall_seconds / bare.wall_seconds
    say(
        f"{Path(title).name:28}{usage.wall_seconds:9.1f} s{usage.cpu_seconds:9.1f} s CPU{usage.peak_mb:9.0f} MB"
        f"{ratio:8.2f}"
    )


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
