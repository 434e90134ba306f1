"""How long to wait before trying again, and what a Retry-After says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.http.classify import parse_retry_after
from infrastructure.http.policies import RetryPolicy

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(factor=st.floats(0, 1000), cap=st.floats(0, 10_000), retry=st.integers(1, 5000), seed=st.integers(0, 2**32))
def test_the_nth_wait_is_the_factor_doubled_with_jitter_up_to_the_cap(
    factor: float, cap: float, retry: int, seed: int
) -> None:
    wait = RetryPolicy(factor=factor, max_wait=cap).wait(retry, random.Random(seed))

    plain = factor * 2.0 ** min(retry - 1, 64)
    assert min(plain * 0.75, cap) <= wait <= min(plain * 1.25, cap)


def test_waits_of_different_threads_differ() -> None:
    chance = random.Random(1)

    assert len({RetryPolicy().wait(1, chance) for _ in range(50)}) > 40


@pytest.mark.parametrize(("asked", "enabled", "bound"), [(99, True, 6), (3, True, 3), (99, False, 1), (0, True, 0)])
def test_a_call_is_bound_by_its_caller_and_by_the_policy(asked: int, enabled: bool, bound: int) -> None:
    assert RetryPolicy(enabled=enabled, retries=5).bound(asked) == bound


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", None),
        ("-3", None),
        ("٣", None),
        ("soon", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime((NOW + timedelta(seconds=90)).astimezone(timezone(timedelta(hours=5)))), 90.0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60.0),
        ("Friday, 02-Jan-26 03:05:05 GMT", 60.0),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.one_of(st.text(), st.integers().map(str), st.datetimes().map(format_datetime)))
def test_no_retry_after_breaks_the_reader(value: str) -> None:
    seconds = parse_retry_after(value, NOW)

    assert seconds is None or seconds >= 0
