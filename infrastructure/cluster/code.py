"""The program's own code and versions: sent to workers, and compared with what workers have loaded."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.resources
import platform
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("application", "domain", "infrastructure", "shared")
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can name


def sources() -> Iterator[tuple[str, bytes]]:
    """Yields name and content of each module of this program, ordered by name."""
    for package in PACKAGES:
        yield from _below(importlib.resources.files(package), package)


def fingerprint() -> str:
    """Gives a digest of all modules."""
    digest = hashlib.sha256()
    for name, content in sources():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def archive(folder: Path) -> Path:
    """Writes a zip file of all modules, from which Python can import."""
    target = folder / f"filmledger-{fingerprint()}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sources():
            file.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return target


def foreign_modules() -> list[str]:
    """Gives modules with this program's names that were loaded from another place."""
    home = __file__.removesuffix("infrastructure/cluster/code.py")
    return sorted(
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in PACKAGES and not (getattr(module, "__file__", None) or home).startswith(home)
    )


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _below(entry, name)
        elif entry.name.endswith(".py"):
            yield name, entry.read_bytes()


LOADED: Final = fingerprint()
"""The digest of the code that this process has loaded, even if the files were replaced since."""


SAME: Final = ("python", "dask", "distributed")
NEEDED: Final = (
    "requests", "certifi", "msgspec", "python-dotenv", "beautifulsoup4", "lxml", "protego", "fake-useragent",
    "pysocks", "isal", "brotli",
)  # fmt: skip
"""Packages that a worker needs."""


def missing_packages() -> list[str]:
    """Gives the needed packages that this process lacks."""
    return [package for package in NEEDED if not _installed(package)]


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def versions_here() -> dict[str, str]:
    """Gives the versions of this process."""
    dask = {name: importlib.metadata.version(name) for name in SAME[1:]}
    return _short({"python": platform.python_version(), **dask})


def versions_of(answer: Any) -> dict[str, str]:
    """Gives the versions from one part of the answer of ``Client.get_versions``."""
    return _short(answer["packages"])


def differences(theirs: Mapping[str, str]) -> str:
    """Describes the versions that differ from this process's; empty if none does."""
    ours = versions_here()
    return ", ".join(f"{what} {theirs[what]} instead of {ours[what]}" for what in SAME if theirs[what] != ours[what])


def _short(packages: Mapping[str, Any]) -> dict[str, str]:
    """Cuts Python's version to the minor version, on which pickles and bytecode depend."""
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"python": python, **{name: str(packages.get(name)) for name in SAME[1:]}}
