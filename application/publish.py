"""Runs the steps of publishing: some in sequence, then some in parallel, then checks of the output.

A failed step is reported and counted; the other steps still run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from domain.errors import Cancelled, FilmledgerError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of publishing that can fail by itself.

    Attributes:
        name: in its output line.
        run: executes it; raises FilmledgerError, whose message is the reason, or OSError.
    """

    name: str
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended; ``reason`` is empty on success."""

    name: str
    reason: str = ""
    cancelled: bool = False

    @property
    def failed(self) -> bool:
        """Whether it counts as a failure; a stopped step does not."""
        return bool(self.reason) and not self.cancelled

    @property
    def line(self) -> str:
        """``✓ name`` or ``✗ name: reason``."""
        return f"✗ {self.name}: {self.reason}" if self.reason else f"✓ {self.name}"


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """The steps and their order.

    Attributes:
        sequential: run first, one after the other.
        concurrent: run next, at the same time.
        finish: called next; its argument says whether every step before succeeded.
        checks: run last, on the finished output.
    """

    sequential: Sequence[Step]
    concurrent: Sequence[Step]
    finish: Callable[[bool], None]
    checks: Sequence[Step]


def publish(
    plan: PublishPlan, *, parallel: bool, report: Callable[[StepOutcome], None], cancel: threading.Event
) -> tuple[StepOutcome, ...]:
    """Runs the steps of a plan.

    Args:
        parallel: False runs the concurrent steps in sequence.
        report: called on the calling thread when a step ends.
        cancel: once set, no further step is started.

    Returns:
        The outcomes in the order in which the steps ended.
    """
    outcomes: list[StepOutcome] = []

    def end(outcome: StepOutcome) -> None:
        outcomes.append(outcome)
        report(outcome)

    for step in plan.sequential:
        end(_run(step, cancel))
    if parallel and len(plan.concurrent) > 1:
        with ThreadPoolExecutor(len(plan.concurrent), thread_name_prefix="publish") as executor:
            for running in as_completed([executor.submit(_run, step, cancel) for step in plan.concurrent]):
                end(running.result())
    else:
        for step in plan.concurrent:
            end(_run(step, cancel))
    succeeded = not any(outcome.reason for outcome in outcomes)
    finished = _attempt("output folder", lambda: plan.finish(succeeded))
    if finished.reason:
        end(finished)
    for step in plan.checks:
        end(_run(step, cancel))
    return tuple(outcomes)


def _run(step: Step, cancel: threading.Event) -> StepOutcome:
    if cancel.is_set():
        return StepOutcome(step.name, "stopped", cancelled=True)
    return _attempt(step.name, step.run)


def _attempt(name: str, work: Callable[[], None]) -> StepOutcome:
    """Runs a step; turns any exception into its outcome."""
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
