"""Saved pages on the disk: which files hold one, what it is, and the title that it is about.

What a file is, is decided by its content: a page, ``__NEXT_DATA__`` without its page,
or a container of pages: MHTML, WARC, HAR and zip, each also packed with gzip. A
document in a container has the key ``PATH::NUMBER``: the offset of the record in a
WARC, the number of the entry in the others, counted from 0. A container in a zip file
adds a number: ``PATH::NUMBER::NUMBER``. A document is a title, a chart that gives
titles their ranks, a challenge that was saved instead of a page, or something else.
"""

from __future__ import annotations

import io
import logging
import os
import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from application.ports.runs import Job, Outcome, Status
from application.ports.sources import FetchedTitle
from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, NotATitlePage, SourceError, UnknownLayout, UsageError
from infrastructure.scraper.chart_page import CHART_MARKS, chart_name, parse_chart
from infrastructure.scraper.containers import (
    GZIP,
    MAX_CONTAINER_BYTES,
    NO_PAGES,
    PARTS,
    UnreadableFile,
    entries,
    is_other_format,
    kind_of_content,
    moment_of,
    saved_page_of,
    start_of,
    unpacked,
)
from infrastructure.scraper.fetcher import Spent
from infrastructure.scraper.page_bytes import NEXT_DATA, addresses, as_utf8, shown_source, title_id
from infrastructure.scraper.title_fields import ParsedTitle
from infrastructure.scraper.title_page import TruncatedPage, parse_next_data, parse_title
from shared.clock import Clock
from shared.text import path_to_text, text_to_path

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 64 * 1024 * 1024
_PAGE_SUFFIXES: Final = frozenset(
    {".html", ".htm", ".xhtml", ".mhtml", ".mht", ".warc", ".har", ".zip", ".gz", ".json"}
)

_COPYRIGHT: Final = re.compile(rb"(?:copy;|\xa9)(?:</a>)?\s{0,20}1990-(20[0-9]{2})\b")
_TABLE: Final = b'"titleColumn"'
_LAST_TABLE_YEAR: Final = 2023
_SERVED_AT: Final = re.compile(rb'"requestContext"\s*:\s*\{\s*"timestamp"\s*:\s*"([0-9T:.-]{19,26}Z)"')
_ARCHIVED_AT: Final = re.compile(rb"//web\.archive\.org/web/([0-9]{14})")


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """One page out of a file.

    Attributes:
        key: the file's path, with the place inside it if it is a container.
        body: unpacked.
        size: bytes on the disk.
        changed_at: when the file was last written, in UTC.
        fetched_at: when the page was fetched, if the container says so.
        charset: the encoding that the server declared, if the container says so.
    """

    key: str
    body: bytes = field(repr=False)
    size: int
    changed_at: datetime
    fetched_at: datetime | None = None
    charset: str | None = None


class FoundFiles(msgspec.Struct, frozen=True):
    """What a folder holds.

    Attributes:
        keys: of the documents, in sorted order.
        passed_over: how many files or records were not taken, by reason.
    """

    keys: tuple[str, ...]
    passed_over: Counter[str]


def find_documents(folder: Path, pattern: str = "*") -> FoundFiles:
    """The saved pages in a folder and all below it, in files whose names match ``pattern``.

    The parts of a page that a browser saved completely (``NAME_files/`` beside ``NAME.html``) are passed
    over, and so is everything that is neither a page nor a container of pages.

    Raises:
        UsageError: there is no such folder, or no such pattern.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        if not pattern:
            raise ValueError("it is empty")
        paths = sorted(path for path in folder.rglob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UsageError(f"{pattern!r} is not a pattern for file names, such as *.html*: {error}") from error
    keys: list[str] = []
    passed_over: Counter[str] = Counter()
    for path in paths:
        if _is_part_of_saved_page(path, folder):
            passed_over[PARTS] += 1
        elif kind := _kind_of_file(path):
            keys += [path_to_text(path)] if kind == "page" else _keys_in(path, kind, passed_over)
        else:
            passed_over[NO_PAGES] += 1
    return FoundFiles(tuple(keys), passed_over)


def _is_part_of_saved_page(path: Path, folder: Path) -> bool:
    """Whether it lies in the folder of a page's parts. Where the page itself is gone, a title in it is no part."""
    for parent in path.parents:
        if parent == folder or parent == parent.parent:
            return False
        if stem := saved_page_of(parent.name):
            if any(parent.with_name(stem + suffix).exists() for suffix in (".html", ".htm", ".html.gz", ".htm.gz")):
                return True
            head = _head(path) or b""
            return NEXT_DATA not in head and not any(map(title_id, addresses(head)))
    return False


def _head(path: Path) -> bytes | None:
    try:
        with path.open("rb") as raw:
            return start_of(raw)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None


