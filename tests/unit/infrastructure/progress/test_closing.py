"""The words at the end of a run, and those of status."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.ports import Failure, JobCounts
from application.status import RunStatus
from application.summary import Summary
from infrastructure.progress.closing import closing_lines
from infrastructure.progress.status_lines import status_lines
from tests.unit.application.test_status import LOGGED, NOON

SUMMARY = Summary(
    saved=248,
    partial=2,
    failed=3,
    reasons=(("NotFound", 2), ("UnknownLayout", 1)),
    failures=(
        Failure("tt0000007", "NotFound", "no such title"),
        Failure("tt0000008", "NotFound", "no such title"),
        Failure("tt0000009", "UnknownLayout", "no island"),
    ),
    retried=4,
    cancelled=1,
    requests=256,
    size=396_200_000,
    elapsed=12.4,
    busy=228.16,
    workers=50,
)


def test_the_whole_story() -> None:
    assert list(closing_lines(SUMMARY, listed=2)) == [
        "saved 248 titles in 12.4 s (20.0 a second), 256 requests, 396.2 MB",
        "18.4 times as fast as one after the other; 50 workers, busy 37% of the time",
        "2 of them incomplete: their source could not tell every field",
        "tried again: 4",
        "1 cut off; they stay pending",
        "3 failed: 2 NotFound, 1 UnknownLayout",
        "  tt0000007  NotFound: no such title",
        "  tt0000008  NotFound: no such title",
        "  and 1 more",
    ]


def test_a_run_without_trouble_is_told_in_two_lines() -> None:
    calm = replace(SUMMARY, partial=0, failed=0, reasons=(), failures=(), retried=0, cancelled=0)
    assert len(list(closing_lines(calm))) == 2
    assert next(closing_lines(calm, noun="posters")).startswith("saved 248 posters")


def test_a_run_of_nothing() -> None:
    nothing = Summary(0, 0, 0, (), (), 0, 0, 0, 0, 0.0, 0.0, 50)
    assert list(closing_lines(nothing)) == ["saved 0 titles in 0.0 s (0.0 a second), 0 requests, 0 B"]


def test_status_of_a_live_run() -> None:
    lines = list(status_lines(RunStatus(LOGGED, NOON)))
    assert lines[0] == ("scrape of top250 at http://127.0.0.1, the first 250 (run 0123abcd), under way in process 4711")
    assert lines[1] == "250 in all: 100 completed, 5 failed, 145 pending (42% done)"
    assert lines[2] == "failed: 3 NotFound, 2 UnknownLayout"
    assert lines[3].startswith("1 of those pending")
    assert lines[4].startswith("started ")
    assert lines[5].startswith("2.0/s, about 1:12 left, ")


@pytest.mark.parametrize(
    ("alive", "ended", "said"),
    [
        (False, "interrupted", "ended: interrupted"),
        (False, None, "ended without a word"),
        (None, None, "cannot be told"),
    ],
)
def test_status_of_a_run_that_is_over(alive: bool | None, ended: str | None, said: str) -> None:
    logged = replace(LOGGED, alive=alive, ended=ended, waiting=0, reasons=(), pace=None)
    lines = list(status_lines(RunStatus(logged, NOON + timedelta(days=1))))
    assert said in lines[0]
    assert len(lines) == 3


def test_status_of_a_list_that_is_not_whole_and_a_log_that_is_damaged() -> None:
    logged = replace(LOGGED, whole=False, counts=JobCounts(7, 0, 0), unusable=3, started=None)
    text = "\n".join(status_lines(RunStatus(logged, NOON)))
    assert "7 listed so far; the list is not whole" in text
    assert "3 lines of the log could not be used" in text
    assert "started at an unknown time" in text
