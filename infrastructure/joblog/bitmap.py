"""Sets of job numbers at one bit each, and what a few jobs need beside it.

In-house: jobs are numbered from 0 without gaps, so that a bytearray is as small as a
compressed (Roaring) bitmap.
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Iterator, Sequence
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
        """Adds an element; tells whether it is new."""
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
        """Adds the numbers; returns those that were in the set already or are not ``within``.

        Takes a third of the time of ``add`` for each.
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
        """Removes a number; tells whether it was in the set."""
        if number not in self:
            return False
        self._bits[number >> 3] ^= 1 << (number & 7)
        self._count -= 1
        return True

    def covers(self, first: int, last: int) -> bool:
        """Tells whether every number from ``first`` to ``last`` is in the set."""
        if last >> 3 >= len(self._bits):
            return False
        within = int.from_bytes(self._bits[first >> 3 : (last >> 3) + 1], "little") >> (first & 7)
        wanted = (1 << (last + 1 - first)) - 1
        return within & wanted == wanted

    def free(self) -> Iterator[int]:
        """Yields the numbers that are not in the set, ascending and without end; they may be added meanwhile."""
        held = len(self._bits)
        for index in range(held):
            if self._bits[index] != 0xFF:
                yield from (number for number in range(index << 3, (index + 1) << 3) if number not in self)
        yield from itertools.count(held << 3)


class Counts:
    """A count for each job, 0 unless set; 65,535 stands for anything above.

    Memory is used in pages of 4,096 jobs, where a job has a count.
    """

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}

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


_IMDB: Final = re.compile(r"tt(\d{7,10})", re.ASCII)
_ID_PAGE: Final = 1 << 15


class KeySet:
    """A set of job keys: IMDb ids at about a bit each where they stand close together, others as text."""

    __slots__ = ("_numbers", "_others")

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], Bitmap] = {}  # by digits and page: tt0000001 is not tt00000001
        self._others: set[str] = set()

    def add(self, key: str) -> bool:
        """Adds an element; tells whether it is new."""
        match = _IMDB.fullmatch(key)
        if match is None:
            before = len(self._others)
            self._others.add(key)
            return len(self._others) > before
        digits = match[1]
        page, number = divmod(int(digits), _ID_PAGE)
        bits = self._numbers.get((len(digits), page))
        if bits is None:
            bits = self._numbers[len(digits), page] = Bitmap()
        return bits.add(number)


_OTHER: Final = "other"
_MAX_REASONS: Final = 500  # error classes are few; more or longer ones come from a damaged log
_MAX_REASON: Final = 100


class FailureReasons:
    """The error of each failed job in two bytes, and the number of jobs for each error."""

    __slots__ = ("_code_of", "_codes", "_jobs")

    def __init__(self) -> None:
        self._code_of: dict[str, int] = {}
        self._jobs: list[int] = []
        self._codes = Counts()

    def most_common(self) -> tuple[tuple[str, int], ...]:
        """Gives the errors of the failed jobs with their number, most frequent first, then by name."""
        held = [(reason, jobs) for reason, jobs in zip(self._code_of, self._jobs, strict=True) if jobs]
        return tuple(sorted(held, key=lambda each: (-each[1], each[0])))

    def add(self, seq: int, reason: str) -> None:
        """Records the error of a job that has none."""
        reason = reason[:_MAX_REASON]
        if reason not in self._code_of:
            reason = reason if len(self._jobs) < _MAX_REASONS else _OTHER
        code = self._code_of.setdefault(reason, len(self._jobs))
        if code == len(self._jobs):
            self._jobs.append(0)
        self._jobs[code] += 1
        self._codes[seq] = code

    def discard(self, seq: int) -> None:
        """Removes the error of a job that has one."""
        self._jobs[self._codes[seq]] -= 1
