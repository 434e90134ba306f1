"""One invented title in both of the site's shapes: as GraphQL answers it and as its page holds it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

_CATEGORY: Final = "amzn1.imdb.concept.name_credit_category."
_DIRECTOR: Final = _CATEGORY + "ace5cb4c-8708-4238-9542-04641e7c8171"


def person(number: int, name: str, *characters: str) -> dict[str, Any]:
    """One line of a GraphQL credits list."""
    node = {"name": {"id": f"nm{number:07d}", "nameText": {"text": name}}}
    return {"node": {**node, "characters": [{"name": role} for role in characters]} if characters else node}


def graphql_title(imdb_id: str = "tt0000001", **changes: Any) -> dict[str, Any]:
    """A title as ``titles(ids:)`` answers it, with every field told."""
    return {
        "id": imdb_id,
        "titleText": {"text": f"The Glass Ferry {imdb_id[-2:]}"},
        "originalTitleText": {"text": "Die gläserne Fähre"},
        "titleType": {"id": "movie"},
        "releaseYear": {"year": 1961},
        "ratingsSummary": {"aggregateRating": 9, "voteCount": 1234},
        "runtime": {"seconds": 6059},
        "metacritic": {"metascore": {"score": 88}},
        "titleGenres": {"genres": [{"genre": {"text": "Drama"}}, {"genre": {"text": "Sci-Fi"}}]},
        "directors": {"edges": [person(1, "Ada Holm")]},
        "cast": {"edges": [person(2, "Bo Lind", "Ferryman", "His Brother"), person(3, "Cy Moe")]},
        "plot": {"plotText": {"plainText": "A ferry & a fog."}},
        "primaryImage": {"url": "https://images.example/glass.jpg"},
        "certificate": {"rating": "PG"},
        "releaseDate": {"day": None, "month": 10, "year": 1961},
    } | changes


def title_page(title: dict[str, Any]) -> bytes:
    """The page of the same title, in the shape of 2026."""
    shared = {key: value for key, value in title.items() if key not in ("directors", "cast", "titleGenres")}
    genres = [{"text": entry["genre"]["text"]} for entry in title["titleGenres"]["genres"]]
    directors = {
        "grouping": {"groupingId": _DIRECTOR},
        "credits": [{"name": edge["node"]["name"]} for edge in title["directors"]["edges"]],
    }
    cast = [
        {
            "name": edge["node"]["name"],
            "creditedRoles": {
                "edges": [{"node": {"characters": {"edges": _nodes(edge["node"].get("characters", []))}}}]
            },
        }
        for edge in title["cast"]["edges"]
    ]
    above = {**shared, "genres": {"genres": genres}, "principalCreditsV2": [directors]}
    main = {"id": title["id"], "crewV2": [directors], "castV2": [{"credits": cast}]}
    return page_of(
        {"props": {"pageProps": {"aboveTheFoldData": above, "mainColumnData": main}}, "page": "/title/[tconst]"}
    )


def page_of(next_data: object) -> bytes:
    """A page that holds nothing but this ``__NEXT_DATA__``."""
    island = json.dumps(next_data)
    return f'<!DOCTYPE html><html><body><script id="__NEXT_DATA__">{island}</script></body></html>'.encode()


def graphql_answer(**data: Any) -> bytes:
    """The body of a GraphQL answer without errors."""
    return json.dumps({"data": data}).encode()


def chart_answer(entries: Iterable[tuple[int, str]], cursor: str | None = None) -> bytes:
    """The body of an answer to ``chartTitles``, with more to come behind ``cursor``."""
    edges = [{"currentRank": rank, "node": {"id": imdb_id}} for rank, imdb_id in entries]
    page_info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return graphql_answer(chartTitles={"edges": edges, "pageInfo": page_info})


def _nodes(items: list[Any]) -> list[dict[str, Any]]:
    return [{"node": item} for item in items]
