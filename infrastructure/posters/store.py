"""Downloads posters, and stores them in folders; each file is named after its movie and its content.

``manifest.jsonl`` has one JSON object per line; the last line of a movie counts.
Lines are only appended; ``PosterManifest.rewrite`` drops superseded ones.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from application.ports.posters import Poster, PosterAnswer, PosterFile
from application.records import parse_timestamp, timestamp
from domain.errors import Blocked, SourceError, StoreUnavailable, Transient, UnusablePicture
from infrastructure.posters.images import Encoded, EncodingOptions, PictureLimits, encode
from shared.atomic import write_atomically

if TYPE_CHECKING:
    from infrastructure.http import Downloader

log = logging.getLogger(__name__)
NAME: Final = "posters"
_FILE_NAME: Final = re.compile(r"tt[0-9]{7,10}(\.thumb)?\.[0-9a-f]{8}\.(webp|jpg|png|gif)")
_ACCEPT: Final = "image/jpeg,image/webp,image/png;q=0.8,image/gif;q=0.5"
_SIZABLE: Final = re.compile(r"(?P<stem>.+)\._V1_[^/]*\.(?P<suffix>jpe?g|png|webp)", re.IGNORECASE)

Placement = Callable[[int], AbstractContextManager[Path]]
"""Context manager that reserves the given number of bytes in a folder and yields the folder."""


class FileLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file; ``folder`` is empty for the store's own folder, else an absolute path."""

    name: str
    role: str
    format: str
    width: int
    height: int
    size: int
    folder: str = ""


class PosterLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One poster.

    ``checked_at`` is ISO 8601; ``encoding`` is the fingerprint of the options its files
    were made with; ``original`` the SHA-256 of the download.
    """

    id: str
    url: str
    checked_at: str
    original: str
    encoding: str = msgspec.field(name="recipe")
    files: tuple[FileLine, ...]
    etag: str = ""
    last_modified: str = ""


class PosterManifest:
    """The manifest file, held in memory and appended to. Thread-safe.

    Raises:
        OSError: the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines: dict[str, PosterLine] = {}
        self._superseded = 0
        self._torn = False
        self._load()

    def get(self, imdb_id: str) -> PosterLine | None:
        """Returns the latest line of a movie."""
        with self._lock:
            return self._lines.get(imdb_id)

    def all(self) -> list[PosterLine]:
        """Returns the latest line of every movie, ordered by id."""
        with self._lock:
            return [line for _, line in sorted(self._lines.items())]

    def add(self, line: PosterLine) -> None:
        """Appends a poster; it replaces an older line of the same movie."""
        text = msgspec.json.encode(line) + b"\n"
        with self._lock:
            with self._path.open("ab") as file:
                file.write(b"\n" + text if self._torn else text)
            self._torn = False
            self._superseded += line.id in self._lines
            self._lines[line.id] = line

    def rewrite(self) -> None:
        """Drops superseded lines, if there are any, by replacing the file atomically."""
        with self._lock:
            if not self._superseded:
                return
            lines = (msgspec.json.encode(line) + b"\n" for _, line in sorted(self._lines.items()))
            write_atomically(self._path, b"".join(lines))
            self._superseded = 0

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
                self._superseded += line.id in self._lines
                self._lines[line.id] = line
        if unreadable:
            log.warning("%s: %d unreadable lines; those posters will be downloaded again", self._path, unreadable)


def within(reserve: Placement) -> Placement:
    """Returns a placement that puts posters into a subfolder of the reserved folder."""

    @contextmanager
    def place(size: int) -> Iterator[Path]:
        with reserve(size) as folder:
            yield folder / NAME

    return place


