"""The folder with a user's data: its site, its writing process, and the disks it may be spread over."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple, TypeVar

import msgspec

from domain.errors import StoreUnavailable, UsageError
from shared.atomic import write_atomically
from shared.clock import Clock, SystemClock
from shared.secret import split_user_info

T = TypeVar("T")
_log = logging.getLogger(__name__)
STATE_FOLDER: Final = ".filmledger"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class DataDir(msgspec.Struct, frozen=True):
    """One data directory."""

    path: Path

    @property
    def state(self) -> Path:
        """The folder in it for the program's own files; only the owner can read it."""
        return self.path / STATE_FOLDER

    def prepare(self) -> None:
        """Creates the directory if it is missing, private to the user, and checks that it can be written.

        Raises:
            UsageError: it cannot be written; the message says what to do.
        """
        self.require_usable()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.state.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.path, self.state):
                _probe(folder)
        except (NotADirectoryError, FileExistsError) as error:  # the program's own folder in it
            raise UsageError(f"DATA_DIR {self.path}: {error.filename} is not a folder; choose another") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"DATA_DIR {self.path} cannot be written ({reason}): make it writable, or choose another"
            ) from error

    def require(self) -> None:
        """Checks that there is something to read.

        Raises:
            UsageError: no run has filled this directory, or it cannot be read.
        """
        self.require_usable()
        try:
            found = any(self.path.iterdir())
        except FileNotFoundError:
            found = False
        except OSError as error:
            raise UsageError(f"DATA_DIR {self.path} cannot be read ({error.strerror}): choose another") from error
        if not found:
            raise UsageError(f"there is nothing in {self.path} yet: run `python main.py` first, or set DATA_DIR")

    def require_usable(self) -> None:
        """Checks that the path leads to a folder, or to a place where one can be made.

        Raises:
            UsageError: a link in the path is dangling, part of the path is no folder, or a name is too long.
        """
        for path in (self.path, *self.path.parents):
            try:
                if not stat.S_ISDIR(path.stat().st_mode):
                    raise UsageError(f"DATA_DIR {self.path}: {path} is a file; choose a folder")
                return
            except (FileNotFoundError, NotADirectoryError):
                if path.is_symlink():
                    raise UsageError(
                        f"DATA_DIR {self.path}: {path} links to {os.readlink(path)}, which is not there: "  # noqa: PTH115
                        "mount its disk, or choose another folder"
                    ) from None
            except PermissionError:
                return  # said with the reason by what uses the folder
            except OSError as error:
                raise UsageError(f"DATA_DIR {self.path}: {error.strerror}; choose another folder") from error

    # --- the site ---------------------------------------------------------------

    @property
    def site(self) -> str | None:
        """The site this directory was filled from, as ``claim`` recorded it; ``None`` if there is no record.

        Raises:
            UsageError: the record cannot be read.
        """
        try:
            return split_user_info(str(json.loads(self._site_file.read_text(encoding="utf-8"))["site"]))[0]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._site_file} cannot be read ({error}): put it back, or choose another DATA_DIR"
            ) from error

    def require_site(self, site: str) -> None:
        """Checks that this directory was filled from this site, or is empty.

        Args:
            site: the site's address, or another constant name for it.

        Raises:
            UsageError: it was filled from another site.
        """
        known = self.site
        if known is not None and _comparable(known) != _comparable(site):
            raise UsageError(
                f"{self.path} was filled from {known}, not from {site}: "
                f"choose another DATA_DIR for {site}, or move {self.path} away"
            )

    def claim(self, site: str) -> None:
        """Records which site fills this directory, or checks that it is the same as before.

        A record with user information in the address, as version 0.1 wrote it, is replaced.

        Raises:
            UsageError: it was filled from another site, or the record cannot be written.
        """
        self.require_site(site)
        if self.site is None or "@" in self._site_file.read_text(encoding="utf-8"):
            try:
                write_atomically(self._site_file, json.dumps({"site": site}) + "\n", mode=0o600)
            except OSError as error:
                raise UsageError(
                    f"{self._site_file} cannot be written ({error.strerror}): choose another DATA_DIR"
                ) from error

    # --- the writing process ----------------------------------------------------

    @contextmanager
    def lock(self, command: str, clock: Clock | None = None) -> Iterator[None]:
        """Makes this the only process that writes here, until the block ends or the process dies.

        Args:
            command: the user's command, for the message in another process.
            clock: gives the start time.

        Raises:
            UsageError: another process writes here; the message names it.
        """
        from filelock import FileLock, Timeout  # only runs that write need it

        lock = FileLock(self.state / "lock", thread_local=False, mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            holder = self.holder() or "another process"
            raise UsageError(
                f"{self.path} is being written by {holder}: wait until it ends, or choose another DATA_DIR"
            ) from error
        except OSError as error:
            raise UsageError(f"{self.path} cannot be locked ({error.strerror}): choose another DATA_DIR") from error
        try:
            since = f"{(clock or SystemClock()).now():%Y-%m-%d %H:%M:%S} UTC"
            noted = {"pid": os.getpid(), "command": command, "since": since}
            try:
                write_atomically(self._holder_file, json.dumps(noted) + "\n", mode=0o600)
            except OSError as error:  # the lock is held; only the message to others lacks details
                _log.warning("%s cannot be written: %s", self._holder_file, error.strerror)
            yield
        finally:
            with suppress(OSError):
                self._holder_file.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> str | None:
        """The process that writes here and since when, if it is known; a killed process may still be recorded."""
        try:
            noted = json.loads(self._holder_file.read_text(encoding="utf-8"))
            return f"process {noted['pid']} ({noted['command']}), since {noted['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def _site_file(self) -> Path:
        return self.state / "site.json"

    @property
    def _holder_file(self) -> Path:
        return self.state / "holder.json"


def _probe(folder: Path) -> None:
    """Detects a read-only mount and a foreign owner at once, not after the first page."""
    if not stat.S_ISDIR(folder.stat().st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(folder))
    probe = folder / f".probe-{os.getpid()}"
    probe.touch()
    probe.unlink()


def _comparable(site: str) -> str:
    return site.strip().rstrip("/").lower()


class Disk(NamedTuple):
    """The disk of a folder: a number that folders on one disk share, and its free bytes."""

    number: int
    free: int


def disk_under(folder: Path) -> Disk:
    """The current state of a folder's disk.

    Raises:
        OSError: the folder does not exist.
    """
    return Disk(folder.stat().st_dev, shutil.disk_usage(folder).free)


class Destinations:
    """Puts each file into the folder whose disk has the most room: free space minus reservations and margin.

    A size is reserved before the file is written and released afterwards. Folders on one disk share its space.
    Thread-safe.

    Args:
        folders: created if missing; the first is preferred where there is equal room.
        margin: bytes to leave free on each disk.
        check: without it everything goes to the first folder.
        look: finds the disk of a folder.

    Raises:
        OSError: a folder cannot be created.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        margin: int = 1 << 30,
        check: bool = True,
        look: Callable[[Path], Disk] = disk_under,
    ) -> None:
        if not folders:
            raise ValueError("at least one folder is needed")
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._folders = tuple(dict.fromkeys(folder.resolve() for folder in folders))
        self._margin = margin
        self._check = check
        self._look = look
        self._lock = threading.Lock()
        self._reserved: Counter[int] = Counter()  # by disk

    @contextmanager
    def reserve(self, size: int, *, but: Collection[Path] = ()) -> Iterator[Path]:
        """Yields a folder with room for ``size`` bytes, reserved until the end of the block.

        Args:
            but: folders that have been tried already.

        Raises:
            StoreUnavailable: no folder has room; nothing is reserved.
        """
        if not self._check:
            yield self._folders[0]
            return
        folder, disk = self._route(size, but)
        try:
            yield folder
        finally:
            with self._lock:
                self._reserved[disk] -= size

    def write(self, name: str, data: bytes) -> Path:
        """Writes a file atomically; an older file of that name is removed from every folder.

        A disk that is full although it reported room, because of a quota, is skipped.

        Args:
            name: relative, with ``/`` between folders.

        Raises:
            StoreUnavailable: no folder has room or can be written; an older file is kept.
            ValueError: the name leads out of the folder.
        """
        relative = _relative(name)
        full: list[Path] = []
        while True:
            with self.reserve(len(data), but=full) as folder:
                target = folder / relative
                try:
                    write_atomically(target, data, parents=True)
                    break
                except OSError as error:
                    if error.errno not in _FULL or not self._check:
                        raise StoreUnavailable("files", f"cannot write {target}: {error.strerror}") from error
                    _log.warning("%s is full: %s", folder, error.strerror)
                    full.append(folder)
        for other in self._folders:
            if other != folder:
                (other / relative).unlink(missing_ok=True)
        return target

    def find(self, name: str) -> Path | None:
        """The path of the file of that name; ``None`` if it does not exist."""
        relative = _relative(name)
        return next((found for folder in self._folders if (found := folder / relative).is_file()), None)

    def reserved(self) -> int:
        """Bytes currently reserved, on all disks together."""
        with self._lock:
            return self._reserved.total()

    def _route(self, size: int, but: Collection[Path]) -> tuple[Path, int]:
        places: list[tuple[int, Path, int]] = []
        gone = []
        with self._lock:
            for folder in self._folders:
                try:
                    disk, free = self._look(folder)
                except OSError as error:
                    gone.append(f"{folder} ({error.strerror})")
                    continue
                room = free - self._reserved[disk] - self._margin
                if room >= size and folder not in but:
                    places.append((room, folder, disk))
            if places:
                _, folder, disk = max(places, key=itemgetter(0))
                self._reserved[disk] += size
                return folder, disk
        names = ", ".join(map(str, self._folders))
        lost = f"; not there: {', '.join(gone)}" if gone else ""
        raise StoreUnavailable(
            "files",
            f"none of {names} has room for {size:,} bytes beside the margin of {self._margin:,}{lost}: "
            "free some space, add a folder to DATA_DIRS or lower DISK_MARGIN, then run the same command again",
        )


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} is not a name within the folder")
    return path


class DiskWait:
    """Repeats an attempt while the disk is full; any other error of a store is raised at once.

    A waiting thread delays the threads behind it, so nothing is fetched meanwhile.
    After the time limit no thread waits, until an attempt has succeeded.

    Args:
        timeout: seconds from the first failure until waiting ends.
        cancel: ends the wait.
    """

    def __init__(
        self,
        timeout: float = 0.0,
        cancel: threading.Event | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout = timeout
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
                _log.warning("%s; waiting up to %g s for room", error, self._timeout)
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
        return self._cancel.is_set() or (since is not None and self._monotonic() - since >= self._timeout)


def _is_full(error: BaseException) -> bool:
    import sqlite3  # only runs with a SQLite store need it

    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, StoreUnavailable) and isinstance(cause, OSError) and cause.errno in _FULL
