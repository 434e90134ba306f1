"""The folder with a user's data: the site it was filled from, and the process that writes it."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from domain.errors import UsageError
from shared.addresses import split_user_info
from shared.atomic import write_atomically
from shared.clock import Clock, SystemClock

_log = logging.getLogger(__name__)

STATE_FOLDER: Final = ".filmledger"


class Holder(msgspec.Struct, frozen=True):
    """The process that writes a data directory: its id, its command, and its start."""

    pid: int
    command: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command}), since {self.since}"


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
            since = (clock or SystemClock()).now()
            self._note_holder(command, since)
            yield
        finally:
            with suppress(OSError):
                self._holder_file.unlink(missing_ok=True)
            lock.release()

    def holder(self) -> Holder | None:
        """The process that writes here, if it is known; a killed process may still be recorded."""
        try:
            return Holder(**json.loads(self._holder_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _note_holder(self, command: str, since: datetime) -> None:
        noted = {"pid": os.getpid(), "command": command, "since": f"{since:%Y-%m-%d %H:%M:%S} UTC"}
        try:
            write_atomically(self._holder_file, json.dumps(noted) + "\n", mode=0o600)
        except OSError as error:  # the lock is held; only the message to others lacks details
            _log.warning("%s cannot be written: %s", self._holder_file, error.strerror)

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