class PosterFolder:
    """Stores posters as files with a manifest beside them. Satisfies ``PosterStore``.

    Args:
        folder: holds the manifest, and the files unless ``placement`` is given.
        options: how files are encoded; posters encoded with other options are made again.
        limits: pictures to refuse.
        placement: chooses the folder of new files, for stores on several disks.

    Raises:
        StoreUnavailable: the folder cannot be created or its manifest cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        options: EncodingOptions | None = None,
        limits: PictureLimits | None = None,
        placement: Placement | None = None,
    ) -> None:
        self._folder = folder
        self._options = options or EncodingOptions()
        self._limits = limits or PictureLimits()
        self._placement = placement or (lambda _: nullcontext(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._manifest = PosterManifest(folder / "manifest.jsonl")
        except OSError as error:
            raise _unavailable(error) from error

    @property
    def options(self) -> EncodingOptions:
        """How files are encoded."""
        return self._options

    def find(self, imdb_id: str) -> Poster | None:
        line = self._manifest.get(imdb_id)
        if line is None or line.encoding != self._options.fingerprint:
            return None
        return self._poster(line)

    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        if answer.body is None:
            raise UnusablePicture("the server reports it as unchanged, but there is no local copy")
        before = self._manifest.get(imdb_id)
        original = hashlib.sha256(answer.body).hexdigest()
        try:
            if before is not None and before.original == original and self.find(imdb_id) is not None:
                return self._record(imdb_id, url, answer, checked_at, original, before.files)
            encoded = encode(answer.body, answer.content_type, self._options, self._limits)
            with self._placement(sum(len(file.body) for file in encoded)) as folder:
                files = tuple(self._write(imdb_id, folder, file) for file in encoded)
            poster = self._record(imdb_id, url, answer, checked_at, original, files)
            self._discard(before, files)
        except OSError as error:
            raise _unavailable(error) from error
        return poster

    def confirm(self, poster: Poster, answer: PosterAnswer, checked_at: datetime) -> None:
        line = self._manifest.get(poster.imdb_id)
        if line is None:
            raise UnusablePicture(f"{poster.imdb_id} is not in the poster store")
        answer = PosterAnswer(
            None, etag=answer.etag or line.etag, last_modified=answer.last_modified or line.last_modified
        )
        try:
            self._record(poster.imdb_id, poster.url, answer, checked_at, line.original, line.files)
        except OSError as error:
            raise _unavailable(error) from error

    def posters(self) -> Iterator[Poster]:
        return (poster for line in self._manifest.all() if (poster := self._poster(line)) is not None)

    def finalize(self) -> None:
        """Compacts the manifest at the end of a run. Idempotent.

        Raises:
            StoreUnavailable: it cannot be written; appended lines are not lost.
        """
        try:
            self._manifest.rewrite()
        except OSError as error:
            raise _unavailable(error) from error

    def _write(self, imdb_id: str, folder: Path, file: Encoded) -> FileLine:
        digest = hashlib.sha256(file.body).hexdigest()[:8]
        part = "" if file.role == "full" else f".{file.role}"
        suffix = "jpg" if file.format == "jpeg" else file.format
        name = f"{imdb_id}{part}.{digest}.{suffix}"
        write_atomically(folder / name, file.body, mode=0o644, durable=False, parents=True)
        elsewhere = "" if folder == self._folder else str(folder.absolute())
        return FileLine(name, file.role, file.format, file.width, file.height, len(file.body), elsewhere)

    def _record(
        self,
        imdb_id: str,
        url: str,
        answer: PosterAnswer,
        checked_at: datetime,
        original: str,
        files: tuple[FileLine, ...],
    ) -> Poster:
        line = PosterLine(
            id=imdb_id,
            url=url,
            checked_at=timestamp(checked_at),
            original=original,
            encoding=self._options.fingerprint,
            files=files,
            etag=answer.etag,
            last_modified=answer.last_modified,
        )
        self._manifest.add(line)
        return Poster(imdb_id, url, line.etag, line.last_modified, checked_at, tuple(map(self._file, files)))

    def _poster(self, line: PosterLine) -> Poster | None:
        """Returns the poster if its files exist with their full size; a power loss may have truncated them."""
        try:
            files = tuple(map(self._file, line.files))
            if not files or any(file.path.stat().st_size != file.size for file in files):
                return None
            return Poster(line.id, line.url, line.etag, line.last_modified, parse_timestamp(line.checked_at), files)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s: its poster cannot be used and will be downloaded again: %s", line.id, error)
            return None

    def _file(self, line: FileLine) -> PosterFile:
        if not _FILE_NAME.fullmatch(line.name):
            raise ValueError(f"{line.name!r} is not a poster's file name")
        path = Path(line.folder or self._folder) / line.name
        return PosterFile(path, line.role, line.format, line.width, line.height, line.size)

    def _discard(self, before: PosterLine | None, files: tuple[FileLine, ...]) -> None:
        kept = {(file.folder, file.name) for file in files}
        for file in before.files if before is not None else ():
            if (file.folder, file.name) not in kept and _FILE_NAME.fullmatch(file.name):
                (Path(file.folder or self._folder) / file.name).unlink(missing_ok=True)


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(NAME, f"cannot write {error.filename or 'the folder'}: {error.strerror or error}")


def sized(url: str, width: int) -> str:
    """Returns the address of the same picture scaled to ``width`` pixels.

    IMDb's image server takes instructions between ``._V1_`` and the suffix:
    ``UX720`` scales to a width and never enlarges. Other addresses are returned
    unchanged.
    """
    match = _SIZABLE.fullmatch(url)
    return url if match is None else f"{match['stem']}._V1_UX{width}_.{match['suffix']}"


class HttpPosterSource:
    """Fetches posters through a downloader.

    Args:
        width: pixels to request from image servers that can scale.
    """

    def __init__(self, downloader: Downloader, width: int) -> None:
        self._downloader = downloader
        self._width = width

    def poster(self, url: str, known: Poster | None, *, max_requests: int, cancel: threading.Event) -> PosterAnswer:
        headers = {"Accept": _ACCEPT}
        if known is not None and known.url == url:
            if known.etag:
                headers["If-None-Match"] = known.etag
            if known.last_modified:
                headers["If-Modified-Since"] = known.last_modified
        address = sized(url, self._width)
        try:
            page = self._downloader.get(
                address,
                max_requests=max_requests,
                cancel=cancel,
                headers=headers,
                patient=False,
                forbidden_is_block=False,
            )
        except Blocked as block:  # by this image host only; others are not affected
            error = SourceError(f"{address}: {str(block).partition(';')[0]}")
            error.requests, error.size = block.requests, block.size
            raise error from block
        if page.status not in (200, 304):
            unusable = Transient(f"{address}: status {page.status} instead of a picture")
            unusable.requests, unusable.size = page.requests, page.size
            raise unusable
        return PosterAnswer(
            body=None if page.status == 304 else page.body,
            content_type=page.headers.get("Content-Type", ""),
            etag=page.headers.get("ETag", ""),
            last_modified=page.headers.get("Last-Modified", ""),
            size=page.size,
            requests=page.requests,
        )
