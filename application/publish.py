"""Publishing: steps one after the other, then some at the same time, then the last look at everything.

A step that fails is told and counted; the others are done all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from application.ports import PublishStep
from domain.errors import Cancelled, FilmledgerError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended; ``reason`` is empty when it went well."""

    name: str
    reason: str = ""
    cancelled: bool = False

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure; a step that was stopped does not."""
        return bool(self.reason) and not self.cancelled

    @property
    def line(self) -> str:
        """``✓ name`` or ``✗ name: reason``."""
        return f"✗ {self.name}: {self.reason}" if self.reason else f"✓ {self.name}"


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What is to be done, and in which order.

    Attributes:
        in_turn: one after the other.
        together: after those, at the same time.
        finish: after those; told whether every step before went well.
        at_last: over the finished output.
    """

    in_turn: Sequence[PublishStep]
    together: Sequence[PublishStep]
    finish: Callable[[bool], None]
    at_last: Sequence[PublishStep]


def publish(
    plan: PublishPlan, *, parallel: bool, say: Callable[[StepOutcome], None], cancel: threading.Event
) -> tuple[StepOutcome, ...]:
    """Carry out a plan.

    Args:
        plan: the steps.
        parallel: False does also those meant for the same time in turn.
        say: told of each step as it ends, on the calling thread.
        cancel: once set, no further step is begun.

    Returns:
        How each step ended, in the order of their ends.
    """
    outcomes: list[StepOutcome] = []
    for outcome in _carry_out(plan, parallel, cancel, outcomes):
        outcomes.append(outcome)
        say(outcome)
    return tuple(outcomes)


def _carry_out(
    plan: PublishPlan, parallel: bool, cancel: threading.Event, so_far: Sequence[StepOutcome]
) -> Iterator[StepOutcome]:
    for step in plan.in_turn:
        yield _run(step, cancel)
    if parallel and len(plan.together) > 1:
        with ThreadPoolExecutor(len(plan.together), thread_name_prefix="publish") as executor:
            running = [executor.submit(_run, step, cancel) for step in plan.together]
            for ended in as_completed(running):
                yield ended.result()
    else:
        for step in plan.together:
            yield _run(step, cancel)
    went_well = not any(outcome.reason for outcome in so_far)
    tidied = _attempt("output folder", lambda: plan.finish(went_well))
    if tidied.reason:
        yield tidied
    for step in plan.at_last:
        yield _run(step, cancel)


def _run(step: PublishStep, cancel: threading.Event) -> StepOutcome:
    if cancel.is_set():
        return StepOutcome(step.name, "stopped", cancelled=True)
    return _attempt(step.name, step.run)


def _attempt(name: str, work: Callable[[], None]) -> StepOutcome:
    """The one edge where what a step raises becomes its outcome."""
    try:
        work()
    except Cancelled:
        return StepOutcome(name, "stopped", cancelled=True)
    except FilmledgerError as error:
        log.info("%s failed: %s", name, error)
        return StepOutcome(name, str(error))
    except OSError as error:
        log.info("%s failed: %s", name, error)
        where = f"{error.filename}: " if error.filename else ""
        return StepOutcome(name, f"{where}{error.strerror or error}")
    except Exception as error:
        log.exception("%s failed unexpectedly", name)
        return StepOutcome(name, f"{type(error).__name__}: {error}")
    return StepOutcome(name)
