"""IMDb's GraphQL server: queries, requests and responses.

The server refuses requests without a ``Referer`` from the site. Users have seen it
refuse bodies of more than about a thousand characters; the query for all fields is
longer than that. So it is sent in full until the server refuses it for its size; then
by its hash, if the server knows that; then the query for the core fields is used,
which has 1,000 characters with 20 ids. Hashes expire, so one that is unknown is
registered again with the full text.

The server answers 200 also when it fails, wholly or in part. Told apart here: a
challenge or refusal in HTML, a persisted query it does not know, a query it cannot
understand, one that is too large, a failure that may pass, and data with holes.

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
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain.chart import ChartName
from domain.errors import Blocked, SourceError, Transient, UnknownLayout
from infrastructure.http import find_block
from infrastructure.scraper.fetcher import Fetcher, Spent
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
  edges { node {
    category { id } name { id nameText { text } }
    ... on Cast { characters { name } attributes { text } }
    ... on Crew { jobs { text } attributes { text } }
  } }
}
"""

_CORE: Final = """
    id
    titleText { text }
    originalTitleText { text }
    titleType { id }
    releaseYear { year endYear }
    ratingsSummary { aggregateRating voteCount }
    runtime { seconds }
    metacritic { metascore { score } }
    titleGenres { genres { genre { text } } }
    plot { plotText { plainText } }
    primaryImage { url }
    certificate { rating }
"""


_LISTS: Final = {
    "keywords": "keywords(FIRST) { EDGES { node { keyword { text { text } } } } }",
    "taglines": "taglines(FIRST) { EDGES { node { text } } }",
    "filmingLocations": "filmingLocations(FIRST) { EDGES { node { text } } }",
    "akas": "akas(FIRST) { EDGES { node { text country { id } language { id } attributes { text } } } }",
    "production": 'companyCredits(FIRST, filter: { categories: ["production"] }) '
    "{ EDGES { node { company { companyText { text } } } } }",
    "directors": 'credits(FIRST, filter: { categories: ["director"] }) { ...People }',
    "cast": 'credits(FIRST, filter: { categories: ["cast"] }) { ...People }',
    "crew": 'credits(FIRST, filter: { excludeCategories: ["director", "cast", "actor", "actress", "self"] }) '
    "{ ...People }",
}
"""The lists of a title that may be longer than one page; FIRST and EDGES are replaced by ``_list``."""


def _list(name: str, first: int | str) -> str:
    edges = "total pageInfo { hasNextPage endCursor } edges"
    return _LISTS[name].replace("FIRST", f"first: {first}").replace("EDGES", edges)


def _first_entries(**counts: int) -> str:
    """The first entries of several lists, each under its name here."""
    listed = {name: _list(name, first) for name, first in counts.items()}
    return " ".join(text if text.startswith(name) else f"{name}: {text}" for name, text in listed.items())


CORE_QUERY: Final = _compact(
    "query Titles($ids: [ID]!) { titles(ids: $ids) {"
    + _CORE
    + """
    releaseDate { day month year }
"""
    + _first_entries(directors=50, cast=18)
    + """
  } }
fragment People on CreditConnection {
  total pageInfo { hasNextPage endCursor }
  edges { node { name { id nameText { text } } ... on Cast { characters { name } } } }
}
"""
)
"""The fields that every layout of a page has; short enough for a server that limits the body."""

TITLES_QUERY: Final = _compact(
    "query Titles($ids: [ID]!) { titles(ids: $ids) {"
    + _CORE
    + """
    releaseDate { day month year country { id } }
    series {
      series { id }
      displayableEpisodeNumber { displayableSeason { season } episodeNumber { episodeNumber } }
    }
    episodes { episodes(first: 0) { total } displayableSeasons(first: 100) { total edges { node { season } } } }
    countriesOfOrigin { countries { id } }
    spokenLanguages { spokenLanguages { id } }
    productionStatus { currentProductionStage { text } }
    isAdult
    productionBudget { budget { amount currency } }
    worldwideGross: rankedLifetimeGross(boxOfficeArea: WORLDWIDE) { total { amount currency } }
    lifetimeGross(boxOfficeArea: DOMESTIC) { total { amount currency } }
    wins: awardNominations(first: 0, filter: { wins: WINS_ONLY }) { total }
    nominationsExcludeWins: awardNominations(first: 0, filter: { wins: EXCLUDE_WINS }) { total }
    prestigiousAwardSummary { wins awardNomination { award { eventEdition { event { id } } } } }
    meterRanking: meterRank { currentRank }
    reviews(first: 0) { total }
    criticReviewsTotal: externalLinks(first: 0, filter: { categories: ["review"] }) { total }
    technicalSpecifications {
      colorations { items { text } } aspectRatios { items { aspectRatio } } soundMixes { items { text } }
    }
"""
    + _first_entries(
        keywords=250, taglines=250, filmingLocations=250, akas=250, production=50, directors=50, cast=18, crew=50
    )
    + "} }"
    + _PEOPLE
)
"""All fields. Cast and crew as far as one page of them goes; the other lists are read to their end."""

