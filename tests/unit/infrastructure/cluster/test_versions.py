"""Versions that must not differ."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement

from infrastructure.cluster.code import NEEDED, differences, missing_packages, versions_here, versions_of
from infrastructure.cluster.connect import version_problems
from tests.conftest import ROOT


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
