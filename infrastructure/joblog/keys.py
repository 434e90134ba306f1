"""Which keys a list has already, in little memory."""

from __future__ import annotations

import re
from typing import Final

from infrastructure.joblog.bitmap import Bitmap

_IMDB: Final = re.compile(r"tt(\d{7,10})", re.ASCII)
_PAGE: Final = 1 << 15


class KeySet:
    """A set of job keys: IMDb ids at about a bit each where they stand close together, others as text."""

    __slots__ = ("_numbers", "_others")

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], Bitmap] = {}  # by digits and page: tt0000001 is not tt00000001
        self._others: set[str] = set()

    def add(self, key: str) -> bool:
        """Put it in; whether it was not in yet."""
        match = _IMDB.fullmatch(key)
        if match is None:
            before = len(self._others)
            self._others.add(key)
            return len(self._others) > before
        digits = match[1]
        page, number = divmod(int(digits), _PAGE)
        bits = self._numbers.get((len(digits), page))
        if bits is None:
            bits = self._numbers[len(digits), page] = Bitmap()
        return bits.add(number)
