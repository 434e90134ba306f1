"""What dies on a cluster costs time only: a worker, the scheduler, the program itself."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.e2e.test_scrape import AS_TEXT, EPOCH, same_in_both_stores
from tests.integration.cluster.conftest import DaskCluster, Run
from tests.support.demo_control import DemoControl

COUNT = 100
THREADS = 10


@pytest.fixture(scope="module")
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0, latency=0.1)) as process:
        yield process


@pytest.fixture
def program(tmp_path: Path, site: DemoProcess) -> Program:
    DemoControl(site.url).reset()
    settings = {"BASE_URL": site.url, "MAX_THREADS": str(THREADS), "SOURCE_DATE_EPOCH": EPOCH}
    return Program(tmp_path / "data", settings)


def _completed(program: Program) -> list[str]:
    """Ids of the titles that are saved, as the job log has them."""
    lines = map(json.loads, (program.data_dir / "joblog.jsonl").read_text(encoding="utf-8").splitlines())
    return [str(line["id"]) for line in lines if line["kind"] == "completed"]


def _begin(program: Program, where: str) -> Run:
    """A run that has come some way."""
    run = Run(program.start("--limit", str(COUNT), "--cluster", where))
    run.reach(20)
    return run


def _titles_asked_for(site: DemoProcess) -> Counter[str]:
    """How often each was asked for, by its id."""
    paths: dict[str, int] = DemoControl(site.url).log()["paths"]
    return Counter({path.split("/")[2]: times for path, times in paths.items() if path.startswith("/title/")})


def _files(program: Program) -> list[bytes]:
    return [(program.data_dir / f"{name}.csv").read_bytes() for name in AS_TEXT]


def _whole(program: Program) -> None:
    assert len({row["imdb_id"] for row in program.table("movies")}) == COUNT
    same_in_both_stores(program)


@pytest.mark.long
def test_a_worker_killed_in_the_middle_takes_nothing_with_it(program: Program, dask: DaskCluster) -> None:
    first, _ = dask.workers("first", "second")
    run = _begin(program, dask.address)
    first.kill()
    out, err = run.end(0)
    assert f"fetched {COUNT} titles" in out
    assert "has gone; its titles go to others" in err
    _whole(program)


@pytest.mark.long
def test_a_killed_scheduler_ends_the_run_and_the_next_one_goes_on(
    program: Program, dask: DaskCluster, site: DemoProcess
) -> None:
    dask.worker("only")
    run = _begin(program, dask.address)
    dask.scheduler.kill()
    _, err = run.end(1)
    (line,) = [line for line in err.splitlines() if "the Dask cluster was lost" in line]
    assert "run the same command again to continue" in line
    saved = _completed(program)

    result = program.run("--limit", str(COUNT))
    assert "continuing the unfinished run" in result.stdout
    _whole(program)
    fetched = _titles_asked_for(site)
    assert [imdb_id for imdb_id in saved if fetched[imdb_id] > 1] == []
    assert fetched.total() <= COUNT + THREADS + 1  # those under way, and one that has moved


def _local_workers(run: Run) -> list[psutil.Process]:
    """The processes of Dask among those that the program has started."""
    family = psutil.Process(run.process.pid).children(recursive=True)
    return [each for each in family if "spawn_main" in " ".join(each.cmdline())]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_stop_that_local_workers_hear_as_well_lets_them_finish(program: Program, number: signal.Signals) -> None:
    """A terminal sends Ctrl-C to all of them, a service manager SIGTERM."""
    run = _begin(program, "local:2")
    for member in [*_local_workers(run), psutil.Process(run.process.pid)]:
        member.send_signal(number)
    out, err = run.end(130)
    assert "was lost" not in err.partition(f"{number.name}: finishing requests in flight")[2]
    assert f"fetched {len(_completed(program))} titles, {COUNT - len(_completed(program))} pending" in out


@pytest.mark.long
def test_a_run_whose_last_worker_has_died_ends_after_a_while(program: Program, dask: DaskCluster) -> None:
    worker = dask.worker("only")
    run = _begin(program, dask.address)
    worker.kill()
    _, err = run.end(1)
    assert "the Dask cluster was lost (it has no worker, for 60 s now); run the same command again to continue" in err
    program.run("--limit", str(COUNT), "--quiet")
    _whole(program)


@pytest.mark.long
def test_local_workers_end_with_a_killed_program(program: Program) -> None:
    run = _begin(program, "local:2")
    workers = _local_workers(run)
    assert len(workers) == 2
    run.process.kill()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    run.end(-signal.SIGKILL)
    program.run("--limit", str(COUNT), "--cluster", "local:2")
    _whole(program)


@pytest.mark.long
def test_a_local_worker_that_is_killed_is_replaced(program: Program) -> None:
    run = _begin(program, "local:2")
    _local_workers(run)[0].kill()
    _, err = run.end(0)
    assert "has gone; its titles go to others" in err
    _whole(program)


@pytest.mark.long
@pytest.mark.parametrize("threads", ["1", "50"])
def test_a_cluster_leaves_the_same_bytes(program: Program, dask: DaskCluster, tmp_path: Path, threads: str) -> None:
    dask.workers("first", "second")
    program.run("--limit", str(COUNT), "--quiet", "--cluster", dask.address, MAX_THREADS=threads)
    alone = Program(tmp_path / "alone", program.environment)
    alone.run("--limit", str(COUNT), "--quiet")
    assert _files(program) == _files(alone)
    assert list(program.answers(*AS_TEXT.values())) == list(alone.answers(*AS_TEXT.values()))
