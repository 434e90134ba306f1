"""Reports as files: one SQL query each, after a line with its title and explanation.

``reports`` beside this module has the queries that every database supports; each database has a folder for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import UsageError

_SHARED: Final = Path(__file__).parent / "reports"
_HEAD: Final = re.compile(
    r"-- (?P<title>[^:]+): (?P<explanation>.+)\n(?P<compares>-- Needs two complete runs of a chart\.\n)?"
)


class ReportFile(msgspec.Struct, frozen=True):
    """One report.

    Attributes:
        name: what a user types: ``frequent_actors``.
        title, explanation: for people.
        compares_runs: whether it needs two complete runs of a chart.
    """

    name: str
    title: str
    explanation: str
    compares_runs: bool
    sql: str

    def explained(self, runs: int) -> str:
        """The explanation; with a note if runs are missing, because an empty result would suggest that nothing changed.

        Args:
            runs: complete runs of the chart that was read most often.
        """
        if not self.compares_runs or runs > 1:
            return self.explanation
        missing = "only one exists" if runs else "none exists"
        return f"{self.explanation} It needs two complete runs of the same chart; {missing} so far."


def report_paths(folder: Path) -> Mapping[str, Path]:
    """The shared reports and those of ``folder`` by name, in the order of printing."""
    found = [*_SHARED.glob("*.sql"), *folder.glob("*.sql")]
    return {path.stem.split("_", 1)[1]: path for path in sorted(found, key=lambda path: path.name)}


def read_reports(folder: Path, wanted: Iterable[str] = ()) -> list[ReportFile]:
    """Reads the reports with these names, or all.

    Raises:
        UsageError: a name is unknown.
    """
    paths = report_paths(folder)
    chosen = list(wanted) or list(paths)
    if unknown := [name for name in chosen if name not in paths]:
        raise UsageError(f"unknown report {unknown[0]!r}; choose from {', '.join(paths)}")
    return [_read(name, paths[name]) for name in chosen]


def _read(name: str, path: Path) -> ReportFile:
    sql = path.read_text(encoding="utf-8")
    head = _HEAD.match(sql)
    if head is None:
        raise ValueError(f"{path} does not begin with its title and explanation")
    return ReportFile(name, head["title"], head["explanation"], head["compares"] is not None, sql)