LIST_QUERIES: Final[Mapping[str, str]] = {
    name: _compact(
        f"query List($id: ID!, $after: ID) {{ title(id: $id) {{ id list: {_list(name, '250, after: $after')} }} }}"
        + (_PEOPLE if "People" in text else "")
    )
    for name, text in _LISTS.items()
}

EPISODES_QUERY: Final = _compact("""
query Episodes($id: ID!, $after: ID) {
  title(id: $id) {
    id titleText { text } series { series { id titleText { text } } }
    episodes { episodes(first: 250, after: $after) {
      total pageInfo { hasNextPage endCursor } edges { node { id titleText { text } } }
    } }
  }
}
""")

PEOPLE_QUERY: Final = _compact("""
query People($ids: [ID]!) {
  names(ids: $ids) {
    id
    nameText { text }
    birthDate { dateComponents { year month day } }
    deathDate { dateComponents { year month day } }
    birthLocation { text }
    primaryProfessions { category { text } }
    primaryImage { url }
    knownFor(first: 4) { edges { node { title { id } } } }
  }
}
""")

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


class GraphqlQuery(msgspec.Struct, frozen=True):
    """A query with its variables."""

    query: str
    variables: Mapping[str, Any]

    def body(self, *, text: bool = True, digest: bool = False) -> bytes:
        """What to POST.

        Args:
            text: send the text of the query.
            digest: send its hash, so that a server which knows it needs no text, and one which does
                not learns it together with the text.
        """
        body: dict[str, Any] = {"query": self.query} if text else {}
        body["variables"] = self.variables
        if digest:
            sha256 = hashlib.sha256(self.query.encode()).hexdigest()
            body["extensions"] = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
        return json.dumps(body, separators=(",", ":")).encode()


def titles_query(imdb_ids: Sequence[str], *, core: bool = False) -> GraphqlQuery:
    """Ask for several titles at once, with all fields or those that every layout of a page has."""
    return GraphqlQuery(CORE_QUERY if core else TITLES_QUERY, {"ids": list(imdb_ids)})


def list_query(imdb_id: str, name: str, after: str | None) -> GraphqlQuery:
    """Ask for a further page of one of a title's lists, behind the cursor ``after``."""
    return GraphqlQuery(LIST_QUERIES[name], {"id": imdb_id, "after": after})


def episodes_query(imdb_id: str, after: str | None = None) -> GraphqlQuery:
    """Ask for a page of a series' episodes, behind the cursor ``after``."""
    return GraphqlQuery(EPISODES_QUERY, {"id": imdb_id, "after": after})


def people_query(person_ids: Sequence[str]) -> GraphqlQuery:
    """Ask for the details of several people at once."""
    return GraphqlQuery(PEOPLE_QUERY, {"ids": list(person_ids)})


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


class QueryTooLarge(InputRejected):
    """The server refuses the body for its size."""


class ServerFailed(Transient):
    """The server answered that it failed; a smaller query may succeed."""


class GraphqlError(msgspec.Struct, frozen=True):
    """One entry of ``errors``; ``path`` leads to the field it left empty, and is empty if it left all of them."""

    message: str
    code: str = ""
    path: tuple[str | int, ...] = ()


