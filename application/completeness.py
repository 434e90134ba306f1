"""Checks whether a store has everything that the last run saved."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final

from application.ports import JobCounts
from application.records import Row
from domain.fields import Table

_ID: Final = Table.MOVIES.column_index("imdb_id")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the last run's job log records.

    Attributes:
        counts: of its jobs.
        done: the ids that it saved, or left unchanged because they were fresh.
    """

    counts: JobCounts
    done: Container[str] = ()

    @property
    def progress(self) -> str | None:
        """The progress of an unfinished run in one line; ``None`` if nothing is pending."""
        counts = self.counts
        if not counts.pending:
            return None
        failed = f", {counts.failed} failed" if counts.failed else ""
        return (
            f"the last run has done {counts.completed} of {counts.total} titles{failed}; {counts.pending} are pending"
        )


class PresentTitles:
    """Counts which of the last run's titles one store has."""

    def __init__(self, expectation: Expectation) -> None:
        self._expected = expectation
        self._titles = 0

    def count(self, row: Row) -> None:
        """Adds one movies row."""
        if row and row[_ID] in self._expected.done:
            self._titles += 1

    def problems(self) -> Iterator[str]:
        """What is missing, a line each."""
        done = self._expected.counts.completed
        if self._titles < done:
            yield f"only {self._titles} of the {done} titles that the last run has done are there"
