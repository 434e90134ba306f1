"""The version stands in several places, and is the same in all."""

from __future__ import annotations

import re
import tomllib

from shared.version import VERSION
from tests.conftest import ROOT


def _found(pattern: str, *path: str) -> set[str]:
    found = set(re.findall(pattern, ROOT.joinpath(*path).read_text(encoding="utf-8"), re.MULTILINE))
    assert found, f"{'/'.join(path)} names no version"
    return found


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert project == VERSION
    assert _found(r"^ARG VERSION=(\S+)$", "docker", "Dockerfile") == {VERSION}
    assert _found(r"image: filmledger\S*:(\S+)$", "docker", "compose.yaml") == {VERSION}


def test_the_changelog_begins_with_it() -> None:
    assert _found(r"^## (\S+)", "CHANGELOG.md") >= {VERSION}
