"""Sizes as people write them."""

from __future__ import annotations

import pytest

from shared.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        ("1K", 1024),
        ("1G", 1 << 30),
        ("1.5g", 3 << 29),
        ("0.5T", 1 << 39),
        (".5M", 1 << 19),
        (" 2 GB ", 2 << 30),
        ("2GiB", 2 << 30),
        ("64 K", 64 << 10),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1P", "1e9", "nan", "inf", "1 G M", "1,5G", "٣G", "1.5.2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
