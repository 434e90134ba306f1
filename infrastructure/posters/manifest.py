"""The list of posters on a shelf: one JSON object a line, the last line for a movie counts.

Lines are only ever added; ``rewrite`` leaves out the overtaken ones. A line
that cannot be read costs that poster another download and nothing else.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import msgspec

from shared.atomic import write_atomically

log = logging.getLogger(__name__)


class FileLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file; ``folder`` is empty for the shelf's own, else an absolute path."""

    name: str
    role: str
    format: str
    width: int
    height: int
    size: int
    folder: str = ""


class PosterLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One poster; ``checked_at`` is ISO 8601, ``recipe`` says how its files were made, ``original`` of what."""

    id: str
    url: str
    checked_at: str
    original: str
    recipe: str
    files: tuple[FileLine, ...]
    etag: str = ""
    last_modified: str = ""


class Manifest:
    """The lines of one file, held in memory and added to. Called from many threads at once.

    Raises:
        OSError: the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines: dict[str, PosterLine] = {}
        self._overtaken = 0
        self._torn = False
        self._load()

    def get(self, imdb_id: str) -> PosterLine | None:
        """The line that counts for a movie."""
        with self._lock:
            return self._lines.get(imdb_id)

    def all(self) -> tuple[PosterLine, ...]:
        """Every line that counts, by id."""
        with self._lock:
            return tuple(self._lines[imdb_id] for imdb_id in sorted(self._lines))

    def add(self, line: PosterLine) -> None:
        """Write down a poster; it takes the place of an older line for the same movie."""
        text = msgspec.json.encode(line) + b"\n"
        with self._lock:
            with self._path.open("ab") as file:
                file.write(b"\n" + text if self._torn else text)
            self._torn = False
            self._overtaken += line.id in self._lines
            self._lines[line.id] = line

    def rewrite(self) -> None:
        """Leave out lines that were overtaken, if there are any; the file is replaced as a whole."""
        with self._lock:
            if not self._overtaken:
                return
            lines = (self._lines[imdb_id] for imdb_id in sorted(self._lines))
            write_atomically(self._path, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            self._overtaken = 0

    def _load(self) -> None:
        if not self._path.exists():
            return
        decoder = msgspec.json.Decoder(PosterLine)
        unreadable = 0
        with self._path.open("rb") as file:
            for text in file:
                self._torn = not text.endswith(b"\n")
                if not text.strip():
                    continue
                try:
                    line = decoder.decode(text)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    unreadable += 1
                    continue
                self._overtaken += line.id in self._lines
                self._lines[line.id] = line
        if unreadable:
            log.warning("%s: %d unreadable lines; those posters will be fetched again", self._path, unreadable)
