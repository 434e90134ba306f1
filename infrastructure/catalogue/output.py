"""The folder a catalogue is written to: only what changed is written, only our own files are removed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TextIO

from domain.errors import UsageError
from shared.atomic import write_atomically

LIST: Final = ".filmledger-files"
_HEADER: Final = "# Files that filmledger wrote here; publishing again may replace or remove them, and no others.\n"


@dataclass(frozen=True, slots=True)
class Tally:
    """What publishing did to the folder, in files."""

    written: int
    unchanged: int
    removed: int


class OutputFolder:
    """Writes files and keeps the list of those that are ours. Called from several threads at once.

    A name goes on the list before its file is written, so that a publish that
    was killed leaves nothing behind that the next one takes for a stranger's.

    Args:
        folder: made when the first file is written.

    Raises:
        UsageError: the folder is a file, or its list cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._listed: TextIO | None = None
        self._current: set[str] = set()
        self._written = 0
        self._unchanged = 0
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; publishing needs a folder")
        try:
            text = (folder / LIST).read_text(encoding="utf-8") if (folder / LIST).exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{folder / LIST} cannot be read: {error}") from error
        self._ours = {name for name in text.splitlines() if _is_safe(name)}

    @property
    def current(self) -> frozenset[str]:
        """The files of this publish, as paths with ``/`` relative to the folder."""
        with self._lock:
            return frozenset(self._current)

    def refuse_strangers(self, names: Iterable[str]) -> None:
        """Check, before anything is written, that no file of somebody else is in the way.

        Raises:
            UsageError: names one that is.
        """
        for name in names:
            if name not in self._ours and (self.folder / name).exists():
                raise UsageError(
                    f"{self.folder / name} was not written by filmledger; choose another folder or move that file"
                )

    def write(self, name: str, body: bytes) -> None:
        """Put a file in place, as a whole or not at all; one that holds these bytes already is left alone.

        Raises:
            UsageError: a file of somebody else has this name.
            OSError: it cannot be written.
        """
        path = self.folder / name
        present = _read(path)
        if present == body:
            self._claim(name)
            self._count(written=False)
            return
        if present is not None:
            self.refuse_strangers((name,))
        self._claim(name)
        if present is None:
            _create(path, body)
        else:
            write_atomically(path, body, mode=0o644, durable=False, parents=True)
        self._count(written=True)

    def copy(self, name: str, source: Path, size: int) -> None:
        """Put a copy of a file in place; one of ours that has this name and size is left alone.

        Only for files named by their content.

        Raises:
            UsageError: a file of somebody else has this name.
            OSError: it cannot be read or written.
        """
        path = self.folder / name
        if name in self._ours and path.is_file() and path.stat().st_size == size:
            self._claim(name)
            self._count(written=False)
        else:
            self.write(name, source.read_bytes())

    def finish(self, *, remove: bool) -> Tally:
        """Bring the list into its final form.

        Args:
            remove: delete our files of earlier publishes that this one did not
                write; False when a step failed, for they may be missing by mistake.

        Raises:
            OSError: a file cannot be removed or the list not be written.
        """
        with self._lock:
            if self._listed is not None:
                self._listed.close()
                self._listed = None
            stale = sorted(self._ours - self._current)
            removed = 0
            for name in stale if remove else ():
                path = self.folder / name
                if path.is_file() or path.is_symlink():
                    path.unlink()
                    removed += 1
                _remove_empty(path.parent, self.folder)
            self._ours = self._current if remove else self._ours | self._current
            text = _HEADER + "".join(f"{name}\n" for name in sorted(self._ours))
            if _read(self.folder / LIST) != text.encode():
                write_atomically(self.folder / LIST, text, mode=0o644, durable=False, parents=True)
            return Tally(self._written, self._unchanged, removed)

    def _claim(self, name: str) -> None:
        if not _is_safe(name):
            raise ValueError(f"{name!r} leads out of the folder")
        with self._lock:
            self._current.add(name)
            if name in self._ours:
                return
            self._ours.add(name)
            if self._listed is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._listed = (self.folder / LIST).open("a", encoding="utf-8")
                if self._listed.tell() == 0:
                    self._listed.write(_HEADER)
            self._listed.write(f"{name}\n")
            self._listed.flush()

    def _count(self, *, written: bool) -> None:
        with self._lock:
            self._written += written
            self._unchanged += not written


def _is_safe(name: str) -> bool:
    """A relative path that stays inside, so that a list that was tampered with removes nothing elsewhere."""
    path = PurePosixPath(name)
    return bool(path.parts) and not name.startswith("#") and not path.is_absolute() and ".." not in path.parts


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _create(path: Path, body: bytes) -> None:
    """Write a file that nobody has seen yet; for tens of thousands of pages a detour over another name would show."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o644)
    try:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
