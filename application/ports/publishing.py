"""Posters and the steps of publishing a catalogue."""

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
    """A poster that is kept, with what its server said about its version.

    Attributes:
        imdb_id: of its movie.
        url: where it was fetched from.
        etag, last_modified: the server's marks of this version; empty where it gave none.
        checked_at: when the server was last asked, in UTC.
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
    """What an image server answered; ``body`` is None where the version asked about is still the one."""

    body: bytes | None
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    size: int = 0
    requests: int = 0


class PosterSource(Protocol):
    """Where posters are fetched. Called from many threads at once."""

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        """Fetch the picture, or learn that the ``known`` one has not changed.

        Raises:
            SourceError: as its class says; ``requests`` and ``size`` are filled in.
        """


class PosterStore(Protocol):
    """Where posters are kept. Called from many threads at once."""

    def find(self, imdb_id: str) -> Poster | None:
        """Returns the poster of a movie if all its files exist and were encoded with the current options."""

    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        """Checks a picture, encodes its sizes and stores them; the files it replaces are removed.

        Raises:
            UnusablePicture: it is no picture, a broken one or a dangerous one.
            StoreUnavailable: it could not be written.
        """

    def confirm(self, poster: Poster, answer: PosterAnswer, checked_at: datetime) -> None:
        """Records that the server still has this version.

        Raises:
            StoreUnavailable: it could not be written.
        """

    def posters(self) -> Iterator[Poster]:
        """Yields every stored poster whose files exist."""


class PublishStep(Protocol):
    """One part of publishing that can fail by itself."""

    @property
    def name(self) -> str:
        """What its line calls it."""

    def run(self) -> None:
        """Do it.

        Raises:
            FilmledgerError: it could not be done; the message is the reason.
            OSError: a file could not be read or written.
        """
