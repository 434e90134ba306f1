"""The GraphQL endpoint: queries are executed by graphql-core against the catalogue."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from graphql import DocumentNode, GraphQLError, build_schema, execute_sync, parse, validate

from domain.chart import ChartName
from infrastructure.demo import islands, words
from infrastructure.demo.catalogue import DemoCatalogue
from infrastructure.demo.messages import DemoRequest, DemoResponse
from infrastructure.demo.titles import DemoAka, DemoPerson, DemoTitle, PartialDate

Json: TypeAlias = dict[str, Any]

_CHARTS: Final = {
    "TOP_RATED_MOVIES": ChartName.TOP250,
    "TOP_RATED_TV_SHOWS": ChartName.TOPTV,
    "MOST_POPULAR_MOVIES": ChartName.MOVIEMETER,
    "LOWEST_RATED_MOVIES": ChartName.BOTTOM100,
}


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

    def name(self, _info: object, *, id: str) -> Json | None:
        """Gives one person or null."""
        person = self.catalogue.person(id)
        return None if person is None else self._person(person)

    def names(self, _info: object, *, ids: Sequence[str | None]) -> list[Json | None]:
        """Gives the people in the order asked."""
        return [None if person_id is None else self.name(_info, id=person_id) for person_id in ids]

    def _value(self, title: DemoTitle) -> Json:
        poster = self.poster_url(title)
        plot = islands.plot(title)
        if plot and title.plot is not None:
            plot = {"plotText": {"plainText": title.plot, "markdown": title.plot}}
        rank = None if title.rank is None else {"id": f"topRated:{title.imdb_id}", "rank": title.rank}
        main = islands.main_column(title, poster)
        value = {
            **islands.common(title, poster),
            "id": title.imdb_id,
            "canonicalUrl": f"https://www.imdb.com/title/{title.imdb_id}/",
            "isAdult": title.is_adult,
            "meta": {"canonicalId": title.imdb_id},
            "metacritic": None if title.metascore is None else {"metascore": {"score": title.metascore}},
            "plot": plot,
            "titleGenres": {"genres": lambda _info, limit=None: _genres(title)[:limit]},
            "ratingsSummary": {"aggregateRating": title.rating, "voteCount": title.votes, "topRanking": rank},
            "releaseDate": main["releaseDate"],
            "meterRank": title.popularity_rank and {"currentRank": title.popularity_rank},
            "countriesOfOrigin": _limited(main["countriesDetails"], "countries"),
            "spokenLanguages": _limited(main["spokenLanguages"], "spokenLanguages"),
            "productionStatus": main["productionStatus"],
            "productionBudget": main["productionBudget"],
            "lifetimeGross": lambda _info, **arguments: _gross(title, arguments["boxOfficeArea"]),
            "rankedLifetimeGross": lambda _info, **arguments: _gross(title, arguments["boxOfficeArea"]),
            "prestigiousAwardSummary": _prestigious(main["prestigiousAwardSummary"]),
            "awardNominations": lambda _info, **arguments: _awards(title, **arguments),
            "nominations": {"total": title.award_wins + title.award_nominations, "pageInfo": _NO_PAGES},
            "reviews": {"total": title.user_reviews, "pageInfo": _NO_PAGES},
            "externalLinks": lambda _info, filter=None, **_page: _external_links(title, filter),
            "technicalSpecifications": _with_totals(main["technicalSpecifications"]),
            "series": self._series(title),
            "episodes": self._episodes(title),
            "keywords": _pages(
                title.keywords, lambda text: {"keyword": {"id": text, "text": {"text": text}}, "legacyId": text}
            ),
            "taglines": _pages(title.taglines, lambda text: {"text": text}),
            "filmingLocations": _pages(
                title.locations, lambda text: {"id": f"lc{zlib.crc32(text.encode())}", "text": text, "location": text}
            ),
            "akas": _pages(title.akas, _aka),
            "companyCredits": lambda _info, filter=None, **page: _companies(title, filter, **page),
        }
        value["credits"] = lambda _info, **arguments: _credits(title, value, **arguments)
        return value

    def _series(self, title: DemoTitle) -> Json | None:
        if title.episode is None or (series := self.catalogue.find(title.episode.series_id)) is None:
            return None
        season, number = (
            "unknown" if part is None else str(part) for part in (title.episode.season, title.episode.number)
        )
        return {
            "displayableEpisodeNumber": {
                "displayableSeason": {"id": season, "season": season, "text": season},
                "episodeNumber": {"id": number, "episodeNumber": number, "text": number},
            },
            "series": self._value(series),
        }

    def _episodes(self, title: DemoTitle) -> Json | None:
        if not title.is_series:
            return None
        seasons = [str(season) for season in range(1, len(title.season_sizes) + 1)]
        return {
            "isOngoing": title.end_year is None,
            "displayableSeasons": _pages(seasons, lambda season: {"id": season, "season": season, "text": season}),
            "episodes": lambda _info, filter=None, sort=None, **page: self._episode_page(title, filter, sort, **page),
        }

    def _episode_page(self, title: DemoTitle, filter: Json | None, sort: Json | None, **page: Any) -> Json:
        chosen = [
            episode
            for episode in self.catalogue.episodes(title)
            if _season_is_wanted(episode, (filter or {}).get("includeSeasons"), (filter or {}).get("excludeSeasons"))
        ]
        if sort and sort["by"] == "RATING":
            chosen.sort(key=lambda episode: episode.rating or 0)
        if sort and sort["order"] == "DESC":
            chosen.reverse()
        return _connection(chosen, lambda episode: {"node": self._value(episode)}, **page)

    def _person(self, person: DemoPerson) -> Json:
        details = self.catalogue.details(person)
        known = [title for imdb_id in details.known_for if (title := self.catalogue.find(imdb_id))]
        return {
            "id": person.person_id,
            "nameText": {"text": person.name},
            "birthDate": _date(details.born),
            "deathDate": _date(details.died),
            "deathStatus": "ALIVE" if details.died is None else "DEAD",
            "birthLocation": {"text": details.birth_place},
            "primaryImage": None,
            "primaryProfessions": lambda _info, limit=None: [
                {"category": {"id": profession, "text": profession.capitalize()}} for profession in details.professions
            ][:limit],
            "professions": lambda _info, limit=None: [
                {"id": profession, "profession": {"text": profession.capitalize()}}
                for profession in details.professions
            ][:limit],
            "knownFor": _pages(known, lambda title: {"title": self._value(title)}),
            "knownForV2": lambda _info, limit=None: {
                "credits": [{"name": {"id": person.person_id}, "title": self._value(title)} for title in known][:limit]
            },
        }


_NO_PAGES: Final = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


def _genres(title: DemoTitle) -> list[Json]:
    return [{"genre": {"id": genre, "genreId": genre, "text": genre}} for genre in title.genres]


def _pages(items: Sequence[Any], node: Callable[[Any], Json]) -> Callable[..., Json]:
    """Makes the resolver of a connection."""
    return lambda _info, first=None, after=None: _connection(items, lambda item: {"node": node(item)}, first, after)


def _limited(value: Json | None, name: str) -> Json | None:
    """Makes a list of an object a field with the argument ``limit``."""
    return value and {**value, name: lambda _info, limit=None: value[name][:limit]}


def _with_totals(specifications: Json) -> Json:
    return {
        name: {**part, "total": len(part["items"])} for name, part in specifications.items() if isinstance(part, dict)
    }


def _date(date: PartialDate | None) -> Json | None:
    if date is None:
        return None
    year, month, day = date
    whole = f"{year}-{month:02}-{day:02}" if month and day else None
    return {"date": whole, "dateComponents": {"year": year, "month": month, "day": day}}


def _aka(aka: DemoAka) -> Json:
    return {
        "text": aka.title,
        "country": aka.region and {"id": aka.region, "text": words.COUNTRIES[aka.region]},
        "language": aka.language and {"id": aka.language, "text": words.LANGUAGE_NAMES[aka.language]},
        "attributes": [{"id": attribute, "text": attribute} for attribute in aka.attributes],
    }


def _gross(title: DemoTitle, area: str) -> Json | None:
    money = {"DOMESTIC": title.gross_domestic, "WORLDWIDE": title.gross_worldwide}.get(area)
    return None if money is None else {"total": {"amount": money.amount, "currency": money.currency}}


def _prestigious(summary: Json | None) -> Json | None:
    if summary is None:
        return None
    award = summary["award"]
    edition = {"id": "ee0000001", "event": {**award["event"], "text": "Academy Awards"}}
    nomination = {"id": "an0000001", "award": {**award, "eventEdition": edition}}
    return {**summary, "awardNomination": nomination}


def _awards(title: DemoTitle, *, filter: Json | None = None, **_page: Any) -> Json:
    wins = {"WINS_ONLY": title.award_wins, "EXCLUDE_WINS": title.award_nominations}
    total = wins.get((filter or {}).get("wins") or "", title.award_wins + title.award_nominations)
    return {"total": total, "pageInfo": _NO_PAGES}


def _external_links(title: DemoTitle, filter: Json | None) -> Json:
    reviews = (filter or {}).get("categories") in (None, ["review"])
    return {"total": title.critic_reviews if reviews else 0, "pageInfo": _NO_PAGES}


def _companies(title: DemoTitle, filter: Json | None, **page: Any) -> Json:
    wanted = "production" in ((filter or {}).get("categories") or ["production"])
    category = {"id": "production", "text": "Production Companies"}
    return _connection(
        title.companies if wanted else (),
        lambda name: {
            "node": {
                "category": category,
                "company": {"id": islands.company_id(name), "companyText": {"text": name}},
            }
        },
        **page,
    )


def _season_is_wanted(title: DemoTitle, included: list[str] | None, excluded: list[str] | None) -> bool:
    season = "unknown" if title.episode is None or title.episode.season is None else str(title.episode.season)
    return (included is None or season in included) and season not in (excluded or ())


def _credits(
    title: DemoTitle, value: Json, *, first: int | None = None, after: str | None = None, filter: Json | None = None
) -> Json:
    wanted = filter or {}
    lines: list[tuple[str, DemoPerson, Json]] = [
        *(("director", person, {"__typename": "Crew"}) for person in title.directors),
        *(
            (
                "cast",
                role.person,
                {
                    "__typename": "Cast",
                    "characters": _some([{"name": name} for name in role.characters]),
                    "attributes": _some([_attribute(text) for text in role.attributes]),
                },
            )
            for role in title.cast
        ),
        *(
            (
                credit.category,
                credit.person,
                {
                    "__typename": "Crew",
                    "jobs": _some([{"id": job, "text": job} for job in credit.jobs]),
                    "attributes": _some([_attribute(text) for text in credit.attributes]),
                },
            )
            for credit in title.crew
        ),
    ]
    chosen = [
        {
            **details,
            "category": {"id": category, "text": category.capitalize()},
            "name": {"id": person.person_id, "nameText": {"text": person.name}},
            "title": value,
        }
        for category, person, details in lines
        if (wanted.get("categories") is None or category in wanted["categories"])
        and category not in (wanted.get("excludeCategories") or ())
        and (not wanted.get("names") or person.person_id in wanted["names"])
    ]
    return _connection(chosen, lambda credit: {"node": credit}, first, after)


def _attribute(text: str) -> Json:
    return {"__typename": "MiscellaneousCreditAttribute", "id": text, "text": text}


def _some(items: list[Json]) -> Callable[..., list[Json] | None]:
    """Makes the resolver of a list with the argument ``limit``; an empty list is null."""
    return lambda _info, limit=None: items[:limit] or None


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
    """Answers POSTed queries about a catalogue."""

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
