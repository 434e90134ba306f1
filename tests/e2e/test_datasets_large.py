"""A load of 100,000 titles with eight credits each, as the benchmark makes them: counts and equality, no times."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks import data_files
from tests.benchmarks.datasets import DAYS
from tests.e2e.conftest import Program

TITLES = 100_000


def run(program: Program, *arguments: str) -> str:
    """A run to its end, which takes longer than other tests wait for; what it printed."""
    process = program.start(*arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, f"{out}\n{err}"
    return out


@pytest.mark.long
def test_a_large_load_and_its_refresh_reach_both_stores_whole(program: Program, tmp_path: Path) -> None:
    for day, changed in zip(DAYS, (0, 1), strict=True):
        folder = tmp_path / str(changed)
        data_files.write(folder, TITLES, changed=changed)
        for path in folder.iterdir():
            os.utime(path, (day, day))
    first = run(program, "datasets", "--all", "--from", str(tmp_path / "0"))
    assert f"{TITLES} titles selected, {TITLES} new, 0 changed, 0 gone" in first
    with (program.data_dir / "movies.csv").open("rb") as movies:
        assert sum(line.endswith(b"\r\n") for line in movies) == TITLES + 1
    second = run(program, "datasets", "--all", "--from", str(tmp_path / "1"))
    assert f"{TITLES} titles selected, 0 new, {TITLES // 100} changed, 0 gone" in second
    with (program.data_dir / "ratings_history.csv").open("rb") as history:
        assert sum(1 for _ in history) == TITLES + TITLES // 100 + 1
    assert run(program, "verify").endswith("csv and postgres hold the same\n")
