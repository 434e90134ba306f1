"""What the documents in saved files are: titles, charts that give them their ranks, and the rest.

A document is judged by its content, never by its name: a title's page, the bare
``__NEXT_DATA__`` of one, a chart, a challenge that was saved instead of a page,
something else, or nothing that can be read.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from application.ports.runs import Job, Outcome, Status
from application.ports.sources import FetchedTitle
from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, InvalidMovie, NotATitlePage, SourceError, UnknownLayout
from infrastructure.scraper.chart_page import CHART_MARKS, chart_name, parse_chart
from infrastructure.scraper.fetcher import charged
from infrastructure.scraper.page_bytes import addresses, as_utf8, title_id
from infrastructure.scraper.saved_files import MAX_BYTES, UnreadableFile, read_document, saved_at
from infrastructure.scraper.title_page import ParsedTitle, TruncatedPage, parse_next_data, parse_title
from shared.clock import Clock

_log = logging.getLogger(__name__)
_JSON: Final = (b"{", b"[")
_BINARY: Final = b"\0"


class FileKind(StrEnum):
    """What a document can turn out to be."""

    TITLE = "title"
    CHART = "chart"
    BLOCKED = "blocked"
    OTHER = "not a title"
    UNREADABLE = "unreadable"


class ChartPage(NotATitlePage):
    """The document is a chart; it gives ranks, not a title."""


class BlockedPage(NotATitlePage):
    """The document is what the site sent instead of a page. Unlike ``Blocked``, no reason to stop."""


def kind_of(error: SourceError) -> FileKind:
    """The kind of a document by the error that reading it as a title raised."""
    match error:
        case ChartPage():
            return FileKind.CHART
        case BlockedPage():
            return FileKind.BLOCKED
        case NotATitlePage():
            return FileKind.OTHER
    return FileKind.UNREADABLE


def classify(body: bytes) -> FileKind:
    """What a document is. A title with impossible values is still a title."""
    try:
        read_title(body, scraped_at=datetime.now(UTC))
    except SourceError as error:
        return kind_of(error)
    except InvalidMovie:
        pass
    return FileKind.TITLE


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
        if body.lstrip().startswith(_JSON):
            return parse_next_data(body, imdb_id=None, scraped_at=scraped_at)
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
    torn = isinstance(error, TruncatedPage) or isinstance(error.__cause__, ValueError) or _BINARY in body
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


def chart_to_rank_by(
    keys: Iterable[str], cancel: threading.Event, *, chart: ChartName | None = None, max_bytes: int = MAX_BYTES
) -> SavedChart | None:
    """The chart that gives the titles of a folder their ranks; ``None`` if there is none in it.

    Ranks of two charts, or of two editions of one, cannot be used side by side. Of
    the kind asked for, or else of the first kind that is there in the order of
    ``ChartName``, the newest edition counts. The log names what is not used.

    Raises:
        Cancelled: we were asked to stop.
    """
    found = list(saved_charts(keys, cancel, max_bytes=max_bytes))
    wanted = list(ChartName) if chart is None else [chart]
    candidates = [one for one in found if one.chart in wanted]
    if not candidates:
        return None
    chosen = min(candidates, key=lambda one: (wanted.index(one.chart), -one.saved_at.timestamp(), one.key))
    if others := len(found) - 1:
        _log.warning(
            "ranks come from %s (the %s chart of %s); %d other charts are not used",
            chosen.key, chosen.chart, chosen.saved_at.date(), others,
        )  # fmt: skip
    return chosen


def saved_charts(keys: Iterable[str], cancel: threading.Event, *, max_bytes: int = MAX_BYTES) -> Iterator[SavedChart]:
    """The charts of known kinds among the documents. What cannot be read is reported when the titles are read.

    Raises:
        Cancelled: we were asked to stop.
    """
    for key in keys:
        if cancel.is_set():
            raise Cancelled("cancelled while looking for charts")
        with suppress(SourceError):
            document = read_document(key, max_bytes)
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
        with charged(0, document.size):
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
            SourceError: it is no title, blocked or unreadable; ``kind_of`` tells which.
        """
        try:
            return self._scrape(job)
        except ChartPage as error:
            return Outcome(job, Status.COMPLETED, str(error), size=error.size, source="chart")
