"""The report of a run for people who were not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.chart_changes import Move
from application.run_jobs import RunResult, StopReason
from application.run_report import RunReport
from tests.unit.infrastructure.progress.test_summary_lines import CLEAN, SUMMARY

STARTED = datetime(2026, 11, 28, 4, 7, tzinfo=UTC)
FINISHED = RunResult(StopReason.FINISHED, CLEAN)


def report(
    result: RunResult | None, error: str = "", *, refused: bool = False, moves: tuple[Move, ...] = ()
) -> RunReport:
    return RunReport("top250", STARTED, STARTED + timedelta(seconds=90), result, error, refused, moves)


def move(imdb_id: str, rank: int | None, before: int | None) -> Move:
    return Move("top250", "1", STARTED, imdb_id, rank, before)


@pytest.mark.parametrize(
    ("made", "title", "succeeded"),
    [
        (report(FINISHED), "filmledger: top250 finished", True),
        (report(replace(FINISHED, summary=SUMMARY)), "filmledger: top250 finished, 3 failed", False),
        (report(RunResult(StopReason.INTERRUPTED, CLEAN)), "filmledger: top250 interrupted", False),
        (report(RunResult(StopReason.BLOCKED, CLEAN), refused=True), "filmledger: top250 refused by the site", False),
        (report(None, "403", refused=True), "filmledger: top250 refused by the site", False),
        (report(None, "no chart"), "filmledger: top250 failed", False),
    ],
)
def test_the_title_says_how_it_ended(made: RunReport, title: str, succeeded: bool) -> None:
    assert (made.title(), made.succeeded, made.seconds) == (title, succeeded, 90)


def test_counts_changes_and_failures_one_line_each() -> None:
    moves = (move("a", 3, None), move("b", None, 250), move("c", 1, 9), *(move(f"n{n}", n, None) for n in range(10)))
    lines = list(report(replace(FINISHED, summary=SUMMARY), moves=moves).lines(str.upper))
    assert lines == [
        "246 fetched, 2 already fresh, 2 incomplete, 3 failed, 1 pending",
        "newcomers: 3 A, 0 N0, 1 N1, 2 N2, 3 N3, 4 N4, 5 N5, 6 N6, 7 N7, 8 N8 and 1 more",
        "leavers: B (was 250)",
        "movers: C (9 to 1)",
        "failed: tt0000007 NotFound, tt0000008 NotFound, tt0000009 UnknownLayout",
    ]


def test_a_run_that_did_not_begin_says_why() -> None:
    assert list(report(None, "the chart has 249 of 250 titles").lines(str)) == ["the chart has 249 of 250 titles"]
