"""What names a cluster, and the versions on it that must not differ."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from domain.errors import UsageError
from infrastructure.cluster.code import NEEDED, differences, missing_packages, versions_here, versions_of
from infrastructure.cluster.connect import OwnCluster, RemoteCluster, parse_cluster, version_problems
from infrastructure.cluster.worker import usable_cores
from tests.conftest import ROOT


def test_local_means_a_worker_a_core() -> None:
    assert parse_cluster("local") == OwnCluster(usable_cores())
    assert usable_cores() >= 1


@given(st.integers(1, 999))
def test_local_takes_a_number_of_workers(workers: int) -> None:
    assert parse_cluster(f"local:{workers}") == OwnCluster(workers)


@pytest.mark.parametrize("address", ["tcp://host:8786", "tls://10.0.0.1:8786", "tcp://[::1]:8786", "wss://host:443"])
def test_an_address_is_taken_as_it_stands(address: str) -> None:
    assert parse_cluster(address) == RemoteCluster(address)


@pytest.mark.parametrize(
    "text",
    ["", "local:", "local:0", "local:1000", "local:two", "OwnCluster", "host:8786", "tcp://host", "http://host:8786"],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"allowed: local, local:NUMBER, or a scheduler's address"):
        parse_cluster(text)


@given(st.text())
def test_no_text_is_taken_for_something_it_is_not(text: str) -> None:
    named: OwnCluster | RemoteCluster | None = None
    with suppress(UsageError):
        named = parse_cluster(text)
    assert named is None or isinstance(named, OwnCluster) or named.address == text


def _answer(**packages: str | None) -> dict[str, Any]:
    """A part of what ``Client.get_versions`` answers."""
    return {"host": {}, "packages": versions_here() | packages}


def test_the_same_versions_are_no_problem() -> None:
    assert differences(versions_here()) == ""
    assert version_problems({"scheduler": _answer(), "workers": {"tcp://a:1": _answer()}}) == []


def test_python_is_compared_to_the_minor_version() -> None:
    python = versions_here()["python"]
    assert differences(versions_of(_answer(python=f"{python}.999.final.0"))) == ""
    assert differences(versions_of(_answer(python="3.4.0.final.0"))) == f"python 3.4 instead of {python}"


def test_everybody_with_another_version_is_named() -> None:
    dask, python = versions_here()["dask"], versions_here()["python"]
    found = {
        "scheduler": _answer(dask="2020.1.0"),
        "workers": {"tcp://a:1": _answer(), "tcp://b:1": _answer(python="3.4.1", dask=None)},
    }
    assert version_problems(found) == [
        f"the scheduler has dask 2020.1.0 instead of {dask}",
        f"worker tcp://b:1 has python 3.4 instead of {python}, dask None instead of {dask}",
    ]


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_packages() == []
    monkeypatch.setattr("infrastructure.cluster.code.NEEDED", ("msgspec", "no-such-package"))
    assert missing_packages() == ["no-such-package"]


@pytest.mark.long
def test_whatever_a_worker_loads_is_on_the_list_of_what_it_needs() -> None:
    """In a process that makes a source and parses a page as workers do."""
    program = """
import sys, threading
from infrastructure.bootstrap.cluster import NetworkReading, for_workers
import infrastructure.cluster.worker
from infrastructure.demo.process import DemoOptions, DemoProcess
from tests.support.demo_control import DemoControl
from shared.clock import SystemClock
from shared.settings import load
with DemoProcess(DemoOptions(count=1, page_kb=0)) as site:
    settings = load({"BASE_URL": site.url}, None).settings
    reading = NetworkReading(for_workers(settings), SystemClock())
    reading.titles.title(DemoControl(site.url).ids()[0], max_requests=3, cancel=threading.Event())
    reading.close()
print(*{name.partition(".")[0] for name in sys.modules})
"""
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    installed = importlib.metadata.packages_distributions()
    packages = {each.lower() for name in loaded.stdout.split() for each in installed.get(name, ())}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked_for = {Requirement(line).name.lower() for line in project["dependencies"]}
    of_dask = {"click", "jinja2"}
    assert packages & asked_for - of_dask <= set(NEEDED)
