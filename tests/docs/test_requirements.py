"""The pinned requirements are those of pyproject.toml. Offline: names, versions and markers are compared."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.docs.pins import Pin, applies, environments, pins

OUT_OF_STEP = "run .ci/compile-requirements"


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _wanted(file: str) -> list[Requirement]:
    project = _pyproject()
    group = file.removeprefix("requirements").removeprefix("-").removesuffix(".txt") or "test"
    names: list[str] = list(project["dependency-groups"][group])
    if group in ("test", "dev"):
        names += project["project"]["dependencies"]
    return [Requirement(line) for line in names]


def _complaints(wanted: list[Requirement], pinned: list[Pin]) -> list[str]:
    """What does not fit together, in words."""
    complaints = []
    for environment in environments():
        there = {pin.name: pin.version for pin in pinned if applies(pin.requirement, environment)}
        for requirement in wanted:
            if not applies(requirement, environment):
                continue
            version = there.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                place = f"{environment['sys_platform']} {environment['python_version']}"
                complaints.append(f"{requirement} is pinned to {version} on {place}")
    names = {canonicalize_name(requirement.name) for requirement in wanted}
    complaints += [
        f"{pin.name} is pinned for pyproject.toml, which no longer names it"
        for pin in pinned
        if re.search(r"\bfilmledger \(pyproject\.toml(:\w+)?\)", pin.wanted_by) and pin.name not in names
    ]
    return complaints


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_pins_fit_pyproject(file: str) -> None:
    assert _complaints(_wanted(file), pins(ROOT / file)) == [], OUT_OF_STEP


def test_a_pin_that_is_too_old_missing_or_left_over_is_noticed() -> None:
    old = Pin(Requirement("requests==2.0"), "filmledger (pyproject.toml)")
    left_over = Pin(Requirement("typer==1.0"), "filmledger (pyproject.toml:dev)")
    complaints = _complaints([Requirement("requests>=2.32"), Requirement("lxml")], [old, left_over])
    assert "requests>=2.32 is pinned to 2.0 on linux 3.11" in complaints
    assert "lxml is pinned to None on win32 3.14" in complaints
    assert complaints[-1] == "typer is pinned for pyproject.toml, which no longer names it"


def test_developers_have_the_users_versions() -> None:
    there = {(pin.name, str(pin.requirement.marker), pin.version) for pin in pins(ROOT / "requirements-dev.txt")}
    users = {(pin.name, pin.version) for pin in pins(ROOT / "requirements.txt")}
    assert users <= {(name, version) for name, _, version in there}, OUT_OF_STEP


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_no_registry_and_no_path_is_written_down(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index|--find-links|-f |/home/|/tmp/", text)


def test_python_3_11_is_the_oldest_and_no_newest_is_named() -> None:
    assert _pyproject()["project"]["requires-python"] == ">=3.11"


def test_the_extras_are_groups_too() -> None:
    project = _pyproject()
    for name, wanted in project["project"]["optional-dependencies"].items():
        assert project["dependency-groups"][name] == wanted
