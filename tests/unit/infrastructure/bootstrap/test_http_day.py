"""The day of a data file is that of Last-Modified, where a mirror sends one that can be read."""

from __future__ import annotations

from datetime import date

import pytest

from infrastructure.bootstrap.datasets import http_day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Fri, 27 Nov 2026 23:30:00 GMT", date(2026, 11, 27)),
        ("Fri, 27 Nov 2026 23:30:00 -0100", date(2026, 11, 28)),
        ("", None),
        ("yesterday", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_a_date_gives_its_day_in_utc_or_none(text: str, day: date | None) -> None:
    assert http_day(text) == day
