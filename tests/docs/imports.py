"""Who imports whom, read off the code: the facts behind the picture in docs/architecture.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import grimp

from tests.conftest import ROOT

LAYERS: Final = ("infrastructure", "application", "domain", "shared")


@dataclass(frozen=True, slots=True)
class Imports:
    """What one box of the picture imports: other boxes of ours, and distributions of others."""

    ours: frozenset[str]
    theirs: frozenset[str]


def boxes() -> list[str]:
    """The boxes: what stands in ``infrastructure``, and the three rooms beside it."""
    inside = [
        path.stem
        for path in sorted((ROOT / "infrastructure").iterdir())
        if path.stem != "__init__" and (path.suffix == ".py" or _holds_code(path))
    ]
    return [*inside, *LAYERS[1:]]


@cache
def imports() -> dict[str, Imports]:
    """For every box, with imports inside functions and those for type checkers left out of nothing."""
    sys.path.insert(0, str(ROOT))
    try:
        graph = grimp.build_graph(*LAYERS, include_external_packages=True, cache_dir=None)
    finally:
        sys.path.remove(str(ROOT))
    found: dict[str, tuple[set[str], set[str]]] = {box: (set(), set()) for box in boxes()}
    for module in graph.modules:
        if (box := _box(module)) not in found:
            continue
        for imported in graph.find_modules_directly_imported_by(module):
            root = imported.partition(".")[0]
            if root in LAYERS:
                found[box][0].add(_box(imported))
            elif root not in sys.stdlib_module_names:
                found[box][1].add(root)
    return {box: Imports(frozenset(ours - {box}), frozenset(theirs)) for box, (ours, theirs) in found.items()}


def _box(module: str) -> str:
    parts = module.split(".")
    return parts[1] if parts[0] == "infrastructure" and len(parts) > 1 else parts[0]


def _holds_code(folder: Path) -> bool:
    return any(folder.glob("*.py"))
