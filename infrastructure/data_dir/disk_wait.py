"""Waits for a full disk, with one time limit for all threads."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from domain.errors import StoreUnavailable

T = TypeVar("T")
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_log = logging.getLogger(__name__)


class DiskWait:
    """Repeats an attempt while the disk is full; any other error of a store is raised at once.

    A waiting thread delays the threads behind it, so nothing is fetched meanwhile.
    After the time limit no thread waits, until an attempt has succeeded.

    Args:
        patience: seconds from the first failure until waiting ends.
        cancel: ends the wait.
    """

    def __init__(
        self,
        patience: float = 0.0,
        cancel: threading.Event | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._cancel = cancel or threading.Event()
        self._monotonic = monotonic
        self._since: float | None = None

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Returns the result of the attempt.

        Raises:
            StoreUnavailable: its error, if the disk is still full at the end.
        """
        try:
            done = attempt()
        except StoreUnavailable as error:
            if not _is_full(error):
                raise
            first = self._since is None
            if first:
                self._since = self._monotonic()
            if self._over():
                raise
            if first:
                _log.warning("%s; waiting up to %g s for room", error, self._patience)
            done = self._again(attempt)
        self._since = None
        return done

    def _again(self, attempt: Callable[[], T]) -> T:
        import tenacity  # imported here because it takes a tenth of the start-up time

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_full),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=1.0),
            stop=lambda _: self._over(),
            sleep=tenacity.sleep_using_event(self._cancel),
            reraise=True,
        )
        return retrying(attempt)

    def _over(self) -> bool:
        since = self._since
        return self._cancel.is_set() or (since is not None and self._monotonic() - since >= self._patience)


def _is_full(error: BaseException) -> bool:
    import sqlite3  # only runs with a SQLite store need it

    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, StoreUnavailable) and isinstance(cause, OSError) and cause.errno in _FULL
