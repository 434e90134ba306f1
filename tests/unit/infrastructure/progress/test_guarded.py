"""A display that fails is logged once and does no harm."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from application.ports.runs import Job, Outcome, Status
from infrastructure.progress.displays import GuardedProgress
from shared.logs import SCREEN, LogOptions, configure
from shared.secret import Secret, register
from tests.support.progress import BrokenProgress, RecordingProgress

JOB = Job(0, "tt0000001")


@pytest.mark.parametrize("breaks_at", ["begin", "started", "phase", "done", "note", "end"])
def test_the_run_continues_without_the_display(breaks_at: str, caplog: pytest.LogCaptureFixture) -> None:
    broken = BrokenProgress(breaks_at)
    display = GuardedProgress(broken)
    for _ in range(3):
        display.begin("Top 250", 1)
        display.started(JOB)
        display.phase(JOB, "fetch")
        display.note("a line")
        display.done(Outcome(JOB, Status.COMPLETED))
        display.end()
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 1
    assert "the terminal has gone" in told[0].getMessage()
    assert broken.calls <= 7


def test_what_the_screen_shows_is_logged_and_safe(caplog: pytest.LogCaptureFixture) -> None:
    register(Secret("hunter2hunter2"))
    shown = RecordingProgress()
    display = GuardedProgress(shown)
    with caplog.at_level(logging.INFO, SCREEN):
        display.begin("Top 250", 250)
        display.note("via http://me:pw@proxy/ with hunter2hunter2 \x1b[31m")
    safe = "via http://***@proxy/ with *** \\x1b[31m"
    assert shown.notes == [safe]
    assert [record.getMessage() for record in caplog.records] == ["Top 250: 250 to do", safe]
    assert {record.name for record in caplog.records} == {SCREEN}


def test_it_is_a_warning_also_in_the_log_file(tmp_path: Path) -> None:
    logs = configure(LogOptions(quiet=True, file=tmp_path / "log"))
    GuardedProgress(BrokenProgress("done")).done(Outcome(JOB, Status.COMPLETED))
    logs.close()
    assert "progress display failed" in (tmp_path / "log").read_text()
