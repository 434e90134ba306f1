"""Waiting for what must happen."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Look again and again until the condition holds; fail if it never does."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not happen"
        sleep(0.01)
