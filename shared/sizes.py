"""Sizes as users write them."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([KMGT]?)(?:i?B)?\s*", re.IGNORECASE | re.ASCII)
_POWER: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """Bytes in ``1G``, ``1.5G``, ``500M``, ``64K``, ``0.5T`` or ``1048576``; K is 1024.

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size; allowed: a number with K, M, G or T behind it, such as 1.5G")
    return int(float(match[1]) * 1024 ** _POWER[match[2].upper()])
