"""What is asked of IMDb's GraphQL server, and how.

The full query text is sent, never a persisted query's hash alone: hashes expire.
The server refuses requests without a ``Referer`` from the site, and users have
seen it refuse bodies of more than about a thousand characters, so every one counts.

Sources: the schema of api.graphql.imdb.com, where ``titles(ids:)`` answers in the
order asked, a moved title under its new id, an unknown one with null fields; and
https://github.com/duck7000/imdbGraphQLPHP/issues/47 for the length.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.chart import ChartName

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "Accept": "application/graphql+json, application/json",
    "Accept-Language": "en-US",
    "Referer": "https://www.imdb.com/",
    # Titles, certificates and release dates follow these as a page follows its visitor.
    "x-imdb-user-language": "en-US",
    "x-imdb-user-country": "US",
}


def _compact(query: str) -> str:
    """The same query without the blanks that only people need."""
    return re.sub(r" ?([{}():,]) ?", r"\1", " ".join(query.split()))


TITLES_QUERY: Final = _compact("""
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
    directors: credits(first: 10, filter: { categories: ["director"] }) { ...People }
    cast: credits(first: 18, filter: { categories: ["cast"] }) { ...People }
    plot { plotText { plainText } }
    primaryImage { url }
    certificate { rating }
    releaseDate { day month year }
  }
}
fragment People on CreditConnection {
  edges { node { name { id nameText { text } } ... on Cast { characters { name } } } }
}
""")

CHART_QUERY: Final = _compact("""
query Chart($chart: ChartTitleType!, $first: Int!, $after: String) {
  chartTitles(chart: { chartType: $chart }, first: $first, after: $after) {
    edges { currentRank node { id titleText { text } } }
    pageInfo { hasNextPage endCursor }
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
class Request:
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


def titles_request(imdb_ids: Sequence[str]) -> Request:
    """Ask for several titles at once."""
    return Request(TITLES_QUERY, {"ids": list(imdb_ids)})


def chart_request(chart: ChartName, first: int, after: str | None = None) -> Request:
    """Ask for ``first`` places of a chart, behind the cursor ``after``."""
    return Request(CHART_QUERY, {"chart": _CHART_TYPES[chart], "first": first, "after": after})
