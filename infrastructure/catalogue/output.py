"""The output folder: writes only files that changed, removes only files that filmledger wrote, and checks links."""

from __future__ import annotations

import html
import os
import posixpath
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, TextIO
from urllib.parse import unquote, urlsplit

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


# --- links ---------------------------------------------------------------------------

_ELSEWHERE: Final = ("http", "https")
# Tags with addresses, as the templates write them: in lower case, values in double quotes and without ">".
_TAGS: Final = re.compile(rb"<(?:a|area|audio|embed|form|iframe|image|img|link|object|script|source|use|video)\s[^>]*>")
_ATTRIBUTES: Final = re.compile(r'\s([a-z]+)="([^"]*)"')
_LINKS: Final = (("a", "href"), ("area", "href"))
_LOADED: Final = frozenset(
    (
        ("audio", "src"), ("embed", "src"), ("form", "action"), ("iframe", "src"), ("image", "href"), ("img", "src"),
        ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"), ("use", "href"), ("video", "src"),
    )
)  # fmt: skip
_RELATIVE_PATH: Final = re.compile(r"[\w.-][\w./-]*")  # as almost all addresses are
_LOADED_BY_STYLE: Final = re.compile(rb"""url\(\s*["']?([^"')]+)["']?\s*\)""")


class LinkReport(msgspec.Struct):
    """Result of the check; ``problems`` has one line for each."""

    pages: int = 0
    problems: list[str] = msgspec.field(default_factory=list)


def check_links(folder: Path, names: Iterable[str]) -> LinkReport:
    """Checks every file of the catalogue.

    The same fault on several pages of a folder is reported for the first of them.

    Args:
        folder: the top folder.
        names: the files, as paths with ``/``.

    Raises:
        OSError: a file cannot be read.
    """
    report = LinkReport()
    present = set(names)
    seen: dict[str, set[bytes]] = {}  # by folder: its pages share most of their tags
    anchors: dict[str, dict[str, str]] = {}  # by page: the anchors that other pages link to, each with one of them
    for name in sorted(present):
        path = folder / name
        if not path.is_file():
            report.problems.append(f"{name} is not there")
            continue
        if not name.endswith((".html", ".css")):
            continue
        parent = posixpath.dirname(name)
        body = path.read_bytes()
        if name.endswith(".html"):
            report.pages += 1
            known = seen.setdefault(parent, set())
            fresh = [tag for tag in dict.fromkeys(_TAGS.findall(body)) if tag not in known or b"#" in tag]
            known.update(fresh)
            found = references(b"".join(fresh))
        else:
            found = ((match.decode("utf-8", "replace"), True) for match in _LOADED_BY_STYLE.findall(body))
        own: dict[str, str] = {}
        for address, loaded in found:
            problem, target, fragment = _resolve(present, parent, address, loaded)
            if problem:
                report.problems.append(f"{name}: {address} {problem}")
            elif fragment:
                places = own if target in ("", name) else anchors.setdefault(target, {})
                places.setdefault(fragment, name)
        report.problems.extend(_missing_places(name, body, own))
    for target, places in sorted(anchors.items()):
        if not (folder / target).is_file():
            continue  # reported above
        report.problems.extend(_missing_places(target, (folder / target).read_bytes(), places))
    return report


def references(page: bytes) -> Iterator[tuple[str, bool]]:
    """Yields every address in a page, and whether the browser loads it without a click."""
    for tag in _TAGS.findall(page):
        text = tag.decode()
        name = text[1:].split(maxsplit=1)[0]
        attributes = {key: html.unescape(value) for key, value in _ATTRIBUTES.findall(text)}
        for key, value in attributes.items():
            if key == "srcset":
                yield from ((candidate.split()[0], True) for candidate in value.split(",") if candidate.strip())
            elif (name, key) in _LINKS:
                yield value, False
            elif (name, key) in _LOADED and attributes.get("rel") != "canonical":
                yield value, True


def _missing_places(target: str, body: bytes, places: Mapping[str, str]) -> Iterator[str]:
    """Yields a problem for each anchor that a page lacks."""
    for fragment, name in sorted(places.items()):
        if f' id="{html.escape(fragment)}"'.encode() not in body:
            yield f"{name}: {target}#{fragment} has no such place"


def _resolve(present: set[str], folder: str, reference: str, loaded: bool) -> tuple[str, str, str]:
    """Returns what is wrong with a reference, or its target file and the anchor in it.

    An empty file name stands for the page itself.
    """
    target = posixpath.normpath(posixpath.join(folder, reference))
    if target in present and _RELATIVE_PATH.fullmatch(reference):
        return "", target, ""
    try:
        parts = urlsplit(reference.strip())
    except ValueError:
        return "is no address", "", ""
    if parts.scheme in _ELSEWHERE or parts.netloc:
        return ("is loaded from another machine" if loaded else ""), "", ""
    if parts.scheme:
        return ("" if parts.scheme == "mailto" else f"has the scheme {parts.scheme}"), "", ""
    path = unquote(parts.path)
    if path.startswith("/"):
        return "starts at the server's root, but a catalogue can be in a subfolder", "", ""
    target = posixpath.normpath(posixpath.join(folder, path)) if path else ""
    if target.startswith(".."):
        return "leads out of the catalogue", "", ""
    if target and target not in present:
        return "is not there", "", ""
    return "", target, unquote(parts.fragment)
