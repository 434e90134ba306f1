"""Two Linux calls that Python 3.11 does not provide."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000  # linux/sched.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def signal_on_parent_death(number: signal.Signals) -> None:
    """Makes the kernel send this process a signal when its parent ends; does nothing outside Linux.

    Source: prctl(2), PR_SET_PDEATHSIG. A change of credentials clears it, so call it last.
    """
    if sys.platform == "linux":
        _checked(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0))


def enter_user_namespace(uid: int, gid: int) -> None:
    """Moves this process into a user namespace in which it is ``uid`` and ``gid``; on disk nothing changes.

    Source: user_namespaces(7).

    Raises:
        OSError: the system does not allow it, or is not Linux.
    """
    if sys.platform != "linux":
        raise OSError("user namespaces exist on Linux only")
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _checked(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
