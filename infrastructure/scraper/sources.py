"""Where charts and titles are read: pages, GraphQL, or pages until the site refuses them and then GraphQL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from application.merge_readings import Reading, merge
from application.ports.sources import FetchedPerson, FetchedTitle, TitleSource
from domain.chart import ChartEntry, ChartName
from domain.errors import Blocked, Cancelled, InvalidMovie, SourceError, Transient, UnknownLayout
from domain.movie import Person, PersonDetails
from infrastructure.http import Page
from infrastructure.scraper.chart_page import CHART_PATHS, parse_chart
from infrastructure.scraper.fetcher import Fetcher, Spent
from infrastructure.scraper.graphql import (
    GraphqlClient,
    InputRejected,
    QueryTooLarge,
    ServerFailed,
    chart_query,
    list_query,
    people_query,
    titles_query,
)
from infrastructure.scraper.graphql_titles import (
    LISTS,
    LengthMismatch,
    TitleNode,
    read_person_details,
    read_stretch,
    read_titles,
    to_title,
    with_credits,
)
from infrastructure.scraper.page_bytes import charset_of
from infrastructure.scraper.title_fields import ParsedTitle
from infrastructure.scraper.title_page import TruncatedPage, parse_title
from infrastructure.scraper.values import FieldAbsent, value_at
from shared.batcher import Batcher
from shared.clock import Clock

_log = logging.getLogger(__name__)
_OF_ONE_TITLE: Final = (InputRejected, LengthMismatch, ServerFailed)  # one bad id may fail a whole query
_MAX_LIST_PAGES: Final = 60  # of 250 entries
_CREDITS: Final = ("directors", "cast", "crew")


class PageChartSource:
    """Reads a chart from its page; a ChartSource.

    Args:
        max_requests: HTTP requests for one chart at most.
        patient: whether to wait and probe when the site refuses; not worth it where another source follows.
    """

    def __init__(self, fetcher: Fetcher, base_url: str, *, max_requests: int, patient: bool = True) -> None:
        self._fetcher = fetcher
        self._base_url = base_url.rstrip("/")
        self._max_requests = max_requests
        self._patient = patient

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        page = self._fetcher.get(
            self._base_url + CHART_PATHS[chart], max_requests=self._max_requests, cancel=cancel, patient=self._patient
        )
        with Spent(page.requests, page.size):
            try:
                entries = parse_chart(page.body)
            except UnknownLayout:
                self._fetcher.unrecognised(page)
                raise
            self._fetcher.recognised(page)
            return entries


class GraphqlChartSource:
    """Reads a chart from the GraphQL server, which may hand it out in several pages; a ChartSource.

    Args:
        max_requests: HTTP requests for each page of the list at most.
        size: places to ask for; the chart's own size unless given.
    """

    def __init__(self, client: GraphqlClient, *, max_requests: int, size: int | None = None) -> None:
        self._client = client
        self._max_requests = max_requests
        self._size = size

    def entries(self, chart: ChartName, cancel: threading.Event) -> tuple[ChartEntry, ...]:
        size = chart.size if self._size is None else self._size
        entries: list[ChartEntry] = []
        cursors: list[str | None] = [None]
        with Spent() as spent:
            while True:
                query = chart_query(chart, size - len(entries), cursors[-1])
                response = self._client.execute(query, max_requests=self._max_requests, cancel=cancel)
                spent.add(response.requests, response.size)
                stretch = read_stretch(response)
                entries.extend(stretch.entries)
                # A stretch without a place, or a cursor that came before, would never end.
                if len(entries) >= size or not stretch.entries or stretch.cursor in (None, *cursors):
                    return tuple(entries)
                cursors.append(stretch.cursor)


class PageTitleSource:
    """Reads a title from its page; a TitleSource.

    Args:
        patient: whether to wait and probe when the site refuses; not worth it where another source follows.
        keep: called with the id and the page of each title.
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
        """Fetch and read one page; a page that is cut off is fetched again while requests are left."""
        url = f"{self._base_url}/title/{imdb_id}/"
        with Spent() as spent:
            while True:
                left = max_requests - spent.requests
                page = self._fetcher.get(url, max_requests=left, cancel=cancel, patient=self._patient)
                spent.add(page.requests, page.size)
                last = spent.requests >= max_requests
                try:
                    parsed = self._parse(page, imdb_id)
                except TruncatedPage as error:
                    if last:
                        raise Transient(f"{imdb_id}: the page is cut off: {error}") from error
                    parsed = None
                except UnknownLayout:
                    self._fetcher.unrecognised(page)
                    raise
                if parsed is not None and (last or not parsed.torn):
                    self._fetcher.recognised(page)
                    if self._keep is not None:
                        self._keep(parsed.movie.imdb_id, page.body)
                    movie, untold, cut = parsed.movie, parsed.untold, parsed.cut
                    return FetchedTitle(movie, "page", untold, cut, size=spent.size, requests=spent.requests)
                _log.info("%s: the page is cut off; fetching it again", imdb_id)

    def _parse(self, page: Page, imdb_id: str) -> ParsedTitle:
        content_type = next((value for name, value in page.headers.items() if name.lower() == "content-type"), "")
        charset = charset_of(content_type)
        now = self._clock.now()
        return parse_title(page.body, imdb_id=imdb_id, scraped_at=now, final_url=page.url, charset=charset)


