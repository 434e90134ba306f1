"""A network of our own: a Linux network namespace with documentation addresses on its loopback device."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_NET = 0x40000000  # CLONE_NEWNET of setns(2)


def why_not() -> str:
    """Why this machine cannot have one, or nothing."""
    if os.name != "posix" or os.geteuid() != 0:
        return "network namespaces are made by root only"
    if shutil.which("ip") is None:
        return "ip is not installed"
    probe = subprocess.run(["ip", "netns", "list"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "network namespaces are not allowed here"


class Namespace:
    """Exists from entering to leaving; nothing in it reaches the world outside, nor is it reached from there."""

    def __init__(self, name: str, addresses: list[str]) -> None:
        self.name = name
        self._addresses = addresses

    def command(self, *words: str) -> list[str]:
        """The command that runs these words inside."""
        return ["ip", "netns", "exec", self.name, *words]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and the threads it starts, are inside for as long as the block lasts."""
        with Path("/proc/thread-self/ns/net").open("rb") as outside, Path(f"/run/netns/{self.name}").open("rb") as own:
            _enter(own.fileno())
            try:
                yield
            finally:
                _enter(outside.fileno())

    def __enter__(self) -> Namespace:
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        for address in ("127.0.0.1/8", *(f"{address}/32" for address in self._addresses)):
            subprocess.run(self.command("ip", "address", "add", address, "dev", "lo"), check=True)
        subprocess.run(self.command("ip", "link", "set", "lo", "up"), check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], check=True)


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
