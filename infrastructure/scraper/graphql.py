"""IMDb's GraphQL server: queries, requests and responses.

The full query text is sent, never a persisted query's hash alone: hashes expire.
The server refuses requests without a ``Referer`` from the site, and users have
seen it refuse bodies of more than about a thousand characters, so every one counts.
It answers 200 also when it fails, wholly or in part. Told apart here: a challenge or
refusal in HTML, a persisted query it does not know, a query it cannot understand, a
failure that may pass, and data with holes.

Sources: the schema of api.graphql.imdb.com, where ``titles(ids:)`` answers in the
order asked, a moved title under its new id, an unknown one with null fields;
https://github.com/duck7000/imdbGraphQLPHP/issues/47 for the length;
https://spec.graphql.org/October2021/#sec-Response-Format
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from domain.chart import ChartName
from domain.errors import Blocked, SourceError, Transient, UnknownLayout
from infrastructure.http import find_block
from infrastructure.scraper.fetcher import Fetcher, charged
from infrastructure.scraper.page_bytes import load_json, valid_utf8

_log = logging.getLogger(__name__)

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "Accept": "application/graphql+json, application/json",
    "Accept-Language": "en-US",
    "Referer": "https://www.imdb.com/",
    # Titles, certificates and release dates follow these as a page follows its visitor.
    "x-imdb-user-language": "en-US",
    "x-imdb-user-country": "US",
}


# Queries


def _compact(query: str) -> str:
    """The same query without the blanks that only people need."""
    return re.sub(r" ?([{}():,]) ?", r"\1", " ".join(query.split()))


_PEOPLE: Final = """
fragment People on CreditConnection {
  total pageInfo { hasNextPage endCursor }
  edges { node { name { id nameText { text } } ... on Cast { characters { name } attributes { text } } } }
}
"""

TITLES_QUERY: Final = _compact(
    """
query Titles($ids: [ID]!) {
  titles(ids: $ids) {
    id
    titleText { text }
    originalTitleText { text }
    titleType { id }
    releaseYear { year }
    ratingsSummary { aggregateRating voteCount }
    runtime { seconds }
    metacritic { metascore { score } }
    titleGenres { genres { genre { text } } }
    directors: credits(first: 50, filter: { categories: ["director"] }) { ...People }
    cast: credits(first: 18, filter: { categories: ["cast"] }) { ...People }
    plot { plotText { plainText } }
    primaryImage { url }
    certificate { rating }
    releaseDate { day month year }
  }
}
"""
    + _PEOPLE
)

CREDITS_QUERY: Final = _compact(
    """