def _kind_of_file(path: Path) -> str | None:
    """``page``, ``mhtml``, ``warc``, ``har`` or ``zip`` by the content; ``None`` for anything else."""
    head = _head(path)
    if head is None:
        return "page"  # reading it will say what is wrong
    if is_other_format(head):
        return None
    return kind_of_content(head) or ("page" if _PAGE_SUFFIXES & {suffix.lower() for suffix in path.suffixes} else None)


def _keys_in(path: Path, kind: str, passed_over: Counter[str]) -> list[str]:
    """The keys of the pages in a container, and its own where it is damaged or empty, so that this is reported."""
    own = path_to_text(path)
    before = passed_over.total()
    keys: list[str] = []
    try:
        with _open_container(path, kind) as raw:
            keys.extend("::".join((own, *map(str, entry.place))) for entry in entries(raw, kind, passed_over))
    except UnreadableFile:
        return [*keys, own]
    return keys or ([own] if passed_over.total() == before else [])


def _open_container(path: Path, kind: str) -> BinaryIO:
    """A container as a seekable file. One packed with gzip is unpacked, but for WARC files, whose records are packed.

    Raises:
        UnreadableFile: it cannot be opened or unpacked.
    """
    raw, packed = _opened(path)
    if kind == "warc" or not packed:
        return raw
    with raw:
        return io.BytesIO(unpacked(raw, MAX_CONTAINER_BYTES))


def _opened(path: Path) -> tuple[BinaryIO, bool]:
    """A file, and whether it is packed with gzip."""
    try:
        raw = path.open("rb")
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
        return raw, packed
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def read_document(key: str, max_bytes: int = MAX_BYTES) -> SavedDocument:
    """Read a document by its key.

    Raises:
        UnreadableFile: it cannot be opened or unpacked, is not there, or is larger than ``max_bytes``.
    """
    name, *numbers = key.split("::")
    while numbers and not all(number.isdecimal() for number in numbers):
        name, numbers = f"{name}::{numbers[0]}", numbers[1:]
    path = text_to_path(name)
    kind = _kind_of_file(path) or "page"
    with _opened(path)[0] as raw:
        status = os.fstat(raw.fileno())
        changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
        if kind == "page":
            return SavedDocument(key, shown_source(unpacked(raw, max_bytes)), status.st_size, changed_at)
    wanted = tuple(map(int, numbers))
    with _open_container(path, kind) as raw:
        if not wanted:  # a damaged container is named as such
            wanted = next((entry.place for entry in list(entries(raw, kind, Counter()))), ())
            raw.seek(0)
        for entry in entries(raw, kind, Counter(), wanted, max_bytes) if wanted else ():
            body = shown_source(unpacked(io.BytesIO(entry.body), max_bytes))
            changed_at = entry.changed_at or changed_at
            return SavedDocument(key, body, len(entry.body), changed_at, entry.fetched_at, entry.charset)
    raise UnreadableFile(f"no title or chart page is in this {kind} file" + (f" at {wanted[-1]}" if wanted else ""))


