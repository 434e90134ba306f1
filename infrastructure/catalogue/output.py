"""The output folder: writes only files that changed, removes only files that filmledger wrote."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final, TextIO

import msgspec

from domain.errors import UsageError
from shared.atomic import write_atomically

LIST: Final = ".filmledger-files"
_HEADER: Final = "# Files that filmledger wrote here; publishing again may replace or remove them, and no others.\n"


class OutputTally(msgspec.Struct, frozen=True):
    """Numbers of files written, unchanged and removed."""

    written: int
    unchanged: int
    removed: int


class OutputFolder:
    """Writes files and keeps a list of them. Thread-safe.

    A name is added to the list before its file is written, so that after a kill
    the next publish still recognises the file as its own.

    Args:
        folder: created when the first file is written.

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
        """Files of this publish, as paths with ``/`` relative to the folder."""
        with self._lock:
            return frozenset(self._current)

    def refuse_foreign_files(self, names: Iterable[str]) -> None:
        """Checks, before anything is written, that the paths are free or ours.

        Raises:
            UsageError: names a file that filmledger did not write.
        """
        for name in names:
            if name not in self._ours and (self.folder / name).exists():
                raise UsageError(
                    f"{self.folder / name} was not written by filmledger; choose another folder or move that file"
                )

    def write(self, name: str, body: bytes) -> None:
        """Writes a file atomically, unless it already has these bytes.

        Raises:
            UsageError: a file that filmledger did not write has this name.
            OSError: it cannot be written.
        """
        path = self.folder / name
        present = _read(path)
        if present == body:
            self._claim(name)
            self._count(written=False)
            return
        if present is not None:
            self.refuse_foreign_files((name,))
        self._claim(name)
        if present is None:
            _create(path, body)
        else:
            write_atomically(path, body, mode=0o644, durable=False, parents=True)
        self._count(written=True)

    def copy(self, name: str, source: Path, size: int) -> None:
        """Copies a file, unless a file of ours has this name and size.

        Only for files named by their content.

        Raises:
            UsageError: a file that filmledger did not write has this name.
            OSError: it cannot be read or written.
        """
        path = self.folder / name
        if name in self._ours and path.is_file() and path.stat().st_size == size:
            self._claim(name)
            self._count(written=False)
        else:
            self.write(name, source.read_bytes())

    def finish(self, *, remove: bool) -> OutputTally:
        """Writes the final list of files.

        Args:
            remove: delete files of earlier publishes that this one did not write.
                False when a step failed: such files may be missing by mistake.

        Raises:
            OSError: a file cannot be removed or the list cannot be written.
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
            return OutputTally(self._written, self._unchanged, removed)

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
    """Whether a relative path stays inside the folder; a manipulated list must not remove files elsewhere."""
    path = PurePosixPath(name)
    return bool(path.parts) and not name.startswith("#") and not path.is_absolute() and ".." not in path.parts


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _create(path: Path, body: bytes) -> None:
    """Writes a new file directly: renaming a temporary file costs measurable time for tens of thousands of pages."""
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
