"""A face that fails must not take the run with it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from application.ports import Job, Outcome, Progress
from infrastructure.progress.null import NullProgress
from shared.log_options import SCREEN
from shared.masking import mask
from shared.printable import printable

log = logging.getLogger(__name__)
screen = logging.getLogger(SCREEN)


class GuardedProgress:
    """Hands everything on to a face until it raises: that is logged once, then the screen stays quiet.

    What the face shows above its bar is masked, cannot steer the terminal, and goes to the log file too.
    """

    def __init__(self, face: Progress) -> None:
        self._face = face

    def begin(self, label: str, total: int) -> None:
        screen.info("%s: %d to do", label, total)
        self._try(lambda: self._face.begin(label, total))

    def started(self, job: Job) -> None:
        self._try(lambda: self._face.started(job))

    def phase(self, job: Job, phase: str, attempt: int = 1) -> None:
        self._try(lambda: self._face.phase(job, phase, attempt))

    def done(self, outcome: Outcome) -> None:
        self._try(lambda: self._face.done(outcome))

    def note(self, message: str) -> None:
        message = printable(mask(message))
        screen.info("%s", message)
        self._try(lambda: self._face.note(message))

    def end(self) -> None:
        self._try(self._face.end)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever a terminal does to us, the run goes on
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        broken, self._face = self._face, NullProgress()
        if isinstance(broken, NullProgress):
            return  # another thread was faster
        try:
            broken.end()
        except Exception as second:  # noqa: BLE001 - it is broken already; the first error is the one to tell
            log.debug("the progress display could not be closed either: %r", second)
        log.warning("the progress display failed and is off from here on: %r", error, exc_info=error)
