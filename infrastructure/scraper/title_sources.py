"""Where one title can be read: its page, the GraphQL server, or the first until it refuses and then the second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from application.ports import FetchedTitle, TitleSource
from domain.errors import Blocked, InvalidMovie, SourceError, Transient, UnknownLayout
from infrastructure.scraper.fetcher import Fetcher, charged
from infrastructure.scraper.graphql import titles_request
from infrastructure.scraper.graphql_answer import BadInput, ServerFailed
from infrastructure.scraper.graphql_client import GraphqlClient
from infrastructure.scraper.graphql_titles import GraphqlTitle, OtherLength, read_titles
from infrastructure.scraper.title_page import parse_title
from shared.batcher import Batcher
from shared.clock import Clock

_log = logging.getLogger(__name__)
_OF_ONE_TITLE: Final = (BadInput, OtherLength, ServerFailed)  # perhaps: it may take one bad id to fail a whole question


class PageTitleSource:
    """Reads a title from its page; a TitleSource.

    Args:
        fetcher: the network.
        base_url: of the site.
        clock: what o'clock a page was read.
        patient: whether to wait and probe when the site refuses; not worth it where another source follows.
        keep: is handed each page that held a title, with the title's id.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        base_url: str,
        clock: Clock,
        *,
        patient: bool = True,
        keep: Callable[[str, bytes], object] | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._patient = patient
        self._keep = keep

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        url = f"{self._base_url}/title/{imdb_id}/"
        page = self._fetcher.get(url, max_requests=max_requests, cancel=cancel, patient=self._patient)
        with charged(page.requests, page.size):
            try:
                parsed = parse_title(page.body, imdb_id=imdb_id, scraped_at=self._clock.now(), final_url=page.url)
            except UnknownLayout:
                self._fetcher.unrecognised(page)
                raise
            self._fetcher.recognised(page)
            if self._keep is not None:
                self._keep(parsed.movie.imdb_id, page.body)
        return FetchedTitle(parsed.movie, "page", parsed.missing, size=page.size, requests=page.requests)


@dataclass(frozen=True, slots=True)
class _Asked:
    imdb_id: str
    max_requests: int
    cancel: threading.Event


class GraphqlTitleSource:
    """Reads titles from the GraphQL server, those of many threads in one request; a TitleSource.

    A request counts once for every title in it. A question that the server
    cannot answer is asked again in halves, so that one bad title fails alone.

    Args:
        client: the server.
        clock: what o'clock an answer was read.
        batch_size: titles in one request at most.
        lanes: requests under way at the same time at most.
    """

    def __init__(self, client: GraphqlClient, clock: Clock, *, batch_size: int, lanes: int = 2) -> None:
        self._client = client
        self._clock = clock
        self._batcher: Batcher[_Asked, FetchedTitle] = Batcher(self._flush, max_batch=batch_size, lanes=lanes)

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if max_requests < 1:
            raise Transient(f"{imdb_id}: no request is left to ask GraphQL")
        return self._batcher.submit(_Asked(imdb_id, max_requests, cancel))

    def _flush(self, asked: Sequence[_Asked]) -> list[FetchedTitle | Exception]:
        """Titles that share a cancel event share a request: a wait can then be ended for all of them."""
        events = {id(one.cancel): one.cancel for one in asked}
        if len(events) == 1:
            return self._read(asked, 0, 0)
        results: dict[int, FetchedTitle | Exception] = {}
        for event in events.values():
            places = [place for place, one in enumerate(asked) if one.cancel is event]
            results |= zip(places, self._read([asked[place] for place in places], 0, 0), strict=True)
        return [results[place] for place in range(len(asked))]

    def _read(self, asked: Sequence[_Asked], requests: int, size: int) -> list[FetchedTitle | Exception]:
        """One result for each; ``requests`` were spent on each before, and ``size`` on all together."""
        ids = [one.imdb_id for one in asked]
        most = min(one.max_requests for one in asked)
        results: Sequence[GraphqlTitle | SourceError | InvalidMovie]
        try:
            reply = self._client.ask(titles_request(ids), max_requests=most - requests, cancel=asked[0].cancel)
            requests, size = requests + reply.requests, size + reply.size
            results = read_titles(reply.answer, ids, scraped_at=self._clock.now())
        except SourceError as error:
            requests, size = requests + error.requests, size + error.size
            half = len(asked) // 2
            if half and requests < most and isinstance(error, _OF_ONE_TITLE):
                _log.info("%s; asking for %d titles again in halves", error, len(asked))
                first = self._read(asked[:half], requests, size // 2)
                return first + self._read(asked[half:], requests, size - size // 2)
            results = [error] * len(asked)
        share, rest = divmod(size, len(asked))
        return [_settled(result, requests, share + (place < rest)) for place, result in enumerate(results)]


def _settled(result: GraphqlTitle | SourceError | InvalidMovie, requests: int, size: int) -> FetchedTitle | Exception:
    if isinstance(result, GraphqlTitle):
        return FetchedTitle(result.movie, "graphql", result.missing, size=size, requests=requests)
    # Several threads raise it, and each adds what it had spent before. Not by copy.copy: where Dask is imported (tblib
    # teaches it about exceptions) the copies would share their attributes.
    own = type(result).__new__(type(result), *result.args)
    own.__dict__ |= result.__dict__
    own.__cause__ = result
    own.requests, own.size = requests, size
    return own


class AutoTitleSource:
    """Reads pages until the site refuses them, and everything after that by GraphQL; a TitleSource.

    Args:
        pages: asked first; should not wait when it is blocked.
        graphql: asked for the rest.
    """

    def __init__(self, pages: TitleSource, graphql: TitleSource) -> None:
        self._pages = pages
        self._graphql = graphql
        self._refused = threading.Event()
        self._saying = threading.Lock()

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if self._refused.is_set():
            return self._graphql.title(imdb_id, max_requests=max_requests, cancel=cancel)
        most = max(1, max_requests - 1)  # were all spent on a block, there would be none left for GraphQL
        try:
            return self._pages.title(imdb_id, max_requests=most, cancel=cancel)
        except Blocked as error:
            self._switch(error)
            spent, size = error.requests, error.size
        with charged(spent, size):
            title = self._graphql.title(imdb_id, max_requests=max_requests - spent, cancel=cancel)
        return replace(title, requests=title.requests + spent, size=title.size + size)

    def _switch(self, error: Blocked) -> None:
        with self._saying:
            if not self._refused.is_set():
                self._refused.set()
                reason = str(error).partition(";")[0]  # what follows is advice for those who have no other way
                _log.warning("title pages are blocked (%s); the rest is read by GraphQL", reason)
