"""A full disk is waited for, once for all; anything else is not."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Callable

import pytest

from domain.errors import StoreUnavailable
from infrastructure.data_dir.disk_wait import DiskWait


def _refusal(cause: Exception) -> StoreUnavailable:
    error = StoreUnavailable("csv", "no space left")
    error.__cause__ = cause
    return error


FULL = _refusal(OSError(errno.ENOSPC, "No space left on device"))


class Disk:
    """Refuses so many times, then takes it."""

    def __init__(self, times: float, error: StoreUnavailable = FULL) -> None:
        self.times = times
        self.asked = 0
        self._error = error

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self._error
        return "done"


def test_room_that_comes_back_is_used() -> None:
    disk = Disk(2)
    assert DiskWait(60)(disk) == "done"
    assert disk.asked == 3


def test_without_patience_it_is_tried_once() -> None:
    disk = Disk(1)
    with pytest.raises(StoreUnavailable):
        DiskWait()(disk)
    assert disk.asked == 1


@pytest.mark.parametrize("cause", [OSError(errno.EIO, "broken"), OSError(errno.EACCES, "no"), ValueError()])
def test_what_time_does_not_mend_is_not_waited_for(cause: Exception) -> None:
    disk = Disk(1, _refusal(cause))
    with pytest.raises(StoreUnavailable):
        DiskWait(60)(disk)
    assert disk.asked == 1


def test_a_temporary_folder_without_room_is_waited_for_too() -> None:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert DiskWait(60)(Disk(1, _refusal(cause))) == "done"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _later(clock: Clock, disk: Disk) -> Callable[[], str]:
    def attempt() -> str:
        clock.now += 10
        return disk()

    return attempt


def test_patience_is_used_up_once_and_comes_back_with_a_success() -> None:
    clock = Clock()
    wait = DiskWait(25, monotonic=clock)
    disk = Disk(float("inf"))
    with pytest.raises(StoreUnavailable):
        wait(_later(clock, disk))
    tried = disk.asked
    assert tried >= 3
    with pytest.raises(StoreUnavailable):
        wait(_later(clock, disk))
    assert disk.asked == tried + 1  # nobody waits for it a second time
    assert wait(Disk(0)) == "done"
    assert wait(_later(clock, Disk(1))) == "done"


def test_a_cancelled_wait_ends() -> None:
    cancel = threading.Event()
    cancel.set()
    disk = Disk(1)
    with pytest.raises(StoreUnavailable):
        DiskWait(60, cancel)(disk)
    assert disk.asked == 1
