"""Which cluster the user means."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from domain.errors import UsageError

_LOCAL: Final = re.compile(r"local(?::([1-9][0-9]{0,2}))?")
_ADDRESS: Final = re.compile(r"(?:tcp|tls|ws|wss|ucx)://[^\s/]+:[0-9]+")


@dataclass(frozen=True, slots=True)
class Local:
    """A cluster on this machine, for as long as the run lasts."""

    workers: int


@dataclass(frozen=True, slots=True)
class Remote:
    """A cluster that is there already, by the address of its scheduler."""

    address: str


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cluster_named(text: str) -> Local | Remote:
    """Read ``local``, ``local:4`` or a scheduler's address.

    Raises:
        UsageError: it is none of them.
    """
    if match := _LOCAL.fullmatch(text):
        return Local(int(match[1])) if match[1] else Local(usable_cores())
    if _ADDRESS.fullmatch(text):
        return Remote(text)
    raise UsageError(
        f"--cluster {text!r} is not allowed; allowed: local, local:NUMBER, or a scheduler's address, tcp://host:8786"
    )
