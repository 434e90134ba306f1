"""Steps that fail one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from application.publish import PublishPlan, Step, StepOutcome, publish
from domain.errors import Cancelled, FilmledgerError


def step(name: str, work: Callable[[], None] = lambda: None) -> Step:
    return Step(name, work)


def _failing(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def _publish(
    *sequential: Step, concurrent: tuple[Step, ...] = (), checks: tuple[Step, ...] = (), parallel: bool = True
) -> tuple[tuple[StepOutcome, ...], list[bool], list[StepOutcome]]:
    finished: list[bool] = []
    said: list[StepOutcome] = []
    plan = PublishPlan(sequential, concurrent, finished.append, checks)
    return publish(plan, parallel=parallel, report=said.append, cancel=threading.Event()), finished, said


@pytest.mark.parametrize("parallel", [True, False])
def test_every_step_is_done_in_order_and_told(parallel: bool) -> None:
    done: list[str] = []
    steps = {name: step(name, lambda name=name: done.append(name)) for name in "abcdef"}  # type: ignore[misc]
    outcomes, finished, said = _publish(
        steps["a"], steps["b"], concurrent=(steps["c"], steps["d"], steps["e"]), checks=(steps["f"],), parallel=parallel
    )
    assert done[:2] == ["a", "b"]
    assert sorted(done[2:5]) == ["c", "d", "e"]
    assert done[5] == "f"
    assert list(outcomes) == said
    assert sorted(outcome.line for outcome in said) == [f"✓ {name}" for name in "abcdef"]
    assert finished == [True]


def test_steps_meant_for_the_same_time_do_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=20)

    def meet() -> None:
        barrier.wait()

    steps = tuple(step(name, meet) for name in "abc")
    outcomes, _, _ = _publish(concurrent=steps)
    assert not any(outcome.failed for outcome in outcomes)


@pytest.mark.parametrize("parallel", [True, False])
def test_one_failure_never_stops_the_rest(parallel: bool) -> None:
    outcomes, finished, _ = _publish(
        step("a", _failing(FilmledgerError("no styles"))),
        step("b"),
        concurrent=(step("c", _failing(OSError(28, "No space left on device", "site/feed.xml"))), step("d")),
        checks=(step("e", _failing(ZeroDivisionError("oh"))), step("f")),
        parallel=parallel,
    )
    assert {outcome.name: outcome.line for outcome in outcomes} == {
        "a": "✗ a: no styles",
        "b": "✓ b",
        "c": "✗ c: site/feed.xml: No space left on device",
        "d": "✓ d",
        "e": "✗ e: ZeroDivisionError: oh",
        "f": "✓ f",
    }
    assert [outcome.name for outcome in outcomes if outcome.failed] == ["a", "c", "e"]
    assert finished == [False], "nothing is tidied away after a failure"


def test_a_failure_to_tidy_is_told_too() -> None:
    said: list[StepOutcome] = []
    plan = PublishPlan((step("a"),), (), _failing_finish, (step("b"),))
    publish(plan, parallel=True, report=said.append, cancel=threading.Event())
    assert [outcome.line for outcome in said] == ["✓ a", "✗ output folder: Permission denied", "✓ b"]


def _failing_finish(_: bool) -> None:
    raise PermissionError(13, "Permission denied")


def test_once_stopped_no_further_step_begins_and_none_has_failed() -> None:
    cancel = threading.Event()
    began: list[str] = []

    def stopped() -> None:
        began.append("a")
        cancel.set()
        raise Cancelled("stopped")

    steps = (step("a", stopped), step("b", lambda: began.append("b")))
    plan = PublishPlan(steps, (step("c", lambda: began.append("c")),), lambda _: None, ())
    outcomes = publish(plan, parallel=True, report=lambda _: None, cancel=cancel)
    assert began == ["a"]
    assert all(outcome.cancelled and not outcome.failed for outcome in outcomes)