query Credits($id: ID!, $categories: [ID], $first: Int!, $after: ID) {
  title(id: $id) {
    id
    credits(first: $first, after: $after, filter: { categories: $categories }) { ...People }
  }
}
"""
    + _PEOPLE
)

CHART_QUERY: Final = _compact("""
query Chart($chart: ChartTitleType!, $first: Int!, $after: String) {
  chartTitles(chart: { chartType: $chart }, first: $first, after: $after) {
    edges { currentRank node { id titleText { text } } }
    pageInfo { hasNextPage endCursor }
    total
  }
}
""")

_CHART_TYPES: Final = {
    ChartName.TOP250: "TOP_RATED_MOVIES",
    ChartName.TOPTV: "TOP_RATED_TV_SHOWS",
    ChartName.MOVIEMETER: "MOST_POPULAR_MOVIES",
    ChartName.BOTTOM100: "LOWEST_RATED_MOVIES",
}


@dataclass(frozen=True, slots=True)
class GraphqlQuery:
    """A query with its variables."""

    query: str
    variables: Mapping[str, Any]

    def body(self, *, register: bool = False) -> bytes:
        """What to POST.

        Args:
            register: send the query's hash along, so that a server which takes
                registered queries only learns this one.
        """
        body: dict[str, Any] = {"query": self.query, "variables": self.variables}
        if register:
            digest = hashlib.sha256(self.query.encode()).hexdigest()
            body["extensions"] = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
        return json.dumps(body, separators=(",", ":")).encode()


def titles_query(imdb_ids: Sequence[str]) -> GraphqlQuery:
    """Ask for several titles at once."""
    return GraphqlQuery(TITLES_QUERY, {"ids": list(imdb_ids)})


def credits_query(imdb_id: str, category: str, first: int, after: str | None) -> GraphqlQuery:
    """Ask for ``first`` credits of one category, behind the cursor ``after``."""
    return GraphqlQuery(CREDITS_QUERY, {"id": imdb_id, "categories": [category], "first": first, "after": after})


def chart_query(chart: ChartName, first: int, after: str | None = None) -> GraphqlQuery:
    """Ask for ``first`` places of a chart, behind the cursor ``after``."""
    return GraphqlQuery(CHART_QUERY, {"chart": _CHART_TYPES[chart], "first": first, "after": after})


# Responses


class PersistedQueryMiss(SourceError):
    """The server takes registered queries only and does not know this one (status 200 or 400)."""


class NotGraphql(UnknownLayout):
    """What came is no GraphQL response at all."""


class InputRejected(UnknownLayout):
    """The server understands the query, but not its variables; with fewer of them it may."""


class ServerFailed(Transient):
    """The server answered that it failed; a smaller query may succeed."""


@dataclass(frozen=True, slots=True)
class GraphqlError:
    """One entry of ``errors``; ``path`` leads to the field it left empty, and is empty if it left all of them."""

    message: str
    code: str = ""
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphqlResponse:
    """The data, what is wrong with parts of it, and what it cost.

    Attributes:
        data: the value of ``data``.
        errors: the entries of ``errors``.
        requests: HTTP requests spent.
        size: body bytes over the wire.
    """

    data: Mapping[str, Any]
    errors: tuple[GraphqlError, ...] = ()
    requests: int = 0
    size: int = 0

    def errors_at(self, *path: str | int) -> tuple[GraphqlError, ...]:
        """The errors at this field or below it."""
        return tuple(error for error in self.errors if error.path[: len(path)] == path)


def read_response(body: bytes, status: int = 200, *, requests: int = 0, size: int = 0) -> GraphqlResponse:
    """Read the body of a response.

    Raises:
        Blocked: a challenge or a refusal, as HTML.
        PersistedQueryMiss: the query has to be registered.
        ServerFailed: it may work later.
        NotGraphql: something else came.
        InputRejected: an id in the variables is not accepted.
        UnknownLayout: the query is not understood.
    """
    if reason := find_block(status, {}, body):
        raise Blocked(f"GraphQL: {reason}")
    document: object = None
    with suppress(ValueError):
        document = load_json(valid_utf8(body))
    if not isinstance(document, dict) or not ("data" in document or "errors" in document):
        start = body[:60].decode(errors="replace").strip()
        raise NotGraphql(f"GraphQL answered with status {status} and no GraphQL response: {start!r}")
    errors = tuple(_errors(document.get("errors")))
    for error in errors:
        if error.code == "PERSISTED_QUERY_NOT_FOUND" or "persistedquerynotfound" in error.message.lower():
            raise PersistedQueryMiss(f"GraphQL does not know this persisted query: {error.message}")
    data = document.get("data")
    if isinstance(data, dict) and any(value is not None for value in data.values()):
        return GraphqlResponse(data, errors, requests, size)
    said = "; ".join(error.message for error in errors[:3]) or "there is no data and no error in it"
    if not errors or any(error.code in _OF_THE_QUERY or _is_of_the_query(error) for error in errors):
        raise UnknownLayout(f"GraphQL rejected the query: {said}")
    if any(error.code in _OF_THE_INPUT for error in errors):
        raise InputRejected(f"GraphQL rejected the variables: {said}")
    raise ServerFailed(f"GraphQL failed: {said}")


_OF_THE_QUERY: Final = frozenset({"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"})
_OF_THE_INPUT: Final = frozenset({"BAD_USER_INPUT", "BAD_REQUEST"})


def _is_of_the_query(error: GraphqlError) -> bool:
    """Whether it names a mistake in the query, for servers that give no code."""
    text = error.message.lower()
    return not error.path and any(mark in text for mark in ("cannot query field", "unknown argument", "syntax error"))


def _errors(listed: object) -> Iterator[GraphqlError]:
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict):
            continue
        path = entry.get("path")
        extensions = entry.get("extensions")
        code = extensions.get("code") if isinstance(extensions, dict) else None
        yield GraphqlError(
            " ".join(str(entry.get("message", "an error without a message")).split())[:300],
            str(code or ""),
            tuple(step for step in path if isinstance(step, str | int)) if isinstance(path, list) else (),
        )


# Requests


class GraphqlClient:
    """Sends queries to the GraphQL server. Safe to share between threads.

    Args:
        fetcher: the network.
        url: of the server.
        patient: whether to wait and probe when the server refuses.
    """

    def __init__(self, fetcher: Fetcher, url: str, *, patient: bool = True) -> None:
        self._fetcher = fetcher
        self._url = url
        self._patient = patient

    def execute(self, query: GraphqlQuery, *, max_requests: int, cancel: threading.Event) -> GraphqlResponse:
        """Send the full query; if the server wants it registered, register it.

        Raises:
            SourceError: the network's, or as ``read_response`` says.
        """
        try:
            return self._send(query, register=False, max_requests=max_requests, cancel=cancel)
        except PersistedQueryMiss as miss:
            _log.info("%s; sending it again to register it", miss)
            left = max_requests - miss.requests
            with charged(miss.requests, miss.size):
                if left < 1:
                    raise Transient(f"{miss}; no request is left to register it") from miss
                try:
                    return self._send(query, register=True, max_requests=left, cancel=cancel)
                except PersistedQueryMiss as again:
                    refused = UnknownLayout("GraphQL takes registered queries only and did not let us register ours")
                    refused.requests, refused.size = again.requests, again.size
                    raise refused from again

    def _send(
        self, query: GraphqlQuery, *, register: bool, max_requests: int, cancel: threading.Event
    ) -> GraphqlResponse:
        page = self._fetcher.post(
            self._url,
            query.body(register=register),
            headers=HEADERS,
            max_requests=max_requests,
            cancel=cancel,
            patient=self._patient,
        )
        with charged(page.requests, page.size):
            return read_response(page.body, page.status, requests=page.requests, size=page.size)
