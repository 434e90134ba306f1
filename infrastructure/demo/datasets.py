"""The data files of the invented titles, in the form of IMDb's own: gzip, tab-separated, ``\\N`` for NULL."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from itertools import chain
from typing import Final, TypeAlias

import msgspec

from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse, Headers
from infrastructure.demo.titles import DemoCredit, DemoPerson, DemoTitle

Row: TypeAlias = tuple[object, ...]

_PATH: Final = re.compile(r"/datasets/((?:title|name)\.[a-z]+)\.tsv\.gz")
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_FIRST_DAY: Final = datetime(2026, 1, 1, 3, 12, 45, tzinfo=UTC)  # early: a file must not have a future time
_UNWRITABLE: Final = re.compile("[\x00\ud800-\udfff]")
_SEPARATOR: Final = "\x02"  # between several types or attributes of another title
_PRINCIPALS: Final = 10  # of a cast
_UNKNOWN_PEOPLE: Final = 400  # one person in so many is missing from the names, as in IMDb's files
HEADERS: Final = {
    "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    "title.ratings": "tconst averageRating numVotes",
    "title.crew": "tconst directors writers",
    "title.principals": "tconst ordering nconst category job characters",
    "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
    "title.episode": "tconst parentTconst seasonNumber episodeNumber",
    "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
}


class DatasetFile(msgspec.Struct, frozen=True):
    """One file: its bytes, and the validators of its response."""

    content: bytes
    tag: str
    modified: str


class DatasetFiles:
    """Makes the files of a catalogue on their first request, and answers requests for them."""

    def __init__(self, catalogue: DemoCatalogue) -> None:
        self._catalogue = catalogue
        self._files: dict[str, DatasetFile] = {}

    def answer(self, request: DemoRequest) -> DemoResponse | None:
        """Gives a file, a range of it, or 304; None if no file has this path."""
        match = _PATH.fullmatch(request.path)
        if match is None or match[1] not in HEADERS:
            return None
        return respond_with_file(request, self.file(match[1]))

    def file(self, name: str) -> DatasetFile:
        """Gives the file of this name without ``.tsv.gz``."""
        if name not in self._files:
            modified = format_datetime(_FIRST_DAY + timedelta(days=self._catalogue.day), usegmt=True)
            self._files[name] = packed_file(self.text(name).encode(), modified)
        return self._files[name]

    def text(self, name: str) -> str:
        """Gives the uncompressed file."""
        rows = self._names() if name == "name.basics" else chain.from_iterable(map(_ROWS[name], self._titles))
        header = HEADERS[name].replace(" ", "\t")
        return "".join((f"{header}\n", *("\t".join(map(_cell, row)) + "\n" for row in rows)))

    @cached_property
    def _titles(self) -> list[DemoTitle]:
        """All titles and episodes, ordered by id as text, as IMDb orders them."""
        titles = list(self._catalogue.titles())
        episodes = chain.from_iterable(map(self._catalogue.episodes, titles))
        return sorted((*titles, *episodes), key=lambda title: title.imdb_id)

    def _names(self) -> Iterator[Row]:
        people = {credit.person.person_id: credit.person for title in self._titles for credit in _principals(title)}
        for person_id, person in sorted(people.items()):
            if int(person_id[2:]) % _UNKNOWN_PEOPLE == 0:
                continue
            details = self._catalogue.details(person)
            professions = (_word(person) if word == "actor" else word for word in details.professions)
            yield (
                person_id,
                person.name,
                details.born[0],
                details.died and details.died[0],
                ",".join(professions),
                ",".join(details.known_for) or None,
            )


def packed_file(text: bytes, modified: str) -> DatasetFile:
    """Compresses a file; the same bytes for the same text."""
    content = gzip.compress(text, 6, mtime=0)
    return DatasetFile(content, f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"', modified)


def respond_with_file(request: DemoRequest, file: DatasetFile) -> DemoResponse:
    """Answers a request with a file, honouring If-None-Match, If-Modified-Since, Range and If-Range."""
    headers: Headers = (("ETag", file.tag), ("Last-Modified", file.modified), ("Accept-Ranges", "bytes"))
    if "range" not in request.headers and request.has_current(file.tag, file.modified):
        return DemoResponse(304, content_type="binary/octet-stream", headers=headers)
    size = len(file.content)
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or request.headers.get("if-range", file.tag) not in (file.tag, file.modified):
        return DemoResponse.of(200, file.content, "binary/octet-stream", headers)
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last or 0))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        return DemoResponse(416, headers=(*headers, ("Content-Range", f"bytes */{size}")))
    headers = (*headers, ("Content-Range", f"bytes {start}-{stop - 1}/{size}"))
    return DemoResponse.of(206, file.content[start:stop], "binary/octet-stream", headers)


def _cell(value: object) -> str:
    """Gives a cell; the text ``\\N`` gets a second backslash, because alone it means NULL."""
    if value is None or value == "":
        return r"\N"
    text = str(value)
    if not text.isprintable():
        text = _UNWRITABLE.sub("\ufffd", re.sub(r"[\t\r\n]+", " ", text))
    return r"\\N" if text == r"\N" else text


def _basics(title: DemoTitle) -> Iterator[Row]:
    yield (
        title.imdb_id,
        title.kind,
        title.title,
        title.original_title or title.title,
        int(title.is_adult),
        title.year,
        title.end_year,
        None if title.runtime_seconds is None else title.runtime_seconds // 60,
        ",".join(title.genres[:3]),
    )


def _ratings(title: DemoTitle) -> Iterator[Row]:
    if title.rating:
        yield title.imdb_id, f"{title.rating:.1f}", title.votes


def _crew(title: DemoTitle) -> Iterator[Row]:
    people = (title.directors, title.writers)
    yield title.imdb_id, *(",".join(each.person_id for each in group) for group in people)


def _episode(title: DemoTitle) -> Iterator[Row]:
    if episode := title.episode:
        yield title.imdb_id, episode.series.imdb_id, episode.season, episode.number


def _principals(title: DemoTitle) -> tuple[DemoCredit, ...]:
    return (*title.cast[:_PRINCIPALS], *title.directing, *title.crew)


def _principal_rows(title: DemoTitle) -> Iterator[Row]:
    for ordering, credit in enumerate(_principals(title), 1):
        category = _word(credit.person) if credit.category == "cast" else credit.category
        characters = json.dumps(credit.characters, ensure_ascii=False, separators=(",", ":"))
        job = credit.jobs[0] if credit.jobs else None
        yield title.imdb_id, ordering, credit.person.person_id, category, job, characters if credit.characters else None


def _akas(title: DemoTitle) -> Iterator[Row]:
    if title.episode is not None:
        return
    yield title.imdb_id, 1, title.original_title or title.title, None, None, "original", None, 1
    for ordering, aka in enumerate(title.akas[1:], 2):
        types = _SEPARATOR.join(("imdbDisplay", "working")[: 2 if aka.attributes else 1])
        yield title.imdb_id, ordering, aka.title, aka.region, aka.language, types, _SEPARATOR.join(aka.attributes), 0


_ROWS: Final = {
    "title.basics": _basics,
    "title.ratings": _ratings,
    "title.crew": _crew,
    "title.principals": _principal_rows,
    "title.akas": _akas,
    "title.episode": _episode,
}


def _word(person: DemoPerson) -> str:
    """Gives the word of the data files for a member of a cast."""
    return "actress" if int(person.person_id[2:]) % 2 else "actor"
