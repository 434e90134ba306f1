"""Posters: where they come from, and where they are stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PosterFile:
    """One file of a poster: ``role`` is ``full`` or ``thumb``, ``format`` ``webp``, ``jpeg``, ``png`` or ``gif``."""

    path: Path
    role: str
    format: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class Poster:
    """A stored poster, with its server's version information.

    Attributes:
        etag, last_modified: the server's validators of this version; empty if it sent none.
        checked_at: the time of the last request for it, in UTC.
        files: full size first.
    """

    imdb_id: str
    url: str
    etag: str
    last_modified: str
    checked_at: datetime
    files: tuple[PosterFile, ...]


@dataclass(frozen=True, slots=True)
class PosterAnswer:
    """The answer of an image server; ``body`` is None if the known version is current."""

    body: bytes | None
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    size: int = 0
    requests: int = 0


class PosterSource(Protocol):
    """Fetches posters. Thread-safe."""

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        """Fetches the picture, unless the ``known`` version is current.

        Raises:
            SourceError: of the class that describes the failure; ``requests`` and ``size`` are set.
        """


class PosterStore(Protocol):
    """Stores posters. Thread-safe."""

    def find(self, imdb_id: str) -> Poster | None:
        """Returns the poster of a movie if all its files exist and were encoded with the current options."""

    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        """Checks a picture, encodes its sizes and stores them; the files it replaces are removed.

        Raises:
            UnusablePicture: it is not a picture, damaged or dangerous.
            StoreUnavailable: it could not be written.
        """

    def confirm(self, poster: Poster, answer: PosterAnswer, checked_at: datetime) -> None:
        """Records that the server still has this version.

        Raises:
            StoreUnavailable: it could not be written.
        """

    def posters(self) -> Iterator[Poster]:
        """Yields every stored poster whose files exist."""
