"""What must be the same on both ends, for objects travel as pickles, and what must be there at all."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any, Final

SAME: Final = ("python", "dask", "distributed")
NEEDED: Final = (
    "requests", "certifi", "msgspec", "python-dotenv", "beautifulsoup4", "lxml", "protego", "fake-useragent",
    "pysocks", "isal", "brotli",
)  # fmt: skip
"""Packages that a worker reads titles with."""


def lacking() -> list[str]:
    """Packages that this process would need as a worker and has not."""
    return [package for package in NEEDED if not _installed(package)]


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def versions_here() -> dict[str, str]:
    """Those of this process."""
    dask = {name: importlib.metadata.version(name) for name in SAME[1:]}
    return _short({"python": platform.python_version(), **dask})


def versions_told(answer: Any) -> dict[str, str]:
    """Those in one part of what ``Client.get_versions`` answers."""
    return _short(answer["packages"])


def differences(theirs: Mapping[str, str]) -> str:
    """In which versions they differ from ours, in words; empty if in none."""
    ours = versions_here()
    return ", ".join(f"{what} {theirs[what]} instead of {ours[what]}" for what in SAME if theirs[what] != ours[what])


def _short(packages: Mapping[str, Any]) -> dict[str, str]:
    """Python to the minor version: that is what pickles and bytecode depend on."""
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"python": python, **{name: str(packages.get(name)) for name in SAME[1:]}}
