"""The value of ``--cluster``: a local cluster or a scheduler's address."""

from __future__ import annotations

import os
import re
from typing import Final

import msgspec

from domain.errors import UsageError

_LOCAL: Final = re.compile(r"local(?::([1-9][0-9]{0,2}))?")
_ADDRESS: Final = re.compile(r"(?:tcp|tls|ws|wss|ucx)://[^\s/]+:[0-9]+")


class OwnCluster(msgspec.Struct, frozen=True):
    """A cluster on this machine that the run starts and stops."""

    workers: int


class RemoteCluster(msgspec.Struct, frozen=True):
    """An existing cluster, by the address of its scheduler."""

    address: str


def usable_cores() -> int:
    """Gives the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_cluster(text: str) -> OwnCluster | RemoteCluster:
    """Reads ``local``, ``local:4`` or a scheduler's address.

    Raises:
        UsageError: it is none of them.
    """
    if match := _LOCAL.fullmatch(text):
        return OwnCluster(int(match[1])) if match[1] else OwnCluster(usable_cores())
    if _ADDRESS.fullmatch(text):
        return RemoteCluster(text)
    raise UsageError(
        f"--cluster {text!r} is not allowed; allowed: local, local:NUMBER, or a scheduler's address, tcp://host:8786"
    )
