"""Values as people read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.catalogue import formats


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (999, "999"), (1_000, "1K"), (1_499, "1K"), (876_543, "877K"), (999_499, "999K"),
        (999_500, "1.0M"), (2_912_345, "2.9M"), (9_949_999, "9.9M"), (9_950_000, "10M"), (123_456_789, "123M"),
        (999_499_999, "999M"), (1_234_567_890, "1.2B"),
    ],
)  # fmt: skip
def test_votes(count: int, text: str) -> None:
    assert formats.votes(count) == text


@pytest.mark.parametrize(("minutes", "text"), [(1, "1m"), (59, "59m"), (60, "1h"), (142, "2h 22m"), (0, "0m")])
def test_duration(minutes: int, text: str) -> None:
    assert formats.duration(minutes) == text


@pytest.mark.parametrize(
    ("iso", "text"), [("1994", "1994"), ("1994-10", "October 1994"), ("1994-10-04", "4 October 1994")]
)
def test_dates_are_as_precise_as_they_are_known(iso: str, text: str) -> None:
    assert formats.date(iso) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 films"), (1, "1 film"), (2, "2 films"), (12_345, "12,345 films")])
def test_count(number: int, text: str) -> None:
    assert formats.count(number, "film") == text


@pytest.mark.parametrize(
    ("parts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_joined(parts: list[str], text: str) -> None:
    assert formats.joined(parts) == text


@pytest.mark.parametrize(
    ("text", "found"), [("Amélie", "amelie"), ("ŁÓDŹ", "lodz"), ("Sci-Fi", "sci-fi"), ("七人の侍", "七人の侍")]
)
def test_searchable(text: str, found: str) -> None:
    assert formats.searchable(text) == found


def test_the_scripts_fold_the_same_letters() -> None:
    script = (Path(formats.__file__).parent / "scripts" / "theme.js").read_text(encoding="utf-8")
    folded = dict(re.findall(r'"(.)": "([a-z]+)"', script))
    assert folded
    assert all(formats.searchable(letter) == plain for letter, plain in folded.items())
    assert set(re.search(r"/\[(.+?)\]/g, function", script)[1]) == folded.keys()  # type: ignore[index]


@given(st.text())
def test_a_slug_is_a_safe_file_name(text: str) -> None:
    assert set(formats.slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(formats.slug(text)) <= 60


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (25_000_000, "USD", "$25M"), (2_400_000_000, "JPY", "¥2.4B"), (950_000, "EUR", "€950K"),
        (1_500_000, None, "$1.5M"), (12_000_000, "DEM", "DEM 12M"), (0, "USD", "$0"), (999_999, "GBP", "£1M"),
    ],
)  # fmt: skip
def test_money(amount: int, currency: str | None, text: str) -> None:
    assert formats.money(amount, currency) == text


def test_long_text_is_shortened_with_an_ellipsis() -> None:
    assert formats.shortened("a  b\nc", 10) == "a b c"
    assert formats.shortened("abcdef ghi", 8) == "abcdef…"