def saved_at(document: SavedDocument, latest: datetime | None = None) -> datetime:
    """When the page was fetched, in UTC, as well as can be told, and not after ``latest``.

    Containers, pages of today and copies from the Wayback Machine say when. Otherwise it is when the file
    was written, but files get copied and unpacked: a page is no younger than the year of its copyright
    line, nor than the last chart that was a table.

    Files that are copied together may bear one moment. Where two of them hold the
    same title, every store must still prefer the same one, so the moment gets a
    fraction of a millisecond that depends on the file's name.
    """
    moment = (
        _served_at(document.body)
        or document.fetched_at
        or _archived_at(document.body)
        or min(document.changed_at, _no_later_than(document.body))
    )
    moment = moment if latest is None else min(moment, latest)
    fraction = zlib.crc32(document.key.encode("utf-8", "surrogateescape")) % 1000
    told_apart = moment.replace(microsecond=moment.microsecond // 1000 * 1000 + fraction)
    return told_apart if latest is None or told_apart <= latest else told_apart - timedelta(milliseconds=1)


def _served_at(body: bytes) -> datetime | None:
    found = _SERVED_AT.search(body)
    return moment_of(found[1].decode()) if found else None


def _archived_at(body: bytes) -> datetime | None:
    found = _ARCHIVED_AT.search(body)
    with suppress(ValueError):
        return datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None
    return None


def _no_later_than(body: bytes) -> datetime:
    years = [int(found) for found in _COPYRIGHT.findall(body)]
    if _TABLE in body:
        years.append(_LAST_TABLE_YEAR)
    return datetime(min(years, default=9998) + 1, 1, 1, tzinfo=UTC)


class ChartPage(NotATitlePage):
    """The document is a chart; it gives ranks, not a title."""


class BlockedPage(NotATitlePage):
    """The document is what the site sent instead of a page. Unlike ``Blocked``, no reason to stop."""


def read_title(body: bytes, *, scraped_at: datetime, charset: str | None = None) -> ParsedTitle:
    """The title that a saved page is about.

    Raises:
        NotATitlePage: it is something else: a ChartPage, a BlockedPage or neither.
        UnreadableFile: it may have been a title's page, but cannot be read.
        InvalidMovie: its id or title cannot be true.
    """
    body = as_utf8(body, charset)
    if not body.strip():
        raise UnreadableFile("the file is empty")
    try:
        if body.lstrip().startswith((b"{", b"[")):
            return parse_next_data(body, scraped_at=scraped_at)
        return parse_title(body, imdb_id=None, scraped_at=scraped_at, charset=charset)
    except Blocked as error:
        raise BlockedPage(str(error)) from error
    except (NotATitlePage, UnknownLayout) as error:
        raise _chart(body) or _something_else(body, error) from error


def _chart(body: bytes) -> ChartPage | None:
    with suppress(SourceError):
        return ChartPage(f"a chart of {len(parse_chart(body))} titles")
    return None


def _something_else(body: bytes, error: SourceError) -> SourceError:
    """Another page, or what is left of a title's."""
    if isinstance(error, NotATitlePage):
        return error
    torn = isinstance(error, TruncatedPage) or isinstance(error.__cause__, ValueError) or b"\0" in body
    if torn or any(map(title_id, addresses(body))):
        return UnreadableFile(str(error))
    return NotATitlePage(str(error))


@dataclass(frozen=True, slots=True)
class SavedChart:
    """One chart that was saved."""

    key: str
    chart: ChartName
    saved_at: datetime
    entries: tuple[ChartEntry, ...] = field(repr=False)

    @property
    def ranks(self) -> dict[str, int]:
        """Every title's rank, by IMDb id."""
        return {entry.imdb_id: entry.rank for entry in self.entries}


def chart_to_rank_by(keys: Iterable[str], cancel: threading.Event) -> SavedChart | None:
    """The chart that gives the titles of a folder their ranks; ``None`` if there is none in it.

    Ranks of two charts, or of two editions of one, cannot be used side by side. Of the
    first kind that is there in the order of ``ChartName``, the newest edition counts. The
    log names what is not used.

    Raises:
        Cancelled: we were asked to stop.
    """
    found = list(_saved_charts(keys, cancel))
    kinds = list(ChartName)
    chosen = min(found, key=lambda one: (kinds.index(one.chart), -one.saved_at.timestamp(), one.key), default=None)
    if chosen and (others := len(found) - 1):
        _log.warning(
            "ranks come from %s (the %s chart of %s); %d other charts are not used",
            chosen.key, chosen.chart, chosen.saved_at.date(), others,
        )  # fmt: skip
    return chosen


def _saved_charts(keys: Iterable[str], cancel: threading.Event) -> Iterator[SavedChart]:
    """The charts of known kinds among the documents. What cannot be read is reported when the titles are read."""
    for key in keys:
        if cancel.is_set():
            raise Cancelled("cancelled while looking for charts")
        with suppress(SourceError):
            document = read_document(key)
            body = as_utf8(document.body, document.charset)
            if any(mark in body for mark in CHART_MARKS) and (name := chart_name(body)):
                yield SavedChart(key, name, saved_at(document), parse_chart(body))


class FileTitleSource:
    """Reads titles from saved pages; a TitleSource whose keys are those of documents. No network.

    Its movies carry their ranks, since which title a file holds is known only
    once it is read.

    Args:
        clock: no page is younger than this.
        ranks: by IMDb id, from the charts among the files.
        max_bytes: of a document, unpacked.
    """

    def __init__(self, clock: Clock, *, ranks: Mapping[str, int] | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._ranks = ranks or {}
        self._max_bytes = max_bytes

    def title(self, imdb_id: str, *, max_requests: int = 0, cancel: threading.Event) -> FetchedTitle:  # noqa: ARG002
        """The title in the document whose key is given as ``imdb_id``; it costs no requests."""
        if cancel.is_set():
            raise Cancelled(f"{imdb_id}: cancelled")
        document = read_document(imdb_id, self._max_bytes)
        with Spent(size=document.size):
            moment = saved_at(document, self._clock.now())
            parsed = read_title(document.body, scraped_at=moment, charset=document.charset)
        movie = replace(parsed.movie, rank=self._ranks.get(parsed.movie.imdb_id))
        return FetchedTitle(movie, "file", parsed.untold, parsed.cut, size=document.size)


class ParseFile:
    """The work of a job whose key is a saved page; a chart is no failure, because it was read before the titles.

    Args:
        scrape: reads and saves the title in the document that a job's key names.
    """

    def __init__(self, scrape: Callable[[Job], Outcome]) -> None:
        self._scrape = scrape

    def __call__(self, job: Job) -> Outcome:
        """Read one document.

        Raises:
            SourceError: it is no title, blocked or unreadable.
        """
        try:
            return self._scrape(job)
        except ChartPage as error:
            return Outcome(job, Status.COMPLETED, str(error), size=error.size, source="chart")
