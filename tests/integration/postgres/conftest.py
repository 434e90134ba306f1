"""Real servers for the tests: the embedded one, and Debian's PostgreSQL 15 where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from _pytest.mark import ParameterSet

from infrastructure.stores.embedded.server import EmbeddedServer
from tests.integration.postgres.waiting import wait_until
from tests.support.private_postgres import PrivatePostgres, installed, quick_folder


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A folder for a first start, with a name that gives careless code trouble."""
    base = quick_folder()
    yield base / "data, with ü & 'quotes' 100%" / "postgres"
    # What was started in vain still tidies up after its caller has been told; the folder is free only then.
    wait_until(
        lambda: not any(str(base) in str(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"]))
    )
    shutil.rmtree(base)


@pytest.fixture(scope="session")
def used_folder() -> Iterator[Path]:
    """A folder in which a server has been, to be copied: making a cluster takes most of a second."""
    base = quick_folder()
    with EmbeddedServer(base / "postgres"):
        pass
    yield base / "postgres"
    shutil.rmtree(base)


@pytest.fixture
def folder(new_folder: Path, used_folder: Path) -> Path:
    """A folder for a later start."""
    shutil.copytree(used_folder, new_folder, symlinks=True)
    return new_folder


_USER = """
import sys, threading
from pathlib import Path
from uuid import uuid4
from infrastructure.stores.embedded.server import EmbeddedServer
from tests.support.private_postgres import PrivatePostgres, installed, quick_folder
server = EmbeddedServer(Path(sys.argv[1]))
print(server.start().dsn, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def user_process() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts another process that uses the server in a folder; it is up when this returns."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _USER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("host=")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _versions() -> list[ParameterSet]:
    """Every installed version: the oldest by default, for the embedded server's own is used everywhere else."""
    oldest, *newer = sorted(installed())
    return [pytest.param(oldest), *(pytest.param(version, marks=pytest.mark.long) for version in newer)]


@pytest.fixture(scope="session", params=_versions())
def private(request: pytest.FixtureRequest) -> Iterator[PrivatePostgres]:
    """A server that may be stopped and started, once for each installed version."""
    server = PrivatePostgres(installed()[request.param], quick_folder())
    server.start()
    yield server
    server.remove()


@pytest.fixture
def running(private: PrivatePostgres) -> PrivatePostgres:
    """The private server, up again whatever the test before did to it."""
    if not (private.cluster / "postmaster.pid").exists():
        private.start()
    return private


@pytest.fixture
def fresh(running: PrivatePostgres) -> str:
    """The address of an empty database on the private server."""
    return running.new_database(f"t{uuid4().hex}")
