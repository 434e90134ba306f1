"""A load of data files that is killed: every store is as before or as after, and the next load makes up for it."""

from __future__ import annotations

import csv
import gzip
import os
import random
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.benchmarks import data_files
from tests.e2e.conftest import Program

STORES = "csv,postgres,sqlite"
DAYS = (1_795_780_800, 1_795_867_200)  # noons of 2026-11-27 and 28
PHASES = ("titles", "people and credits", "join", "saving")
TABLES = ("movies", "people", "credits", "akas", "ratings_history")
TITLES = 1000


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Data files of two days."""
    folders = []
    for day, (time, changed) in enumerate(zip(DAYS, (0, 20), strict=True)):
        folder = tmp_path_factory.mktemp("files") / str(day)
        data_files.write(folder, TITLES, changed=changed)
        for (
            path
        ) in folder.iterdir():  # the same rows in other bytes: a load reads an unchanged file for new titles only
            path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1 + day))
        for path in folder.iterdir():
            os.utime(path, (time, time))
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> list[Program]:
    """The program after the load of each day."""
    first = Program(tmp_path_factory.mktemp("first") / "data", {"STORES": STORES})
    load(first, days[0])
    second = Program(tmp_path_factory.mktemp("second") / "data", {"STORES": STORES})
    shutil.copytree(first.data_dir, second.data_dir, symlinks=True)
    load(second, days[1])
    return [first, second]


def load(program: Program, files: Path) -> str:
    return program.run("datasets", "--from", str(files), "--all").stdout


def tables(program: Program) -> dict[str, bytes]:
    return {name: (program.data_dir / f"{name}.csv").read_bytes() for name in TABLES}


def kill(pid: int) -> None:
    with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it may have ended
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            os.kill(process.pid, signal.SIGKILL)


def require_readable(program: Program) -> None:
    """Every CSV file is whole: rows of one length, no key twice, for a reader that is not ours."""
    for name in TABLES:
        path = program.data_dir / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file, strict=True)
            assert {len(row) for row in rows} <= {len(header)}, name


def copy_of(program: Program, folder: Path) -> Program:
    shutil.copytree(program.data_dir, folder / "data", symlinks=True)
    return Program(folder / "data", {"STORES": STORES})


@pytest.mark.long
@pytest.mark.parametrize("phase", PHASES)
def test_a_load_that_is_killed_in_a_phase_is_done_again(
    undisturbed: list[Program], days: list[Path], phase: str, tmp_path: Path
) -> None:
    before = tables(undisturbed[0])
    program = copy_of(undisturbed[0], tmp_path)
    process = program.start("datasets", "--from", str(days[1]), "--all", PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(phase):
            break
    else:
        pytest.fail(f"the phase {phase} was not told")
    kill(process.pid)
    process.wait()
    require_readable(program)
    assert tables(program) in (before, tables(undisturbed[1]))
    load(program, days[1])
    assert tables(program) == tables(undisturbed[1])
    assert program.run("verify").stdout.endswith("hold the same\n")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(7))
def test_a_load_that_is_killed_at_any_moment_is_done_again(
    undisturbed: list[Program], days: list[Path], seed: int, tmp_path: Path
) -> None:
    """Three moments from the first commit to the last, where stores are between before and after."""
    program = copy_of(undisturbed[0], tmp_path)
    moments = random.Random(seed)
    for number in range(3):
        process = program.start("datasets", "--from", str(days[1]), "--all", PYTHONUNBUFFERED="1")
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("saving"):
                break
        with suppress(subprocess.TimeoutExpired):  # the moment has come
            process.wait(moments.uniform(0, 2.5))
        if process.poll() is None:
            kill(process.pid)
        process.communicate()
        require_readable(program)
        unfinished = (program.data_dir / ".filmledger" / "load.json").exists()
        verdict = program.run("verify", code=1 if unfinished else 0).stdout.splitlines()[-1]
        assert verdict.startswith("load unfinished") if unfinished else verdict.endswith("hold the same"), number
        program.run("datasets", "--from", str(days[1]), "--all")
        assert tables(program) == tables(undisturbed[1]), number
        assert program.run("verify").stdout.endswith("hold the same\n"), number
        shutil.rmtree(program.data_dir)
        program = copy_of(undisturbed[0], tmp_path)
