"""Posters in a folder, each file named after its movie and its own content."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Final

from application.ports import Poster, PosterAnswer, PosterFile
from application.records import parse_timestamp, timestamp
from domain.errors import StoreUnavailable, UnusablePicture
from infrastructure.posters.encode import Encoded, Recipe, encode
from infrastructure.posters.manifest import FileLine, Manifest, PosterLine
from infrastructure.posters.picture import PictureLimits
from shared.unsynced import write_unsynced

log = logging.getLogger(__name__)
NAME: Final = "posters"
_FILE_NAME: Final = re.compile(r"tt[0-9]{7,10}(\.thumb)?\.[0-9a-f]{8}\.(webp|jpg|png|gif)")

Placement = Callable[[int], AbstractContextManager[Path]]
"""Gives a folder with room for so many bytes, reserved until the context ends."""


def within(reserve: Placement) -> Placement:
    """The placement for folders that hold other things too: posters go to a folder of theirs in each."""

    @contextmanager
    def place(size: int) -> Iterator[Path]:
        with reserve(size) as folder:
            yield folder / NAME

    return place


class PosterFolder:
    """A shelf of posters: the files and a manifest beside them.

    Args:
        folder: of the manifest, and of the files unless ``placement`` says otherwise.
        recipe: how files are made; posters made by another one are made again.
        limits: pictures that are refused.
        placement: where to put new files, for shelves over several disks.

    Raises:
        StoreUnavailable: the folder cannot be made or its manifest not be read.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe | None = None,
        limits: PictureLimits | None = None,
        placement: Placement | None = None,
    ) -> None:
        self._folder = folder
        self._recipe = recipe or Recipe()
        self._limits = limits or PictureLimits()
        self._placement = placement or (lambda _: nullcontext(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._manifest = Manifest(folder / "manifest.jsonl")
        except OSError as error:
            raise _unavailable(error) from error

    @property
    def recipe(self) -> Recipe:
        """How files are made."""
        return self._recipe

    def find(self, imdb_id: str) -> Poster | None:
        line = self._manifest.get(imdb_id)
        if line is None or line.recipe != self._recipe.mark:
            return None
        return self._poster(line)

    def keep(self, imdb_id: str, url: str, answer: PosterAnswer, checked_at: datetime) -> Poster:
        if answer.body is None:
            raise UnusablePicture("the server says it has not changed, but we have no copy of it")
        before = self._manifest.get(imdb_id)
        original = hashlib.sha256(answer.body).hexdigest()
        try:
            if before is not None and before.original == original and self.find(imdb_id) is not None:
                return self._write_down(imdb_id, url, answer, checked_at, original, before.files)
            encoded = encode(answer.body, answer.content_type, self._recipe, self._limits)
            with self._placement(sum(len(file.body) for file in encoded)) as folder:
                files = tuple(self._write(imdb_id, folder, file) for file in encoded)
            poster = self._write_down(imdb_id, url, answer, checked_at, original, files)
            self._discard(before, files)
        except OSError as error:
            raise _unavailable(error) from error
        return poster

    def confirm(self, poster: Poster, answer: PosterAnswer, checked_at: datetime) -> None:
        line = self._manifest.get(poster.imdb_id)
        if line is None:
            raise UnusablePicture(f"{poster.imdb_id} is not on the shelf")
        answer = PosterAnswer(
            None, etag=answer.etag or line.etag, last_modified=answer.last_modified or line.last_modified
        )
        try:
            self._write_down(poster.imdb_id, poster.url, answer, checked_at, line.original, line.files)
        except OSError as error:
            raise _unavailable(error) from error

    def posters(self) -> Iterator[Poster]:
        return (poster for line in self._manifest.all() if (poster := self._poster(line)) is not None)

    def finalize(self) -> None:
        """Bring the manifest into its final form at the end of a run. May be called again.

        Raises:
            StoreUnavailable: it cannot be written; what was added to it is safe all the same.
        """
        try:
            self._manifest.rewrite()
        except OSError as error:
            raise _unavailable(error) from error

    def _write(self, imdb_id: str, folder: Path, file: Encoded) -> FileLine:
        mark = hashlib.sha256(file.body).hexdigest()[:8]
        part = "" if file.role == "full" else f".{file.role}"
        suffix = "jpg" if file.format == "jpeg" else file.format
        name = f"{imdb_id}{part}.{mark}.{suffix}"
        write_unsynced(folder / name, file.body)
        elsewhere = "" if folder == self._folder else str(folder.absolute())
        return FileLine(name, file.role, file.format, file.width, file.height, len(file.body), elsewhere)

    def _write_down(
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
            recipe=self._recipe.mark,
            files=files,
            etag=answer.etag,
            last_modified=answer.last_modified,
        )
        self._manifest.add(line)
        return Poster(imdb_id, url, line.etag, line.last_modified, checked_at, tuple(map(self._file, files)))

    def _poster(self, line: PosterLine) -> Poster | None:
        """The poster if its files are there in full length; a machine that lost power may have cut them."""
        try:
            files = tuple(map(self._file, line.files))
            if not files or any(file.path.stat().st_size != file.size for file in files):
                return None
            return Poster(line.id, line.url, line.etag, line.last_modified, parse_timestamp(line.checked_at), files)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s: its poster cannot be used and will be fetched again: %s", line.id, error)
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
