"""The GraphQL endpoint: queries are executed by graphql-core against the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from graphql import DocumentNode, GraphQLError, build_schema, execute_sync, parse, validate

from domain.chart import ChartName
from infrastructure.demo import islands
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.titles import DemoTitle

Json: TypeAlias = dict[str, Any]

_CHARTS: Final = {
    "TOP_RATED_MOVIES": ChartName.TOP250,
    "TOP_RATED_TV_SHOWS": ChartName.TOPTV,
    "MOST_POPULAR_MOVIES": ChartName.MOVIEMETER,
    "LOWEST_RATED_MOVIES": ChartName.BOTTOM100,
}
_LABELS: Final = {"director": "Director", "cast": "Cast"}


@dataclass(frozen=True, slots=True)
class _Query:
    """The fields of the schema's ``Query``. Each method is a field; its keyword arguments are the field's."""

    catalogue: DemoCatalogue
    poster_url: Callable[[DemoTitle], str | None]

    def title(self, _info: object, *, id: str) -> Json | None:
        """Gives one title or null."""
        found = self.catalogue.find(id)
        return None if found is None else self._value(found)

    def titles(self, _info: object, *, ids: Sequence[str | None]) -> list[Json | None]:
        """Gives the titles in the order asked: a moved title under its new id, an unknown one with null fields."""
        return [None if imdb_id is None else self.title(_info, id=imdb_id) or {"id": imdb_id} for imdb_id in ids]

    def chartTitles(  # noqa: N802 - the schema's name
        self, _info: object, *, chart: Json, first: int, after: str | None = None
    ) -> Json | None:
        """Gives one page of a chart; null for charts that this site does not have."""
        name = _CHARTS.get(chart["chartType"])
        if name is None:
            return None
        ranked = list(enumerate(self.catalogue.chart(name), 1))
        return _connection(
            ranked,
            lambda place: {"currentRank": place[0], "node": {**self._value(place[1]), "id": place[1].listed_id}},
            first,
            after,
        )

    def _value(self, title: DemoTitle) -> Json:
        poster = self.poster_url(title)
        plot = islands.plot(title)
        if plot and title.plot is not None:
            plot = {"plotText": {"plainText": title.plot, "markdown": title.plot}}
        rank = None if title.rank is None else {"id": f"topRated:{title.imdb_id}", "rank": title.rank}
        value = {
            **islands.common(title, poster),
            "id": title.imdb_id,
            "canonicalUrl": f"https://www.imdb.com/title/{title.imdb_id}/",
            "isAdult": False,
            "meta": {"canonicalId": title.imdb_id},
            "metacritic": None if title.metascore is None else {"metascore": {"score": title.metascore}},
            "plot": plot,
            "titleGenres": {"genres": lambda _info, limit=None: _genres(title)[:limit]},
            "ratingsSummary": {"aggregateRating": title.rating, "voteCount": title.votes, "topRanking": rank},
        }
        value["credits"] = lambda _info, **arguments: _credits(title, value, **arguments)
        return value


def _genres(title: DemoTitle) -> list[Json]:
    return [{"genre": {"id": genre, "genreId": genre, "text": genre}} for genre in title.genres]


def _credits(
    title: DemoTitle, value: Json, *, first: int | None = None, after: str | None = None, filter: Json | None = None
) -> Json:
    wanted = filter or {}
    people: list[tuple[str, Any, tuple[str, ...] | None]] = [
        *(("director", person, None) for person in title.directors),
        *(("cast", role.person, role.characters) for role in title.cast),
    ]
    chosen = [
        {
            "__typename": "Crew" if characters is None else "Cast",
            "category": {"id": category, "text": _LABELS[category]},
            "name": {"id": person.person_id, "nameText": {"text": person.name}},
            "title": value,
            "characters": lambda _info, limit=None, names=characters: _characters(names)[:limit] or None,
        }
        for category, person, characters in people
        if ("categories" not in wanted or category in wanted["categories"])
        and category not in (wanted.get("excludeCategories") or ())
        and (not wanted.get("names") or person.person_id in wanted["names"])
    ]
    return _connection(chosen, lambda credit: {"node": credit}, first, after)


def _characters(names: tuple[str, ...] | None) -> list[Json]:
    return [{"name": name} for name in names or ()]


def _connection(items: Sequence[Any], edge: Callable[[Any], Json], first: int | None, after: str | None) -> Json:
    """A page of a list; cursors are positions, written as text.

    Raises:
        ValueError: the cursor is unknown, or ``first`` is negative.
    """
    start = 0 if after is None else int(after)
    if start < 0 or (first is not None and first < 0):
        raise ValueError("a page cannot start or end before the list does")
    end = len(items) if first is None else min(len(items), start + first)
    edges = [
        {**edge(item), "cursor": str(position), "position": position}
        for position, item in enumerate(items[start:end], start + 1)
    ]
    page = {
        "hasNextPage": end < len(items),
        "hasPreviousPage": start > 0,
        "startCursor": edges[0]["cursor"] if edges else None,
        "endCursor": edges[-1]["cursor"] if edges else None,
    }
    return {"edges": edges, "pageInfo": page, "total": len(items)}


_REFERER: Final = "https://www.imdb.com/"
_DISCLAIMER: Final = "Invented titles of a demo site. The real site limits the use of its data at this place."
_NOT_FOUND: Final = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}


class GraphQLEndpoint:
    """DemoResponses POSTed queries about a catalogue."""

    def __init__(self, catalogue: DemoCatalogue, poster_url: Callable[[DemoTitle], str | None]) -> None:
        self._root = _Query(catalogue, poster_url)
        self._schema = build_schema(Path(__file__).with_name("schema.graphql").read_text("utf-8"))
        self._persisted: dict[str, str] = {}
        self._document = lru_cache(maxsize=64)(self._checked)

    def answer(self, request: DemoRequest, forbidden: DemoResponse) -> DemoResponse:
        """Answers one POST; ``forbidden`` is the response without the Referer that the real site demands."""
        if not request.headers.get("referer", "").startswith(_REFERER):
            return forbidden
        try:
            asked = json.loads(request.body)
            query, variables = asked.get("query"), asked.get("variables") or {}
            digest = (asked.get("extensions") or {}).get("persistedQuery", {}).get("sha256Hash")
        except (ValueError, AttributeError):
            return _failed(400, "The body is not a JSON object.")
        if digest is not None:
            if query is None:
                query = self._persisted.get(digest)
            elif hashlib.sha256(query.encode()).hexdigest() != digest:
                return _failed(400, "provided sha does not match query")
            if query is None:
                return DemoResponse.json({"errors": [_NOT_FOUND]})
            self._persisted[digest] = query
        if not isinstance(query, str):
            return _failed(400, "Must provide query string.")
        return self._execute(query, variables, asked.get("operationName"))

    def _execute(self, query: str, variables: dict[str, Any], operation: str | None) -> DemoResponse:
        try:
            document = self._document(query)
        except GraphQLError as error:
            return _failed(400, error.message)
        result = execute_sync(self._schema, document, self._root, variable_values=variables, operation_name=operation)
        content: dict[str, Any] = {"data": result.data}
        if result.errors:
            content["errors"] = [error.formatted for error in result.errors]
        content["extensions"] = {"disclaimer": _DISCLAIMER, "experimentalFields": {"janet": []}}
        return DemoResponse.json(content, status=400 if result.data is None and result.errors else 200)

    def _checked(self, query: str) -> DocumentNode:
        document = parse(query)
        if errors := validate(self._schema, document):
            raise errors[0]
        return document


def _failed(status: int, message: str) -> DemoResponse:
    return DemoResponse.json({"errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]}, status)
