"""Requirement files as values: what is pinned, where, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PLATFORMS: Final = (
    ("linux", "x86_64", "posix"),
    ("linux", "aarch64", "posix"),
    ("darwin", "x86_64", "posix"),
    ("darwin", "arm64", "posix"),
    ("win32", "AMD64", "nt"),
)
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a requirements file; ``wanted_by`` is what its comment says."""

    requirement: Requirement
    wanted_by: str

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "==", f"{self.requirement} is not pinned"
        return specifier.version


def pins(path: Path) -> list[Pin]:
    """All lines of a compiled file, with the comments that follow them."""
    found: list[tuple[str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            found[-1][1].append(line.strip().lstrip("# "))
        elif line and not line.startswith("#"):
            found.append((line, []))
    return [Pin(Requirement(line), " ".join(comments)) for line, comments in found]


def environments() -> list[dict[str, str]]:
    """What markers are asked on the platforms and Pythons we speak of."""
    return [
        {
            "python_version": python,
            "python_full_version": f"{python}.9",
            "sys_platform": system,
            "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
            "platform_machine": machine,
            "os_name": os_name,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }
        for python in PYTHONS
        for system, machine, os_name in PLATFORMS
    ]


def applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    """Whether it is installed there."""
    return requirement.marker is None or requirement.marker.evaluate(environment)
