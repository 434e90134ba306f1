"""Numbers, durations and times for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.progress import units


def test_twenty_nine_of_a_hundred_is_twenty_nine_percent() -> None:
    assert [units.percent(done, 100) for done in (0, 1, 29, 57, 58, 99, 100)] == [0, 1, 29, 57, 58, 99, 100]


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_the_whole_is_a_hundred_percent(part: int, whole: int) -> None:
    percent = units.percent(part, whole)
    assert 0 <= percent <= 100
    assert (percent == 100) == (part >= whole)


def test_of_nothing_everything_is_done() -> None:
    assert units.percent(0, 0) == 100


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (14.4, "0:14"), (59.6, "1:00"), (3599.6, "1:00:00"), (3723, "1:02:03"), (183_600, "2 d 03:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1631277, "1.6 MB"), (10**10, "10.0 GB"), (10**16, "10000.0 TB")]
)
def test_sizes(count: float, text: str) -> None:
    assert units.size(count) == text


@pytest.mark.parametrize(("per_second", "text"), [(0, "0.0/s"), (0.5, "30.0/min"), (12.34, "12.3/s")])
def test_rates(per_second: float, text: str) -> None:
    assert units.rate(per_second) == text
