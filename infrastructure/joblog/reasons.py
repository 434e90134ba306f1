"""Why jobs failed for good, two bytes for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from infrastructure.joblog.bitmap import Counts

_OTHER: Final = "other"
_MOST: Final = 500  # error classes are few; more or longer ones can only come from a damaged log
_LONGEST: Final = 100


class Reasons:
    """The error of each failed job, and how many jobs share it."""

    __slots__ = ("_code_of", "_codes", "_jobs")

    def __init__(self, counts: Iterable[tuple[str, int]] = (), codes: Iterable[tuple[int, bytes]] = ()) -> None:
        self._code_of: dict[str, int] = {}
        self._jobs: list[int] = []
        for reason, jobs in counts:
            self._code_of[reason] = len(self._jobs)
            self._jobs.append(jobs)
        self._codes = Counts(codes)

    def most_common(self) -> tuple[tuple[str, int], ...]:
        """The errors that jobs have now, most frequent first, then by name."""
        held = [(reason, jobs) for reason, jobs in self.counts() if jobs]
        return tuple(sorted(held, key=lambda each: (-each[1], each[0])))

    def add(self, seq: int, reason: str) -> None:
        """The job failed with this error; it must not have one already."""
        reason = reason[:_LONGEST]
        if reason not in self._code_of:
            reason = reason if len(self._jobs) < _MOST else _OTHER
        code = self._code_of.setdefault(reason, len(self._jobs))
        if code == len(self._jobs):
            self._jobs.append(0)
        self._jobs[code] += 1
        self._codes[seq] = code

    def discard(self, seq: int) -> None:
        """The job has not failed after all; it must have an error."""
        self._jobs[self._codes[seq]] -= 1

    def counts(self) -> list[tuple[str, int]]:
        """What the constructor takes first."""
        return list(zip(self._code_of, self._jobs, strict=True))

    def codes(self) -> list[tuple[int, bytes]]:
        """What the constructor takes second."""
        return self._codes.pages()
