"""What a run answers to the shell."""

from __future__ import annotations

import pytest

from application.run_jobs import RunResult, StopReason, Summary
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.summary import exit_code


def _ended(failed: int = 0, minor: int = 0, stop_reason: StopReason = StopReason.FINISHED) -> RunResult:
    summary = Summary(
        fetched=1, fresh=0, incomplete=0, failed=failed, minor=minor, reasons=(), failures=(), retried=0, cancelled=0,
        saved=1, pending=0, requests=0, size=0, elapsed=1.0, busy=1.0, workers=1,
    )  # fmt: skip
    return RunResult(stop_reason, summary)


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([_ended()], Exit.DONE),
        ([_ended(1)], Exit.FAILED),
        ([_ended(3, minor=3)], Exit.DONE),
        ([_ended(4, minor=3)], Exit.FAILED),
        ([_ended(1), _ended(3, minor=3)], Exit.FAILED),
        ([_ended(), _ended(1)], Exit.FAILED),
        ([_ended(stop_reason=StopReason.STORE)], Exit.FAILED),
        ([_ended(1), _ended(stop_reason=StopReason.BLOCKED)], Exit.BLOCKED),
    ],
)
def test_the_worst_of_all_runs_counts_and_a_picture_is_only_a_warning(runs: list[RunResult], code: Exit) -> None:
    assert exit_code(*runs, interrupted=False) is code
    assert exit_code(*runs, interrupted=True) is Exit.INTERRUPTED
