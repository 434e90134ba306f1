"""Activities and their listener."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.activity import activity, listen


def test_a_listener_is_told_the_beginning_and_the_end_until_it_is_removed() -> None:
    told: list[str] = []

    @contextmanager
    def listener(name: str) -> Iterator[None]:
        told.append(f"begin {name}")
        yield
        told.append(f"end {name}")

    with activity("before"):
        pass
    listen(listener)
    try:
        with activity("outer"), activity("inner"):
            told.append("work")
    finally:
        listen(None)
    with activity("after"):
        pass
    assert told == ["begin outer", "begin inner", "work", "end inner", "end outer"]
