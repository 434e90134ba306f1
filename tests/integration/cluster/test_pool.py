"""Workers that come and go while a run is under way: who reads what, and how fast all of them together are."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.e2e.conftest import Program
from tests.e2e.test_scrape import same_in_both_stores
from tests.integration.cluster.conftest import DaskCluster, Run
from tests.support.demo_control import DemoControl

COUNT = 100
RATE = 10.0
CATCH_UP = 0.01  # seconds that a late thread of a pacer makes up for

pytestmark = pytest.mark.long


@pytest.fixture
def site() -> Iterator[DemoProcess]:
    with DemoProcess(DemoOptions(count=COUNT, page_kb=0)) as process:
        yield process


@pytest.fixture
def program(tmp_path: Path, site: DemoProcess) -> Program:
    settings = {"BASE_URL": site.url, "MAX_THREADS": "10", "REQUESTS_PER_SECOND": str(RATE)}
    return Program(tmp_path / "data", settings)


def _readers(cluster: DaskCluster) -> Mapping[str, tuple[int, int]]:
    """What each worker knows, by its name: how many share the rate, and how many requests it has sent itself."""

    def reader() -> tuple[int, int]:  # inside, or it would be looked for in this module there
        readers = sys.modules["infrastructure.cluster.worker"]._readers
        (one,) = readers.values()
        return one._share.workers, one._source._downloader.requests

    from distributed import Client

    with closing(Client(cluster.address, set_as_default=False)) as client:
        names = {address: each["name"] for address, each in client.scheduler_info(n_workers=-1)["workers"].items()}
        told = client.run(reader, on_error="ignore")
    return {names[address]: each for address, each in told.items() if address in names}


def _moments(site: DemoProcess) -> list[float]:
    """When the site was asked for titles, in seconds."""
    visits = DemoControl(site.url).log(visits=True)["visits"]
    return sorted(visit["at"] for visit in visits if visit["target"].startswith("/title/"))


def _most_within(moments: list[float], seconds: float) -> int:
    """The most requests in any stretch of so many seconds."""
    return max(sum(1 for other in moments if at <= other < at + seconds) for at in moments)


def test_the_whole_fleet_keeps_to_the_rate(program: Program, dask: DaskCluster, site: DemoProcess) -> None:
    dask.workers("first", "second")
    program.run("--limit", str(COUNT), "--quiet", "--cluster", dask.address)
    moments = _moments(site)
    elapsed = moments[-1] - moments[0]
    assert len(moments) <= RATE * elapsed * (1 + RATE * CATCH_UP) + 2, "the first request of each worker is free"
    assert len(moments) >= COUNT
    same_in_both_stores(program)


def test_a_worker_that_comes_late_gets_titles_and_its_share_of_the_rate(
    program: Program, dask: DaskCluster, site: DemoProcess
) -> None:
    rate = RATE / 4  # a worker may take ten seconds to start beside other tests, and must still find work
    dask.worker("first")
    run = Run(program.start("--limit", str(COUNT), "--cluster", dask.address, REQUESTS_PER_SECOND=str(rate)))
    run.reach(10)
    assert _readers(dask)["first"][0] == 1
    dask.worker("late")
    while _readers(dask).get("late", (0, 0))[1] < 5:
        assert run.process.poll() is None, dask.said()
    assert {share for share, _ in _readers(dask).values()} == {2}
    run.end(0)
    moments = _moments(site)
    # Half a second at the change: what either worker had begun to wait for goes out at the old pace.
    assert len(moments) <= rate * (moments[-1] - moments[0] + 0.5) * (1 + rate * CATCH_UP) + 2
    same_in_both_stores(program)


def test_those_that_are_left_share_the_rate_of_one_that_has_gone(
    program: Program, dask: DaskCluster, site: DemoProcess
) -> None:
    first, _ = dask.workers("first", "second")
    run = Run(program.start("--limit", str(COUNT), "--cluster", dask.address))
    run.reach(20)
    assert {share for share, _ in _readers(dask).values()} == {2}
    first.kill()
    while _readers(dask).get("second", (0, 0))[0] != 1:
        assert run.process.poll() is None, dask.said()
    run.end(0)
    assert _most_within(_moments(site), 2.0) <= 2 * RATE * (1 + RATE * CATCH_UP) + 3
    same_in_both_stores(program)


def test_a_worker_started_anew_at_the_same_address_reads_again(program: Program, dask: DaskCluster) -> None:
    """As a nanny does it that was given a port: for the scheduler it is the same worker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    first = dask.worker("first", "--worker-port", port)
    run = Run(program.start("--limit", str(COUNT), "--cluster", dask.address))
    run.reach(20)
    first.kill()
    dask.worker("again", "--worker-port", port)
    out, _ = run.end(0)
    assert f"fetched {COUNT} titles" in out
    same_in_both_stores(program)
