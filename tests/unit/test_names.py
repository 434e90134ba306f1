"""A public class has a name of its own in the whole program, so that a reader never asks which one is meant."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT


def _modules() -> list[Path]:
    packages = ("domain", "application", "infrastructure", "shared")
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_public_class_name_occurs_twice() -> None:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in _modules():
        for name in re.findall(r"^ *class ([A-Za-z]\w*)", path.read_text("utf-8"), re.MULTILINE):
            found[name].append(str(path.relative_to(ROOT)))
    assert len(found) > 100
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
