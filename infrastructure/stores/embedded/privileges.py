"""Chooses the user that the server runs as, because PostgreSQL refuses to run as root.

If this process is root, only the server's own processes drop root, in the first
way that works here:

1. as the owner of the cluster, if it exists and is not root's;
2. in a user namespace that maps root to another user id: on disk everything
   stays root's, no folder is opened, no user is added;
3. where namespaces are forbidden (many containers): as the owner of the nearest
   parent folder whose owner is not root, or as ``nobody`` if there is none. The
   server's folder is given to that user.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWUSER = 0x10000000  # linux/sched.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ADVICE = "POSTGRES_HOST or POSTGRES_DSN name a server of your own"
_OVERFLOW_ID = 65534  # the id of unmapped owners inside a namespace; it cannot be an identity there


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


class CannotDrop(Exception):
    """No way to run the server unprivileged was found; the message lists the attempts."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that the server's processes run as.

    Attributes:
        owner: the user id that its files belong to, seen from outside.
        assume: to be called in the child process before exec.
    """

    owner: int
    assume: Callable[[], None]


def choose(
    directory: Path,
    cluster: Path,
    programs: Path,
    *,
    enter_namespace: Callable[[int, int], None] = enter_user_namespace,
) -> Identity:
    """The identity for the server whose files lie in ``directory``.

    Args:
        directory: the server's folder.
        cluster: the data directory in it, which need not exist yet.
        programs: PostgreSQL's programs, which that identity must be able to run.
        enter_namespace: makes the calling process another user in a namespace of its own.

    Raises:
        CannotDrop: nothing works.
    """
    if os.geteuid() != 0:
        return _unprivileged(directory, programs, enter_namespace)
    tried = []
    for description, identity in _candidates(directory, cluster, enter_namespace):
        if identity.owner != 0 and identity.owner != directory.stat().st_uid:
            if not _works(identity, directory.parent, programs):
                tried.append(f"{description} cannot enter {directory.parent}")
                continue
            _hand_over(directory, identity.owner)
        if _works(identity, directory, programs):
            return identity
        tried.append(f"{description} is not allowed here, or cannot enter {directory}")
    raise CannotDrop(f"PostgreSQL does not run as root, and {'; '.join(tried)}; {_ADVICE}")


def _unprivileged(directory: Path, programs: Path, enter_namespace: Callable[[int, int], None]) -> Identity:
    """The current user if it has a name, which initdb needs; otherwise another user id."""
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        identity = _in_namespace(uid, enter_namespace)
        if identity is not None and _works(identity, directory, programs):
            return identity
        raise CannotDrop(f"PostgreSQL needs a user with a name, and user id {uid} has none here; {_ADVICE}") from None
    return Identity(uid, lambda: None)


def _candidates(
    directory: Path, cluster: Path, enter_namespace: Callable[[int, int], None]
) -> Iterator[tuple[str, Identity]]:
    if cluster.exists() and (owner := cluster.stat().st_uid) != 0:
        yield f"its owner (uid {owner})", _as_user(owner, cluster.stat().st_gid)
        return
    identity = _in_namespace(0, enter_namespace)
    if identity is not None:
        yield "a user namespace", identity
    for parent in directory.parents:
        status = parent.stat()
        if status.st_uid != 0:
            yield f"the owner of {parent} (uid {status.st_uid})", _as_user(status.st_uid, status.st_gid)
            break
    nobody = next((entry for entry in pwd.getpwall() if entry.pw_name == "nobody"), None)
    if nobody is not None:
        yield "the user nobody", _as_user(nobody.pw_uid, nobody.pw_gid)


def _in_namespace(owner: int, enter_namespace: Callable[[int, int], None]) -> Identity | None:
    """An identity in a namespace; its user id needs a name outside the namespace."""
    account = next((entry for entry in pwd.getpwall() if entry.pw_uid not in (0, _OVERFLOW_ID)), None)
    if account is None:
        return None
    uid, gid = account.pw_uid, account.pw_gid
    return Identity(owner, lambda: enter_namespace(uid, gid))


def _as_user(uid: int, gid: int) -> Identity:
    def assume() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    return Identity(uid, assume)


def _works(identity: Identity, directory: Path, programs: Path) -> bool:
    """Whether a process can take that identity, enter the folder and run the programs.

    Tries it in a child process, because only the kernel can answer this.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            identity.assume()
            os.chdir(directory)
            status = 0 if os.access(programs / "postgres", os.X_OK) else 1
        except OSError:
            status = 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def _hand_over(directory: Path, owner: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, owner, -1, follow_symlinks=False)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
