"""What a run answers to the shell; no signal is lost, also while handlers are installed and removed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.run_jobs import RunResult, StopReason, Summary
from infrastructure.cli.exit_codes import Exit, graceful_stop
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


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_sets_cancel_and_is_announced_once() -> None:
    cancel = threading.Event()
    said: list[str] = []
    with graceful_stop(cancel, said.append) as interrupted:
        signal.raise_signal(signal.SIGTERM)
        assert cancel.wait(10)
    assert interrupted.is_set()
    assert said == ["SIGTERM: finishing requests in flight; press Ctrl-C again to stop now"]


def test_a_signal_between_the_steps_of_installing_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes the moment the first handler stands, before the second does."""
    install = signal.signal
    pressed: list[int] = []

    def pressing(number: int, handler: Any) -> Any:
        before = install(number, handler)
        if not pressed:
            pressed.append(number)
            signal.raise_signal(number)
        return before

    monkeypatch.setattr(signal, "signal", pressing)
    cancel = threading.Event()
    with graceful_stop(cancel, lambda _line: None) as interrupted:
        assert cancel.wait(10)
    assert interrupted.is_set()


def test_a_signal_between_the_steps_of_removing_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes the moment before the first handler is taken away."""
    install = signal.signal
    cancel = threading.Event()
    with graceful_stop(cancel, lambda _line: None) as interrupted:

        def pressing(number: int, handler: Any) -> Any:
            monkeypatch.setattr(signal, "signal", install)
            signal.raise_signal(number)
            return install(number, handler)

        monkeypatch.setattr(signal, "signal", pressing)
    assert interrupted.is_set()


def test_handlers_and_descriptors_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    opened = set(Path("/dev/fd").iterdir())
    with graceful_stop(threading.Event(), lambda _line: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    assert len(set(Path("/dev/fd").iterdir())) == len(opened)
