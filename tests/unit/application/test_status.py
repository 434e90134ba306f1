"""Rates and estimates from what a log says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.ports import JobCounts, RunIdentity
from application.status import LoggedRun, Pace, RunStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOGGED = LoggedRun(
    run="0123abcd",
    identity=RunIdentity("scrape", "top250", "http://127.0.0.1", 250),
    whole=True,
    counts=JobCounts(250, 100, 5),
    reasons=(("NotFound", 3), ("UnknownLayout", 2)),
    waiting=1,
    started=NOON - timedelta(minutes=10),
    last_event=NOON,
    alive=True,
    pid=4711,
    ended=None,
    pace=Pace(100, NOON - timedelta(seconds=50), NOON),
    unusable=0,
)


def test_a_live_run_ends_when_the_rest_is_done_at_this_rate() -> None:
    found = RunStatus(LOGGED, NOON)
    assert found.rate == 2.0
    assert found.estimated_end == NOON + timedelta(seconds=145 / 2)


def test_a_live_run_that_stands_still_slows_down() -> None:
    assert RunStatus(LOGGED, NOON + timedelta(seconds=50)).rate == 1.0


def test_a_dead_run_has_the_rate_it_had_and_no_end() -> None:
    dead = RunStatus(replace(LOGGED, alive=False), NOON + timedelta(days=1))
    assert dead.rate == 2.0
    assert dead.estimated_end is None


@pytest.mark.parametrize(
    "pace",
    [None, Pace(0, NOON, NOON), Pace(5, NOON, NOON), Pace(5, NOON + timedelta(hours=1), NOON)],
)
def test_without_a_pace_nobody_can_tell(pace: Pace | None) -> None:
    found = RunStatus(replace(LOGGED, pace=pace), NOON)
    assert found.rate == 0.0
    assert found.estimated_end is None


def test_an_end_beyond_the_calendar_is_none() -> None:
    slow = Pace(1, NOON - timedelta(days=300), NOON)
    found = RunStatus(replace(LOGGED, counts=JobCounts(100_000_000, 0, 0), pace=slow), NOON)
    assert found.estimated_end is None


@pytest.mark.parametrize(
    ("alive", "ended", "failed", "well"),
    [
        (True, None, 5, True),
        (None, None, 0, True),  # nobody can tell
        (False, None, 0, False),  # killed
        (False, "finished", 0, True),
        (False, "finished", 1, False),
        (False, "interrupted", 0, True),
        (False, "blocked", 0, False),
        (False, "store unavailable", 0, False),
        (False, "error", 0, False),
    ],
)
def test_what_needs_a_look(alive: bool | None, ended: str | None, failed: int, well: bool) -> None:
    logged = replace(LOGGED, alive=alive, ended=ended, counts=JobCounts(250, 100, failed))
    assert RunStatus(logged, NOON).well is well


def test_everything_is_there_as_json() -> None:
    told = json.loads(json.dumps(RunStatus(LOGGED, NOON).as_dict()))
    assert told == {
        "run": "0123abcd",
        "work": "scrape",
        "subject": "top250",
        "site": "http://127.0.0.1",
        "limit": 250,
        "listed": True,
        "total": 250,
        "completed": 100,
        "failed": 5,
        "failed_by_reason": {"NotFound": 3, "UnknownLayout": 2},
        "pending": 145,
        "waiting_for_another_try": 1,
        "rate_per_second": 2.0,
        "estimated_end": "2026-01-01T12:01:12Z",
        "started": "2026-01-01T11:50:00Z",
        "last_event": "2026-01-01T12:00:00Z",
        "alive": True,
        "pid": 4711,
        "ended": None,
        "unusable_lines": 0,
    }


def test_a_run_names_itself() -> None:
    assert str(LOGGED.identity) == "scrape of top250 at http://127.0.0.1, the first 250"
    assert str(RunIdentity("parse", "pages")) == "parse of pages"
