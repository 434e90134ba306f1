"""Versions that must not differ."""

from __future__ import annotations

from typing import Any

from infrastructure.cluster.joining import version_problems
from infrastructure.cluster.versions import differences, versions_here, versions_told


def _answer(**packages: str | None) -> dict[str, Any]:
    """A part of what ``Client.get_versions`` answers."""
    return {"host": {}, "packages": versions_here() | packages}


def test_the_same_versions_are_no_problem() -> None:
    assert differences(versions_here()) == ""
    assert version_problems({"scheduler": _answer(), "workers": {"tcp://a:1": _answer()}}) == []


def test_python_is_compared_to_the_minor_version() -> None:
    python = versions_here()["python"]
    assert differences(versions_told(_answer(python=f"{python}.999.final.0"))) == ""
    assert differences(versions_told(_answer(python="3.4.0.final.0"))) == f"python 3.4 instead of {python}"


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