class _Asked(msgspec.Struct, frozen=True):
    id: str  # of a title or a person
    max_requests: int
    cancel: threading.Event


class GraphqlTitleSource:
    """Reads titles from the GraphQL server, those of many threads in one request; a TitleSource.

    A request counts once for every title in it. A query that the server cannot
    answer is sent again in halves, so that one bad title fails alone. Lists that
    are longer than one page are read to their end. Where the server refuses the
    query for its size, the query for the core fields is used from then on, and
    where it refuses that, smaller batches.

    Args:
        batch_size: titles in one request at most.
        max_concurrency: requests in flight at the same time at most.
    """

    def __init__(self, client: GraphqlClient, clock: Clock, *, batch_size: int, max_concurrency: int = 2) -> None:
        self._client = client
        self._clock = clock
        self._batcher: Batcher[_Asked, FetchedTitle] = Batcher(
            self._flush, max_batch=batch_size, max_concurrency=max_concurrency
        )
        self._most = batch_size  # lowered where the server refuses a batch for its size
        self._core = False

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if max_requests < 1:
            raise Transient(f"{imdb_id}: no request is left to ask GraphQL")
        return self._batcher.submit(_Asked(imdb_id, max_requests, cancel))

    def _flush(self, asked: Sequence[_Asked]) -> list[FetchedTitle | Exception]:
        """Titles that share a cancel event share a request: a wait can then be ended for all of them."""
        results: dict[int, FetchedTitle | Exception] = {}
        for event in {id(one.cancel): one.cancel for one in asked}.values():
            places = [place for place, one in enumerate(asked) if one.cancel is event]
            while places:
                batch, places = places[: self._most], places[self._most :]
                results |= zip(batch, self._read([asked[place] for place in batch], 0, 0), strict=True)
        return [results[place] for place in range(len(asked))]

    def _read(self, asked: Sequence[_Asked], requests: int, size: int) -> list[FetchedTitle | Exception]:
        """One result for each; ``requests`` were spent on each before, and ``size`` on all together."""
        ids = [one.id for one in asked]
        most = min(one.max_requests for one in asked)
        core = self._core
        results: Sequence[TitleNode | SourceError]
        try:
            query = titles_query(ids, core=core)
            response = self._client.execute(query, max_requests=most - requests, cancel=asked[0].cancel)
            requests, size = requests + response.requests, size + response.size
            results = read_titles(response, ids)
        except SourceError as error:
            requests, size = requests + error.requests, size + error.size
            half = len(asked) // 2
            if isinstance(error, QueryTooLarge) and requests < most:
                if not core:
                    if not self._core:  # another thread may have found out before
                        self._core = True
                        _log.warning("%s; only the most important fields are read from it", error)
                    return self._read(asked, requests, size)
                if half:
                    self._most = min(self._most, half)
            if half and requests < most and isinstance(error, _OF_ONE_TITLE):
                _log.info("%s; asking for %d titles again in halves", error, len(asked))
                first = self._read(asked[:half], requests, size // 2)
                return first + self._read(asked[half:], requests, size - size // 2)
            results = [error] * len(asked)
        share, rest = divmod(size, len(asked))
        return [
            self._settled(one, result, requests, share + (place < rest))
            for place, (one, result) in enumerate(zip(asked, results, strict=True))
        ]

    def _settled(
        self, asked: _Asked, result: TitleNode | SourceError, requests: int, size: int
    ) -> FetchedTitle | Exception:
        if isinstance(result, SourceError):
            return _own_error(result, requests, size)
        reader = _ListReader(self._client, asked.max_requests - requests, asked.cancel)
        for name in LISTS.keys() - {"cast", "crew"}:
            reader.read_on(result, name)
        requests, size = requests + reader.spent.requests, size + reader.spent.size
        try:
            title = to_title(result, scraped_at=self._clock.now())
        except InvalidMovie as error:
            error.requests, error.size = requests, size
            return error
        return FetchedTitle(title.movie, "graphql", title.untold, title.cut, size=size, requests=requests)


def _own_error(error: SourceError, requests: int, size: int) -> SourceError:
    """A copy of an error that several threads raise, each of which adds what it had spent before.

    Not by copy.copy: where Dask is imported (tblib teaches it about exceptions) the copies would share
    their attributes.
    """
    own = type(error).__new__(type(error), *error.args)
    own.__dict__ |= error.__dict__
    own.__cause__ = error
    own.requests, own.size = requests, size
    return own


class _ListReader:
    """Reads the further pages of the lists of one title, within a number of requests.

    Attributes:
        spent: what it cost.
    """

    def __init__(self, client: GraphqlClient, budget: int, cancel: threading.Event) -> None:
        self._client = client
        self._budget = budget
        self._cancel = cancel
        self.spent = Spent()

    def read_on(self, title: TitleNode, name: str) -> bool:
        """Read a list to its end; false if a page of it could not be read, which is logged."""
        seen: set[str] = set()
        while (cursor := title.cursor(name)) is not None and cursor not in seen:
            seen.add(cursor)
            if len(seen) > _MAX_LIST_PAGES:
                found = len(title.node[name]["edges"])
                _log.warning("%s: only the first %d of its %s are read", title.imdb_id, found, LISTS[name])
                return False
            if not self.read_page(title, name, cursor):
                return False
        return True

    def read_page(self, title: TitleNode, name: str, cursor: str | None) -> bool:
        """Read one page of a list; whether that was possible."""
        left = self._budget - self.spent.requests
        if left <= 0:
            _log.warning("%s: no request is left for the rest of its %s", title.imdb_id, LISTS[name])
            return False
        query = list_query(title.imdb_id, name, cursor)
        try:
            with self.spent:
                response = self._client.execute(query, max_requests=left, cancel=self._cancel)
            self.spent.add(response.requests, response.size)
            title.add(name, value_at(response.data, "title", "list"))
        except Cancelled:
            raise
        except SourceError as error:
            self.spent = Spent(error.requests, error.size)
            _log.warning("%s: the rest of its %s could not be read: %s", title.imdb_id, LISTS[name], error)
            return False
        except FieldAbsent as error:
            _log.warning("%s: the rest of its %s is not in the response: %s", title.imdb_id, LISTS[name], error)
            return False
        return True


class FullCreditsSource:
    """Reads the complete cast and crew of each title from the GraphQL server; a TitleSource.

    Args:
        titles: where titles are read; a title keeps the credits it has from there if GraphQL fails.
    """

    def __init__(self, titles: TitleSource, client: GraphqlClient) -> None:
        self._titles = titles
        self._client = client

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        found = self._titles.title(imdb_id, max_requests=max_requests, cancel=cancel)
        empty: dict[str, object] = {"edges": [], "pageInfo": None}
        node = TitleNode(found.movie.imdb_id, {name: dict(empty) for name in _CREDITS}, frozenset())
        # Each page of 250 credits is a request of its own; they are not retried by the title's own limit.
        reader = _ListReader(self._client, _MAX_LIST_PAGES * len(_CREDITS), cancel)
        with Spent(found.requests, found.size):
            whole = [name for name in _CREDITS if reader.read_page(node, name, None) and reader.read_on(node, name)]
            movie, doubtful = with_credits(found.movie, node)
        failed = set(_CREDITS) - set(whole)
        told = {name for name in whole if name not in doubtful}
        cut = (found.cut - told) | doubtful | (failed - {"directors"} if failed else set())
        return replace(
            found,
            movie=movie,
            untold=found.untold - told - cut,
            cut=frozenset(cut),
            requests=found.requests + reader.spent.requests,
            size=found.size + reader.spent.size,
        )


class PeopleSource:
    """Reads the details of people by GraphQL, those of many threads in one request; a PersonSource.

    Args:
        batch_size: people in one request at most.
    """

    def __init__(self, client: GraphqlClient, clock: Clock, *, batch_size: int) -> None:
        self._client = client
        self._clock = clock
        self._batcher: Batcher[_Asked, FetchedPerson] = Batcher(self._flush, max_batch=batch_size, max_concurrency=2)

    def person(self, person_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedPerson:
        if max_requests < 1:
            raise Transient(f"{person_id}: no request is left to ask GraphQL")
        return self._batcher.submit(_Asked(person_id, max_requests, cancel))

    def _flush(self, asked: Sequence[_Asked], requests: int = 0, size: int = 0) -> list[FetchedPerson | Exception]:
        """One result for each; ``requests`` were spent on each before, and ``size`` on all together."""
        ids = [one.id for one in asked]
        most = min(one.max_requests for one in asked)
        results: Sequence[tuple[Person, PersonDetails] | SourceError]
        try:
            response = self._client.execute(people_query(ids), max_requests=most - requests, cancel=asked[0].cancel)
            requests, size = requests + response.requests, size + response.size
            results = read_person_details(response, ids, read_at=self._clock.now())
        except SourceError as error:
            requests, size = requests + error.requests, size + error.size
            half = len(asked) // 2
            if half and requests < most and isinstance(error, _OF_ONE_TITLE):
                _log.info("%s; asking for %d people again in halves", error, len(asked))
                first = self._flush(asked[:half], requests, size // 2)
                return first + self._flush(asked[half:], requests, size - size // 2)
            results = [error] * len(asked)
        return [
            _own_error(result, requests, size // len(asked))
            if isinstance(result, SourceError)
            else FetchedPerson(*result, size=size // len(asked), requests=requests)
            for result in results
        ]


class AutoTitleSource:
    """Reads titles from one source until it is refused, and everything after that from the next; a TitleSource.

    Args:
        first: asked first; should not wait when it is blocked.
        second: asked for the rest.
        names: of both, for the message.
        gaps: asked for what is cut in a title of the first; should not wait when it is blocked.
    """

    def __init__(
        self,
        first: TitleSource,
        second: TitleSource,
        names: tuple[str, str] = ("pages", "GraphQL"),
        *,
        gaps: TitleSource | None = None,
    ) -> None:
        self._first = first
        self._second = second
        self._names = names
        self._gaps = gaps
        self._refused = threading.Event()
        self._switch_lock = threading.Lock()

    def title(self, imdb_id: str, *, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        if self._refused.is_set():
            return self._second.title(imdb_id, max_requests=max_requests, cancel=cancel)
        most = max(1, max_requests - 1)  # were all spent on a block, there would be none left for the second
        try:
            found = self._first.title(imdb_id, max_requests=most, cancel=cancel)
        except Blocked as error:
            self._switch(error)
            spent = Spent(error.requests, error.size)
        else:
            return self._without_gaps(found, max_requests, cancel)
        with spent:
            title = self._second.title(imdb_id, max_requests=max_requests - spent.requests, cancel=cancel)
        return replace(title, requests=title.requests + spent.requests, size=title.size + spent.size)

    def _without_gaps(self, title: FetchedTitle, max_requests: int, cancel: threading.Event) -> FetchedTitle:
        """The title with what is cut in it filled from the other source, if that answers at the first request."""
        for most in (1, max_requests - title.requests - 1):
            if not title.cut or self._gaps is None or min(most, max_requests - title.requests) < 1:
                break
            try:
                with Spent(title.requests, title.size):
                    other = self._gaps.title(title.movie.imdb_id, max_requests=most, cancel=cancel)
            except Cancelled:
                raise
            except (SourceError, InvalidMovie) as error:
                _log.info("%s: what is cut could not be read by %s: %s", title.movie.imdb_id, self._names[1], error)
                if isinstance(error, (Blocked, Transient)):
                    self._gaps = None  # it cannot be reached, and another request would cost time again
                return replace(title, requests=error.requests, size=error.size)
            found = _filled(title, other)
            if filled := title.cut - found.cut:
                _log.info("%s: %s read by %s", title.movie.imdb_id, ", ".join(sorted(filled)), self._names[1])
            title = found
            if not title.cut & other.cut & set(LISTS.values()):
                break  # only a list of several pages needs more requests
        return title

    def _switch(self, error: Blocked) -> None:
        with self._switch_lock:
            if not self._refused.is_set():
                self._refused.set()
                reason = str(error).partition(";")[0]  # what follows is advice for users without another source
                first, second = self._names
                _log.warning("title %s are blocked (%s); the rest is read by %s", first, reason, second)


def _filled(title: FetchedTitle, other: FetchedTitle) -> FetchedTitle:
    merged = merge(
        Reading(replace(title.movie, incomplete=tuple(title.cut)), title.missing),
        Reading(replace(other.movie, incomplete=tuple(other.cut)), other.missing),
    )
    cut = frozenset(merged.movie.incomplete or ())
    return replace(
        title,
        movie=merged.movie,
        untold=merged.missing - cut,
        cut=cut,
        requests=title.requests + other.requests,
        size=title.size + other.size,
    )
