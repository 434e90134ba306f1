"""The report of a run that has ended, and the state of one in its job log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.chart_changes import Move
from application.ports.runs import Failure, JobCounts, RunIdentity
from application.run_jobs import RunResult, StopReason, Summary
from application.run_report import LoggedRun, Pace, RunReport, RunStatus

# --- the report of a run that has ended -----------------------------------------

STARTED = datetime(2026, 11, 28, 4, 7, tzinfo=UTC)
SUMMARY = Summary(
    fetched=246,
    fresh=2,
    incomplete=2,
    failed=3,
    minor=0,
    reasons=(("NotFound", 2), ("UnknownLayout", 1)),
    failures=(
        Failure("tt0000007", "NotFound", "no such title"),
        Failure("tt0000008", "NotFound", "no such title"),
        Failure("tt0000009", "UnknownLayout", "no island"),
    ),
    retried=4,
    cancelled=1,
    saved=248,
    pending=1,
    requests=256,
    size=396_200_000,
    elapsed=12.4,
    busy=228.16,
    workers=50,
)
CLEAN = replace(SUMMARY, fresh=0, incomplete=0, failed=0, reasons=(), failures=(), retried=0, cancelled=0, pending=0)
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


# --- the state of a run, from its job log ---------------------------------------

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
