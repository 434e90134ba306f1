"""The program's own code: sent to workers elsewhere, and compared with what they have loaded."""

from __future__ import annotations

import hashlib
import importlib.resources
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

PACKAGES: Final = ("application", "domain", "infrastructure", "shared")
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can name


def sources() -> Iterator[tuple[str, bytes]]:
    """Name and content of each of our modules, in the order of their names."""
    for package in PACKAGES:
        yield from _below(importlib.resources.files(package), package)


def fingerprint() -> str:
    """Differs as soon as one module differs."""
    digest = hashlib.sha256()
    for name, content in sources():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def archive(folder: Path) -> Path:
    """Our modules as a zip file that Python can import from."""
    target = folder / f"filmledger-{fingerprint()}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sources():
            file.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return target


def strangers() -> list[str]:
    """Modules under our packages' names that were loaded from another place than this one."""
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
"""Of the code that this process runs, even if other code was put in its place since."""
