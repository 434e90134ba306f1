"""Pages that were saved as files: what each of them is, and the titles among them.

A file is judged by its content, never by its name: a title's page, the bare
``__NEXT_DATA__`` of one, a chart, a challenge that was saved instead of a page,
something else, or nothing that can be read.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from application.ports import FetchedTitle
from domain.errors import Blocked, Cancelled, InvalidMovie, NotATitlePage, SourceError, UnknownLayout
from infrastructure.scraper.addresses import addresses, title_id
from infrastructure.scraper.chart_page import parse_chart
from infrastructure.scraper.fetcher import charged
from infrastructure.scraper.islands import as_utf8
from infrastructure.scraper.saved_files import MAX_BYTES, UnreadableFile, read_file, saved_at
from infrastructure.scraper.title_page import ParsedTitle, parse_next_data, parse_title
from shared.clock import Clock

_JSON: Final = (b"{", b"[")
_BINARY: Final = b"\0"


class Kind(StrEnum):
    """What a file can turn out to be."""

    TITLE = "title"
    CHART = "chart"
    BLOCKED = "blocked"
    OTHER = "not a title"
    UNREADABLE = "unreadable"


class ChartPage(NotATitlePage):
    """The file is a chart; it gives ranks, not a title."""


class BlockedPage(NotATitlePage):
    """The file holds what the site sent instead of a page. Unlike ``Blocked``, no reason to stop."""


def kind_of(error: SourceError) -> Kind:
    """The kind of a file by the error that reading it as a title raised."""
    match error:
        case ChartPage():
            return Kind.CHART
        case BlockedPage():
            return Kind.BLOCKED
        case NotATitlePage():
            return Kind.OTHER
    return Kind.UNREADABLE


def classify(body: bytes) -> Kind:
    """What a file is, by its content after unpacking. A title with impossible values is still a title."""
    try:
        read_title(body, scraped_at=datetime.now(UTC))
    except SourceError as error:
        return kind_of(error)
    except InvalidMovie:
        pass
    return Kind.TITLE


def read_title(body: bytes, *, scraped_at: datetime) -> ParsedTitle:
    """The title that a saved page is about.

    Raises:
        NotATitlePage: it is something else: a ChartPage, a BlockedPage or neither.
        UnreadableFile: it may have been a title's page, but cannot be read.
        InvalidMovie: it says what cannot be true.
    """
    body = as_utf8(body)
    if not body.strip():
        raise UnreadableFile("the file is empty")
    try:
        if body.lstrip().startswith(_JSON):
            return parse_next_data(body, imdb_id=None, scraped_at=scraped_at)
        return parse_title(body, imdb_id=None, scraped_at=scraped_at)
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
    torn = isinstance(error.__cause__, ValueError) or _BINARY in body
    if torn or any(map(title_id, addresses(body))):
        return UnreadableFile(str(error))
    return NotATitlePage(str(error))


class FileTitleSource:
    """Reads titles from saved pages; a TitleSource whose keys are paths. No network.

    Its movies carry their ranks, since which title a file holds is known only
    once it is read.

    Args:
        clock: no page is younger than this.
        ranks: by IMDb id, from the charts among the files.
        max_bytes: of a file, unpacked.
    """

    def __init__(self, clock: Clock, *, ranks: Mapping[str, int] | None = None, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._ranks = ranks or {}
        self._max_bytes = max_bytes

    def title(self, imdb_id: str, *, max_requests: int = 0, cancel: threading.Event) -> FetchedTitle:  # noqa: ARG002
        """The title in the file whose path is given as ``imdb_id``; it costs no requests."""
        path = Path(imdb_id)
        if cancel.is_set():
            raise Cancelled(f"{path.name}: cancelled")
        file = read_file(path, self._max_bytes)
        with charged(0, file.size):
            parsed = read_title(file.body, scraped_at=saved_at(file, self._clock.now()))
        movie = replace(parsed.movie, rank=self._ranks.get(parsed.movie.imdb_id))
        return FetchedTitle(movie, "file", parsed.missing, size=file.size)
