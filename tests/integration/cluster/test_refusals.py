"""Clusters that cannot do the work, or only in part: one clear line, and what helps."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.integration.cluster.conftest import DaskCluster, Run

# Dask runs the text more than once, so each must do nothing the second time.
OTHER_VERSION = """
import dask, importlib.metadata
if dask.__version__ != "2024.1.0":
    real = importlib.metadata.version
    dask.__version__ = "2024.1.0"
    importlib.metadata.version = lambda name: "2024.1.0" if name == "dask" else real(name)
"""
NO_LXML = """
import importlib.metadata, sys
def version(name):
    if name == "lxml":
        raise importlib.metadata.PackageNotFoundError(name)
    return real(name)
if "lxml" not in sys.modules:
    sys.modules["lxml"] = None
    real = importlib.metadata.version
    importlib.metadata.version = version
"""
OTHER_CODE = """
import sys
sys.path.insert(0, {folder!r})
import domain.errors
"""


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=20, page_kb=0, latency=0.05)) as process:
        yield process


@pytest.fixture
def program(tmp_path: Path, site: DemoProcess) -> Program:
    return Program(tmp_path / "data", {"BASE_URL": site.url, "MAX_THREADS": "4"})


def _preload(folder: Path, text: str) -> tuple[str, str]:
    """The option that has a worker run some text at its start."""
    script = folder / "preloaded.py"
    script.write_text(text, encoding="utf-8")
    return "--preload", str(script)


def _problem(program: Program, code: int, *options: str) -> str:
    """The one line with which the program refuses."""
    err = program.run("--limit", "20", *options, code=code).stderr
    (line,) = [line for line in err.splitlines() if line.startswith("filmledger: ")]
    return line


@pytest.mark.long
def test_nobody_listens(program: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        line = _problem(program, 1, "--cluster", address)
    assert f"the Dask scheduler at {address} cannot be reached" in line
    assert "`dask scheduler` starts one" in line


@pytest.mark.long
def test_something_else_listens(program: Program, site: DemoProcess) -> None:
    address = site.url.replace("http://", "tcp://")
    line = _problem(program, 1, "--cluster", address)
    assert f"the Dask scheduler at {address} cannot be reached" in line


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cluster", "nowhere"), "allowed: local, local:NUMBER, or a scheduler's address, tcp://host:8786"),
        (("--cluster", "local", "--save-pages"), "leave out --cluster, or --save-pages"),
    ],
)
def test_what_makes_no_sense_is_refused(program: Program, options: tuple[str, ...], said: str) -> None:
    assert said in _problem(program, 2, *options)


@pytest.mark.long
def test_a_cluster_without_workers(program: Program, dask: DaskCluster) -> None:
    line = _problem(program, 2, "--cluster", dask.address)
    assert f"has no workers: start some with `dask worker {dask.address}`" in line


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OTHER_VERSION, "has dask 2024.1.0 instead of"),
        (NO_LXML, "lacks lxml: pip install -r requirements.txt there"),
    ],
    ids=["another version", "a missing package"],
)
def test_a_worker_of_another_make_is_named_at_the_start(
    program: Program, dask: DaskCluster, tmp_path: Path, text: str, said: str
) -> None:
    dask.worker("odd", *_preload(tmp_path, text))
    line = _problem(program, 2, "--cluster", dask.address)
    assert "tcp://127.0.0.1:" in line
    assert said in line


@pytest.mark.long
def test_a_worker_that_holds_other_code_of_the_program(program: Program, dask: DaskCluster, tmp_path: Path) -> None:
    errors = tmp_path / "older" / "domain" / "errors.py"
    errors.parent.mkdir(parents=True)
    (errors.parent / "__init__.py").touch()
    errors.write_text("class FilmledgerError(Exception): ...\n", encoding="utf-8")
    dask.worker("older", *_preload(tmp_path, OTHER_CODE.format(folder=str(tmp_path / "older"))))
    line = _problem(program, 2, "--cluster", dask.address)
    assert "no worker of the Dask cluster can be used: tcp://127.0.0.1:" in line
    dask.worker("fitting")
    result = program.run("--limit", "20", "--cluster", dask.address)
    assert "is left out: it" in result.stderr
    assert "fetched 20 titles" in result.stdout


@pytest.fixture
def one_core() -> Iterator[None]:
    """All that is started meanwhile may use one core only."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


@pytest.mark.long
@pytest.mark.usefixtures("one_core")
def test_more_workers_than_cores_are_warned_of(program: Program, dask: DaskCluster) -> None:
    dask.workers("first", "second")
    result = program.run("--limit", "20", "--cluster", dask.address)
    assert "has more Dask workers than cores (1); more than one a core gains nothing" in result.stderr
    assert "fetched 20 titles" in result.stdout


@pytest.mark.long
@pytest.mark.usefixtures("one_core")
def test_more_local_workers_than_cores_are_warned_of(program: Program) -> None:
    result = program.run("--limit", "20", "--cluster", "local:2")
    assert "more Dask workers (2) than it has cores (1); more than one a core gains nothing" in result.stderr
    assert "fetched 20 titles" in result.stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OTHER_VERSION, "is left out: it has dask 2024.1.0 instead of"),
        (NO_LXML, "is left out: it lacks lxml: pip install -r requirements.txt there"),
    ],
    ids=["another version", "a missing package"],
)
def test_a_worker_of_another_make_that_comes_later_is_left_out(
    program: Program, dask: DaskCluster, tmp_path: Path, text: str, said: str
) -> None:
    dask.worker("fitting")
    run = Run(program.start("--limit", "20", "--cluster", dask.address, REQUESTS_PER_SECOND="1"))
    run.reach(2)
    dask.worker("odd", *_preload(tmp_path, text))
    out, err = run.end(0)
    assert said in err
    assert "fetched 20 titles" in out


# What a page that is far too large does to a worker, without the page.
GREEDY = """
import sys, threading
def reading():
    worker = sys.modules.get("infrastructure.cluster.worker")
    return worker and any(reader._in_flight for reader in getattr(worker, "_readers", {}).values())
def take():
    while not reading():
        threading.Event().wait(0.01)
    global taken
    taken = bytearray(400 * 2**20)
if "greedy" not in sys.modules:
    sys.modules["greedy"] = sys
    threading.Thread(target=take, daemon=True).start()
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE", "is short of memory and takes no titles for now"),
        ("DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE", "has gone; its titles go to others"),
    ],
)
def test_a_worker_short_of_memory_is_told_of_and_the_others_do_its_work(
    program: Program, tmp_path: Path, setting: str, said: str
) -> None:
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(
        folder,
        {"DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False", "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False"}
        | {setting: "0.9"},
    )
    try:
        cluster.worker("large", "--memory-limit", "0")
        cluster.worker("greedy", "--nanny", "--memory-limit", "300MiB", *_preload(tmp_path, GREEDY))
        result = program.run("--limit", "20", "--cluster", cluster.address, REQUESTS_PER_SECOND="2")
    finally:
        cluster.stop()
    assert said in result.stderr
    assert "fetched 20 titles" in result.stdout
