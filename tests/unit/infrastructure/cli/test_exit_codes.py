"""What a run answers to the shell."""

from __future__ import annotations

import pytest

from application.run_jobs import RunResult, StopReason
from application.summary import Summary
from infrastructure.cli.exit_codes import Exit
from infrastructure.cli.summary import exit_code


def _ended(*reasons: tuple[str, int], stop_reason: StopReason = StopReason.FINISHED) -> RunResult:
    failed = sum(count for _, count in reasons)
    summary = Summary(
        fetched=1, fresh=0, incomplete=0, failed=failed, reasons=reasons, failures=(), retried=0, cancelled=0, saved=1,
        pending=0, requests=0, size=0, elapsed=1.0, busy=1.0, workers=1,
    )  # fmt: skip
    return RunResult(stop_reason, summary)


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([_ended()], Exit.DONE),
        ([_ended(("NotFound", 1))], Exit.FAILED),
        ([_ended(("UnusablePicture", 3))], Exit.DONE),
        ([_ended(("UnusablePicture", 3), ("NotFound", 1))], Exit.FAILED),
        ([_ended(("NotFound", 1)), _ended(("UnusablePicture", 3))], Exit.FAILED),
        ([_ended(), _ended(("Transient", 1))], Exit.FAILED),
        ([_ended(stop_reason=StopReason.STORE)], Exit.FAILED),
        ([_ended(("NotFound", 1)), _ended(stop_reason=StopReason.BLOCKED)], Exit.BLOCKED),
    ],
)
def test_the_worst_of_all_runs_counts_and_a_picture_is_only_a_warning(runs: list[RunResult], code: Exit) -> None:
    assert exit_code(*runs, interrupted=False) is code
    assert exit_code(*runs, interrupted=True) is Exit.INTERRUPTED
