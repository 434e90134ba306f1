"""The GraphQL endpoint: queries are executed by graphql-core against the catalogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from graphql import DocumentNode, GraphQLError, build_schema, execute_sync, parse, validate

from domain.chart import ChartName
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.islands import OSCAR_EVENT, Json, title_props
from infrastructure.demo.messages import FORBIDDEN, DemoRequest, DemoResponse
from infrastructure.demo.titles import DemoAka, DemoCredit, DemoEpisode, DemoPerson, DemoTitle, PartialDate

_CHARTS: Final = {
    "TOP_RATED_MOVIES": ChartName.TOP250,
    "TOP_RATED_TV_SHOWS": ChartName.TOPTV,
    "MOST_POPULAR_MOVIES": ChartName.MOVIEMETER,
    "LOWEST_RATED_MOVIES": ChartName.BOTTOM100,
}


class _TitleFields(SimpleNamespace):
    """Values and resolvers of a title's fields; the other fields are in the islands of its page."""

    islands: Callable[[], Json]

    def __getattr__(self, name: str) -> Any:
        return self.islands().get(name)


class _Query(msgspec.Struct, frozen=True):
    """The fields of the schema's ``Query``. Each method is a field; its keyword arguments are the field's."""

    catalogue: DemoCatalogue
    poster_url: Callable[[DemoTitle], str | None]

    def title(self, _info: object, *, id: str) -> _TitleFields | None:
        """Gives one title or null."""
        found = self.catalogue.find(id)
        return None if found is None else self._value(found)

    def titles(self, _info: object, *, ids: Sequence[str | None]) -> list[_TitleFields | Json | None]:
        """Gives the titles in the requested order: a moved title under its new id, an unknown one with null fields."""
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
            lambda place: {"currentRank": place[0], "node": self._value(place[1], place[1].listed_id)},
            first,
            after,
        )

    def names(self, _info: object, *, ids: Sequence[str | None]) -> list[Json | None]:
        """Gives the people in the requested order."""
        people = (person_id and self.catalogue.person(person_id) for person_id in ids)
        return [self._person(person) if person else None for person in people]

    def _value(self, title: DemoTitle, listed_id: str | None = None) -> _TitleFields:
        return _TitleFields(
            islands=cache(lambda: self._islands(title)),
            id=listed_id or title.imdb_id,
            meterRank=title.popularity_rank and {"currentRank": title.popularity_rank},
            lifetimeGross=partial(_gross, title),
            rankedLifetimeGross=partial(_gross, title),
            prestigiousAwardSummary=partial(_prestigious, title),
            awardNominations=partial(_awards, title),
            externalLinks=partial(_external_links, title),
            series=title.episode and self._series(title.episode),
            episodes=self._episodes(title),
            keywords=_pages(title.keywords, lambda text: {"keyword": {"text": {"text": text}}}),
            taglines=_pages(title.taglines, lambda text: {"text": text}),
            filmingLocations=_pages(title.locations, lambda text: {"text": text}),
            akas=_pages(title.akas, _aka),
            companyCredits=partial(_companies, title),
            credits=partial(_credits, title),
        )

    def _islands(self, title: DemoTitle) -> Json:
        page = title_props(title, self.poster_url(title))
        return {**page["aboveTheFoldData"], **page["mainColumnData"]}

    def _series(self, episode: DemoEpisode) -> Json:
        number = {
            "displayableSeason": {"season": _or_unknown(episode.season)},
            "episodeNumber": {"episodeNumber": _or_unknown(episode.number)},
        }
        return {"displayableEpisodeNumber": number, "series": self._value(episode.series)}

    def _episodes(self, title: DemoTitle) -> Json | None:
        if not title.is_series:
            return None
        seasons = [str(season) for season in range(1, len(title.season_sizes) + 1)]
        return {
            "displayableSeasons": _pages(seasons, lambda season: {"season": season}),
            "episodes": partial(self._episode_page, title),
        }

    def _episode_page(self, title: DemoTitle, _info: object, *, filter: Json | None = None, **page: Any) -> Json:
        included = (filter or {}).get("includeSeasons")
        chosen = [
            episode
            for episode in self.catalogue.episodes(title)
            if included is None or (episode.episode and _or_unknown(episode.episode.season) in included)
        ]
        return _connection(chosen, lambda episode: {"node": self._value(episode)}, **page)

    def _person(self, person: DemoPerson) -> Json:
        details = self.catalogue.details(person)
        known = [title for imdb_id in details.known_for if (title := self.catalogue.find(imdb_id))]
        return {
            "id": person.person_id,
            "nameText": {"text": person.name},
            "birthDate": _date(details.born),
            "deathDate": _date(details.died),
            "birthLocation": {"text": details.birth_place},
            "primaryImage": None,
            "primaryProfessions": [
                {"category": {"id": profession, "text": profession.capitalize()}} for profession in details.professions
            ],
            "knownFor": _pages(known, lambda title: {"title": self._value(title)}),
        }


