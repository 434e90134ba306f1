"""The text of a run: numbers, durations and times for people, its summary, and its ``status``."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.runs import JobCounts
from application.run_report import RunStatus
from infrastructure.progress import run_text
from infrastructure.progress.run_text import status_lines, summary_lines
from tests.unit.application.test_run_report import CLEAN, LOGGED, NOON, SUMMARY


def test_every_count_that_is_not_zero_is_in_the_summary() -> None:
    assert list(summary_lines(SUMMARY)) == [
        "fetched 246 titles, 2 already fresh, 2 incomplete, 3 failed, 1 pending; 12.4 s",
        "failed: 2 NotFound, 1 UnknownLayout",
        "  tt0000007  NotFound: no such title",
        "  tt0000008  NotFound: no such title",
        "  tt0000009  UnknownLayout: no island",
    ]


def test_twenty_failures_are_named_and_the_rest_counted() -> None:
    lines = list(summary_lines(replace(SUMMARY, failed=21, failures=SUMMARY.failures * 7)))
    assert len(lines) == 23
    assert lines[-2:] == ["  tt0000008  NotFound: no such title", "  and 1 more"]


def test_a_clean_run_has_one_line_and_speed_only_on_request() -> None:
    assert list(summary_lines(CLEAN)) == ["fetched 246 titles; 12.4 s"]
    assert list(summary_lines(CLEAN, noun="files", speed=True)) == [
        "parsed 246 files; 12.4 s",
        "256 requests, 396.2 MB, 0 retries, 19.8/s; 50 workers, busy 37% of the time",
    ]


def test_no_speed_without_work() -> None:
    nothing = replace(CLEAN, fetched=0, fresh=250, requests=0, size=0, busy=0.2)
    assert list(summary_lines(nothing, speed=True)) == ["fetched 0 titles, 250 already fresh; 12.4 s"]


def test_status_of_a_live_run() -> None:
    lines = list(status_lines(RunStatus(LOGGED, NOON)))
    assert lines[0] == ("scrape of top250 at http://127.0.0.1, the first 250 (run 0123abcd): running in process 4711")
    assert lines[1] == "250 in total: 100 completed, 5 failed, 145 pending (42% done)"
    assert lines[2] == "failed: 3 NotFound, 2 UnknownLayout"
    assert lines[3].startswith("1 of the pending ones")
    assert re.fullmatch(r"started 2\S+ \S+ [+-]\d\d:\d\d, last event 2\S+ \S+ [+-]\d\d:\d\d", lines[4])
    assert lines[5].startswith("2.0/s, about 1:12 left, ")


@pytest.mark.parametrize(
    ("alive", "ended", "said"),
    [
        (False, "interrupted", ": interrupted"),
        (False, None, "stopped unexpectedly"),
        (None, None, "is unknown"),
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
    assert "7 listed so far; the list is not complete" in text
    assert "3 lines of the job log are damaged" in text
    assert "started unknown" in text


# --- numbers -------------------------------------------------------------------------


def test_twenty_nine_of_a_hundred_is_twenty_nine_percent() -> None:
    assert [run_text.percent(done, 100) for done in (0, 1, 29, 57, 58, 99, 100)] == [0, 1, 29, 57, 58, 99, 100]


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_the_whole_is_a_hundred_percent(part: int, whole: int) -> None:
    percent = run_text.percent(part, whole)
    assert 0 <= percent <= 100
    assert (percent == 100) == (part >= whole)


def test_of_nothing_everything_is_done() -> None:
    assert run_text.percent(0, 0) == 100


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (14.4, "0:14"), (59.6, "1:00"), (3599.6, "1:00:00"), (3723, "1:02:03"), (183_600, "2 d 03:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert run_text.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1631277, "1.6 MB"), (10**10, "10.0 GB"), (10**16, "10000.0 TB")]
)
def test_sizes(count: float, text: str) -> None:
    assert run_text.size(count) == text


@pytest.mark.parametrize(("per_second", "text"), [(0, "0.0/s"), (0.5, "30.0/min"), (12.34, "12.3/s")])
def test_rates(per_second: float, text: str) -> None:
    assert run_text.rate(per_second) == text
