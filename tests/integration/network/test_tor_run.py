"""The whole program through a private Tor network, toward a site that allows each address fifty titles."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.tor_network import CONTROL_PORT, PASSWORD, SOCKS_PORT, TorNetwork, tor_missing

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(tor_missing()), reason=f"a private Tor network is needed: {tor_missing()}"),
]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[TorNetwork]:
    with TorNetwork(tmp_path, exits=6) as network:  # six times fifty are enough for a chart
        yield network


@pytest.fixture
def site(network: TorNetwork) -> Iterator[str]:
    """The demo site, inside the namespace."""
    command = network.namespace.command(
        sys.executable, str(ROOT / "main.py"), "demo-site", "--host", network.site, "--port", "8080",
        "--page-kb", "30", "--fault", "title=challenge@50/client",
    )  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # it says where it is once it is up
    yield f"http://{network.site}:8080"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_a_run_outlives_the_blocks_of_its_exits(network: TorNetwork, site: str, tmp_path: Path) -> None:
    settings = {
        "BASE_URL": site, "GRAPHQL_URL": f"{site}/graphql", "DETAIL_SOURCE": "page", "DATA_DIR": str(tmp_path / "data"),
        "USE_TOR": "true", "TOR_PROXY_PORT": str(SOCKS_PORT), "TOR_CONTROL_PORT": str(CONTROL_PORT),
        "TOR_PASSWORD": PASSWORD, "REQUESTS_PER_SECOND": "100", "MAX_THREADS": "20",
    }  # fmt: skip
    command = network.namespace.command(sys.executable, str(ROOT / "main.py"), "--verbosity", "verbose")

    run = subprocess.run(
        command, env={**os.environ, **settings}, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    with (tmp_path / "data" / "movies.csv").open(encoding="utf-8", newline="") as movies:
        assert len({row["imdb_id"] for row in csv.DictReader(movies)}) == 250
    with network.namespace.inside(), closing(HTTPConnection(network.site, 8080, timeout=30)) as connection:
        connection.request("GET", "/_demo/log")
        log = json.load(connection.getresponse())
    assert len(log["clients"]) >= 5  # none is given more than fifty titles
    assert set(log["clients"]) <= set(network.exits)  # never directly
    assert max(log["paths"].values()) <= 6