def _pages(items: Sequence[Any], node: Callable[[Any], Json]) -> Callable[..., Json]:
    """Makes the resolver of a connection."""
    return lambda _info, first=None, after=None: _connection(items, lambda item: {"node": node(item)}, first, after)


def _date(date: PartialDate | None) -> Json | None:
    if date is None:
        return None
    year, month, day = date
    return {"dateComponents": {"year": year, "month": month, "day": day}}


def _aka(aka: DemoAka) -> Json:
    return {
        "text": aka.title,
        "country": aka.region and {"id": aka.region},
        "language": aka.language and {"id": aka.language},
        "attributes": [{"text": attribute} for attribute in aka.attributes],
    }


def _or_unknown(number: int | None) -> str:
    return "unknown" if number is None else str(number)


# Resolvers of fields with arguments.


def _gross(title: DemoTitle, _info: object, *, boxOfficeArea: str) -> Json | None:  # noqa: N803 - the schema's name
    money = {"DOMESTIC": title.gross_domestic, "WORLDWIDE": title.gross_worldwide}.get(boxOfficeArea)
    return None if money is None else {"total": {"amount": money.amount, "currency": money.currency}}


def _prestigious(title: DemoTitle, _info: object) -> Json | None:
    if title.oscar_wins is None:
        return None
    return {"wins": title.oscar_wins, "awardNomination": {"award": {"eventEdition": {"event": {"id": OSCAR_EVENT}}}}}


def _awards(title: DemoTitle, _info: object, *, filter: Json | None = None, **_page: Any) -> Json:
    wins = {"WINS_ONLY": title.award_wins, "EXCLUDE_WINS": title.award_nominations}
    total = wins.get((filter or {}).get("wins") or "", title.award_wins + title.award_nominations)
    return {"total": total}


def _external_links(title: DemoTitle, _info: object, *, filter: Json | None = None, **_page: Any) -> Json:
    reviews = (filter or {}).get("categories") in (None, ["review"])
    return {"total": title.critic_reviews if reviews else 0}


def _companies(title: DemoTitle, _info: object, *, filter: Json | None = None, **page: Any) -> Json:
    wanted = "production" in ((filter or {}).get("categories") or ["production"])
    companies = title.companies if wanted else ()
    return _connection(companies, lambda name: {"node": {"company": {"companyText": {"text": name}}}}, **page)


def _credits(title: DemoTitle, _info: object, *, filter: Json | None = None, **page: Any) -> Json:
    wanted = filter or {}
    chosen = [
        credit
        for credit in title.credits
        if (wanted.get("categories") is None or credit.category in wanted["categories"])
        and credit.category not in (wanted.get("excludeCategories") or ())
    ]
    return _connection(chosen, _credit, **page)


def _credit(credit: DemoCredit) -> Json:
    attributes = [{"__typename": "MiscellaneousCreditAttribute", "text": text} for text in credit.attributes]
    node = {
        "__typename": "Cast" if credit.category == "cast" else "Crew",
        "category": {"id": credit.category, "text": credit.category.capitalize()},
        "name": {"id": credit.person.person_id, "nameText": {"text": credit.person.name}},
        "characters": [{"name": name} for name in credit.characters] or None,
        "jobs": [{"text": job} for job in credit.jobs] or None,
        "attributes": attributes or None,
    }
    return {"node": node}


def _connection(
    items: Sequence[Any], edge: Callable[[Any], Json], first: int | None = None, after: str | None = None
) -> Json:
    """A page of a list; cursors are positions, written as text.

    Raises:
        ValueError: the cursor is unknown, or ``first`` is negative.
    """
    start = 0 if after is None else int(after)
    if start < 0 or (first is not None and first < 0):
        raise ValueError("a page cannot start or end before the list does")
    end = len(items) if first is None else min(len(items), start + first)
    edges = [{**edge(item), "position": position} for position, item in enumerate(items[start:end], start + 1)]
    page = {"hasNextPage": end < len(items), "endCursor": str(end) if edges else None}
    return {"edges": edges, "pageInfo": page, "total": len(items)}


_REFERER: Final = "https://www.imdb.com/"
_DISCLAIMER: Final = "Invented titles of a demo site. The real site limits the use of its data at this place."
_NOT_FOUND: Final = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}


class GraphQLEndpoint:
    """Answers POSTed queries about a catalogue."""

    def __init__(self, catalogue: DemoCatalogue, poster_url: Callable[[DemoTitle], str | None]) -> None:
        self._root = _Query(catalogue, poster_url)
        self._schema = build_schema(Path(__file__).with_name("schema.graphql").read_text("utf-8"))
        self._persisted: dict[str, str] = {}
        self._document = lru_cache(maxsize=64)(self._checked)

    def answer(self, request: DemoRequest) -> DemoResponse:
        """Answers one POST; without the Referer that the real site requires, it is forbidden."""
        if not request.headers.get("referer", "").startswith(_REFERER):
            return FORBIDDEN
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
