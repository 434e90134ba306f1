"""Sets of job numbers at one bit each, and small counts for the few jobs that need one.

In-house: a bytearray does it. Jobs are numbered from 0 without gaps, so that the
compression of Roaring bitmaps would have nothing to do.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_PAGE: Final = 4096


class Bitmap:
    """A set of whole numbers from 0; ten million of them take 1.25 MB."""

    __slots__ = ("_bits", "_count")

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)
        self._count = int.from_bytes(self._bits, "little").bit_count()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        index = number >> 3
        return index < len(self._bits) and bool(self._bits[index] >> (number & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for index, byte in enumerate(self._bits):
            if byte:
                yield from (index << 3 | bit for bit in range(8) if byte >> bit & 1)

    def __bytes__(self) -> bytes:
        return bytes(self._bits)

    def add(self, number: int) -> bool:
        """Put it in; whether it was not in yet."""
        index, bit = number >> 3, 1 << (number & 7)
        bits = self._bits
        if index >= len(bits):
            bits.extend(bytes(index + 1 - len(bits)))
        if bits[index] & bit:
            return False
        bits[index] |= bit
        self._count += 1
        return True

    def add_all(self, numbers: Sequence[int], within: Bitmap | None = None) -> list[int]:
        """Put them in; answers those that were in already, or are not ``within``.

        Takes a third of the time that ``add`` takes for each.
        """
        bits = self._bits
        allowed = within._bits if within is not None else bytes([0xFF]) * ((max(numbers, default=0) >> 3) + 1)
        size = len(allowed)
        if size > len(bits):
            bits.extend(bytes(size - len(bits)))
        refused = []
        for number in numbers:
            index = number >> 3
            bit = 1 << (number & 7)
            if index < size and allowed[index] & bit and not bits[index] & bit:
                bits[index] |= bit
            else:
                refused.append(number)
        self._count += len(numbers) - len(refused)
        return refused

    def discard(self, number: int) -> bool:
        """Take it out; whether it was in."""
        if number not in self:
            return False
        self._bits[number >> 3] ^= 1 << (number & 7)
        self._count -= 1
        return True

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from ``first`` to ``last`` is in."""
        if last >> 3 >= len(self._bits):
            return False
        within = int.from_bytes(self._bits[first >> 3 : (last >> 3) + 1], "little") >> (first & 7)
        wanted = (1 << (last + 1 - first)) - 1
        return within & wanted == wanted

    def free(self) -> Iterator[int]:
        """The numbers that are not in, upwards and without end; they may be added as they come."""
        held = len(self._bits)
        for index in range(held):
            if self._bits[index] != 0xFF:
                yield from (number for number in range(index << 3, (index + 1) << 3) if number not in self)
        yield from itertools.count(held << 3)


class Counts:
    """A count for each job, 0 unless set; 65,535 stands for anything above.

    Memory follows the jobs that have one, by pages of 4,096.
    """

    __slots__ = ("_pages",)

    def __init__(self, pages: Iterable[tuple[int, bytes]] = ()) -> None:
        self._pages = {number: array("H", page) for number, page in pages}

    def __getitem__(self, number: int) -> int:
        page = self._pages.get(number // _PAGE)
        return page[number % _PAGE] if page is not None else 0

    def __setitem__(self, number: int, count: int) -> None:
        page = self._pages.get(number // _PAGE)
        if page is None:
            if count <= 0:
                return
            page = self._pages[number // _PAGE] = array("H", bytes(2 * _PAGE))
        page[number % _PAGE] = max(0, min(count, 0xFFFF))

    def pages(self) -> list[tuple[int, bytes]]:
        """What the constructor takes."""
        return [(number, page.tobytes()) for number, page in self._pages.items()]
