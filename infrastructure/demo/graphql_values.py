"""Catalogue titles as the values that graphql-core's default resolver walks over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from domain.chart import ChartName
from infrastructure.demo import next_data
from infrastructure.demo.catalogue import Catalogue
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
class Root:
    """The fields of ``Query``. Every method is a field; its keyword arguments are the field's."""

    catalogue: Catalogue
    poster_url: Callable[[DemoTitle], str | None]

    def title(self, _info: object, *, id: str) -> Json | None:
        """One title, or null."""
        found = self.catalogue.find(id)
        return None if found is None else self._value(found)

    def titles(self, _info: object, *, ids: Sequence[str | None]) -> list[Json | None]:
        """In the order asked: a moved title under its new id, an unknown one with null fields."""
        return [None if imdb_id is None else self.title(_info, id=imdb_id) or {"id": imdb_id} for imdb_id in ids]

    def chartTitles(  # noqa: N802 - the schema's name
        self, _info: object, *, chart: Json, first: int, after: str | None = None
    ) -> Json | None:
        """A chart, page by page; null for the charts that this site has not."""
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
        plot = next_data.plot(title)
        if plot and title.plot is not None:
            plot = {"plotText": {"plainText": title.plot, "markdown": title.plot}}
        rank = None if title.rank is None else {"id": f"topRated:{title.imdb_id}", "rank": title.rank}
        value = {
            **next_data.common(title, poster),
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
        ValueError: the cursor is none of ours, or ``first`` is negative.
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