class GraphqlResponse(msgspec.Struct, frozen=True):
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
        QueryTooLarge: the body is too long for the server.
        NotGraphql: something else came.
        InputRejected: an id in the variables is not accepted.
        UnknownLayout: the query is not understood.
    """
    if status in _TOO_LARGE:
        raise QueryTooLarge(f"GraphQL refused the query for its size (status {status})")
    document: object = None
    with suppress(ValueError):
        document = load_json(valid_utf8(body))
    if not isinstance(document, dict) or not ("data" in document or "errors" in document):
        # A 403 with a GraphQL response is an error in the query; with a page in its place it is a block.
        if reason := find_block(status, {}, body):
            raise Blocked(f"GraphQL: {reason}")
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
    if any(_SIZE.search(error.message) for error in errors if not error.path):
        raise QueryTooLarge(f"GraphQL refused the query for its size: {said}")
    if not errors or any(error.code in _OF_THE_QUERY or _is_of_the_query(error) for error in errors):
        raise UnknownLayout(f"GraphQL rejected the query: {said}")
    if any(error.code in _OF_THE_INPUT for error in errors):
        raise InputRejected(f"GraphQL rejected the variables: {said}")
    raise ServerFailed(f"GraphQL failed: {said}")


_TOO_LARGE: Final = frozenset({413, 414, 431})
_SIZE: Final = re.compile(r"too (?:large|long|big|complex|many)|(?:length|size|limit) exceeded|exceeds", re.IGNORECASE)
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
        headers: sent in addition to ``HEADERS``, or in place of them; an empty value leaves one out.
        patient: whether to wait and probe when the server refuses.
    """

    def __init__(
        self, fetcher: Fetcher, url: str, *, headers: Mapping[str, str] | None = None, patient: bool = True
    ) -> None:
        self._fetcher = fetcher
        self._url = url
        self._headers = {name: value for name, value in {**HEADERS, **(headers or {})}.items() if value}
        self._patient = patient
        self._by_hash: set[str] = set()  # queries that the server knows by their hash, and wants so
        self._unknown: set[str] = set()  # those that it does not know by their hash

    def execute(self, query: GraphqlQuery, *, max_requests: int, cancel: threading.Event) -> GraphqlResponse:
        """Send a query; its hash alone where the server refused the text for its size.

        A query that the server wants registered is registered.

        Raises:
            SourceError: the network's, or as ``read_response`` says.
        """
        attempts = [(query.query not in self._by_hash, query.query in self._by_hash), (True, True)]
        with Spent() as spent:
            while True:
                text, digest = attempts.pop(0)
                left = max_requests - spent.requests
                if left <= 0:
                    raise Transient("no request is left to send the query to GraphQL in another form")
                try:
                    response = self._send(query.body(text=text, digest=digest), left, cancel)
                except PersistedQueryMiss as miss:
                    spent.add(miss.requests, miss.size)
                    self._by_hash.discard(query.query)
                    if not attempts or (text and digest):
                        message = "GraphQL takes registered queries only and did not let us register ours"
                        raise UnknownLayout(message) from miss
                    _log.info("%s; sending it again to register it", miss)
                    continue
                except QueryTooLarge as error:
                    tried = query.query not in self._unknown and error.requests < left
                    if not text or query.query in self._by_hash:
                        raise
                    with Spent(error.requests, error.size):
                        found = self._by_its_hash(query, left - error.requests, cancel) if tried else None
                    if found is None:
                        error.requests += tried
                        raise
                    spent.add(error.requests, error.size)
                    response = found
                else:
                    if text and digest:
                        self._by_hash.add(query.query)  # it is registered now
                spent.add(response.requests, response.size)
                return replace(response, requests=spent.requests, size=spent.size)

    def _by_its_hash(self, query: GraphqlQuery, max_requests: int, cancel: threading.Event) -> GraphqlResponse | None:
        """The response to the hash alone; ``None`` where the server does not know it."""
        try:
            response = self._send(query.body(text=False, digest=True), max_requests, cancel)
        except (PersistedQueryMiss, UnknownLayout, ServerFailed):
            self._unknown.add(query.query)
            return None
        self._by_hash.add(query.query)
        _log.info("GraphQL refuses this query for its size and knows it by its hash")
        return response

    def _send(self, body: bytes, max_requests: int, cancel: threading.Event) -> GraphqlResponse:
        page = self._fetcher.post(
            self._url, body, headers=self._headers, max_requests=max_requests, cancel=cancel, patient=self._patient
        )
        with Spent(page.requests, page.size):
            return read_response(page.body, page.status, requests=page.requests, size=page.size)
