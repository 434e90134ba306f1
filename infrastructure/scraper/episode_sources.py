"""Where the episodes of a series are listed: GraphQL, or the pages of single episodes.

A title page of a series does not name its episodes. The page of an episode names the one before and the one after it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from application.ports.sources import EpisodeSource, FetchedTitle
from domain.errors import Blocked, Cancelled, NotFound, SourceError
from infrastructure.scraper.fetcher import Fetcher
from infrastructure.scraper.graphql import GraphqlClient, episodes_query
from infrastructure.scraper.graphql_titles import read_episodes
from infrastructure.scraper.page_bytes import NEXT_DATA, as_utf8, load_json, scripts
from infrastructure.scraper.sources import PageTitleSource
from infrastructure.scraper.values import optional, text_at
from shared.clock import Clock

_log = logging.getLogger(__name__)

ADVICE: Final = (
    "set DATASETS=yes to list episodes from IMDb's data files, or name an episode: its page leads to the others"
)


class GraphqlEpisodeSource:
    """Lists the episodes of a series by GraphQL, page by page; an EpisodeSource.

    Args:
        max_requests: HTTP requests for each page at most.
    """

    def __init__(self, client: GraphqlClient, *, max_requests: int) -> None:
        self._client = client
        self._max_requests = max_requests

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        cursors: list[str | None] = [None]
        while True:
            query = episodes_query(imdb_id, cursors[-1])
            response = self._client.execute(query, max_requests=self._max_requests, cancel=cancel)
            page = read_episodes(response, imdb_id)
            if page.of is not None:
                yield page.of
                yield from self.episodes(page.of[0], cancel)
                return
            for episode, title in page.episodes:
                if episode not in seen:
                    seen.add(episode)
                    yield episode, title
            if page.cursor in (None, *cursors) or not page.episodes:
                break
            cursors.append(page.cursor)
        if len(seen) < page.total:
            _log.warning("%s (%s): only %d of its %d episodes are listed", imdb_id, page.series, len(seen), page.total)


class PageEpisodeSource:
    """Lists the episodes of a series from the page of one to that of the next; an EpisodeSource.

    It starts at the episode that was asked for, or at a stored episode of the series.

    Args:
        max_requests: HTTP requests for each page at most.
        stored: gives the id of a stored episode of a series, if there is one.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        base_url: str,
        clock: Clock,
        *,
        max_requests: int,
        stored: Callable[[str], str | None],
    ) -> None:
        self._body = b""
        self._titles = PageTitleSource(fetcher, base_url, clock, keep=self._keep)
        self._max_requests = max_requests
        self._stored = stored

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        found, before, after = self._read(imdb_id, cancel)
        series = found.movie.series_id
        if series is not None:
            yield series, ""
        elif found.movie.kind not in ("tvSeries", "tvMiniSeries", "podcastSeries"):
            raise NotFound(f"{imdb_id} ({found.movie.title}) has no episodes: it is no series")
        elif (first := self._stored(imdb_id)) is None:
            raise SourceError(f"{imdb_id} ({found.movie.title}): its page does not name its episodes; {ADVICE}")
        else:
            found, before, after = self._read(first, cancel)
        yield found.movie.imdb_id, found.movie.title
        seen = {found.movie.imdb_id}
        for forward, start in ((False, before), (True, after)):
            one = start
            while one is not None and one not in seen:
                seen.add(one)
                found, before, after = self._read(one, cancel)
                yield found.movie.imdb_id, found.movie.title
                one = after if forward else before

    def _read(self, imdb_id: str, cancel: threading.Event) -> tuple[FetchedTitle, str | None, str | None]:
        """The title, and the ids of the episodes before and after it."""
        found = self._titles.title(imdb_id, max_requests=self._max_requests, cancel=cancel)
        return found, *neighbours(self._body)

    def _keep(self, _imdb_id: str, body: bytes) -> None:
        self._body = body


def neighbours(body: bytes) -> tuple[str | None, str | None]:
    """The ids of the episodes before and after the one of this title page, as far as it names them."""
    for script in scripts(as_utf8(body, None), NEXT_DATA):
        try:
            document = load_json(bytes(script.content))
        except ValueError:
            continue
        return _neighbour(document, "previousEpisode"), _neighbour(document, "nextEpisode")
    return None, None


def _neighbour(document: object, key: str) -> str | None:
    paths = (("props", "pageProps", part, "series", key, "id") for part in ("aboveTheFoldData", "mainColumnData"))
    return next(filter(None, (optional(text_at, document, *path) for path in paths)), None)


class AutoEpisodeSource:
    """Lists episodes by the first of several sources that can; an EpisodeSource.

    A source that is refused is not asked again. One that fails halfway is followed by the next one from the
    beginning, so an episode may come twice.

    Args:
        sources: by a name for messages, in the order in which they are asked.
    """

    def __init__(self, sources: Mapping[str, EpisodeSource]) -> None:
        self._sources = dict(sources)

    def episodes(self, imdb_id: str, cancel: threading.Event) -> Iterator[tuple[str, str]]:
        problems: list[SourceError] = []
        for name, source in tuple(self._sources.items()):
            try:
                yield from source.episodes(imdb_id, cancel)
            except (NotFound, Cancelled):
                raise
            except SourceError as error:
                problems.append(error)
                if isinstance(error, Blocked) and len(self._sources) > 1:
                    del self._sources[name]
                    _log.warning("%s: %s; episodes are listed by %s", name, _reason(error), " and ".join(self._sources))
            else:
                return
        last = problems.pop()
        raise type((problems or [last])[0])("; ".join([*map(_reason, problems), str(last)])) from last


def _reason(error: SourceError) -> str:
    """The error without the advice behind it, which is for users without another source."""
    return str(error).partition(";")[0]
