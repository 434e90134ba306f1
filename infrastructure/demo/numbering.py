"""Ids that look random, repeat from a seed, and can be counted back to their index without a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MODULUS: Final = 14_999_981  # a prime, so that every multiplier has an inverse; ids get 7 or 8 digits
_MULTIPLIER: Final = 6_180_339
_INVERSE: Final = pow(_MULTIPLIER, -1, MODULUS)


@dataclass(frozen=True, slots=True)
class Numbering:
    """A one-to-one map between indexes and ids such as ``tt0123456``.

    Their order has nothing to do with the order of the indexes, and, since some
    have seven digits and some eight, their order as text is not that as numbers.
    """

    prefix: str
    offset: int

    def id_of(self, index: int) -> str:
        """The id of an index from 0 to ``MODULUS - 1``."""
        return f"{self.prefix}{(index * _MULTIPLIER + self.offset) % MODULUS:07d}"

    def index_of(self, identifier: str) -> int | None:
        """The index behind an id, or None if no index can have it."""
        digits = identifier.removeprefix(self.prefix)
        if digits == identifier or not (digits.isascii() and digits.isdigit()):
            return None
        index = (int(digits) - self.offset) * _INVERSE % MODULUS
        return index if self.id_of(index) == identifier else None
