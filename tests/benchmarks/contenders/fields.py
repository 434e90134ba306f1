"""What both contenders take out of a page's island, and how both put it into PostgreSQL: plainly."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

MOVIE_COLUMNS = (
    "imdb_id", "title", "original_title", "kind", "year", "rating", "votes", "duration_minutes", "metascore",
    "genres", "plot", "poster_url", "certificate", "release_date", "rank", "source_url", "scraped_at",
)  # fmt: skip
DIRECTOR_GROUP = "ace5cb4c-8708-4238-9542-04641e7c8171"

INSERT_MOVIE = """
    INSERT INTO movies VALUES (%(imdb_id)s, %(title)s, %(original_title)s, %(kind)s, %(year)s, %(rating)s,
    %(votes)s, %(duration_minutes)s, %(metascore)s, %(genres)s, %(plot)s, %(poster_url)s, %(certificate)s,
    %(release_date)s, %(rank)s, %(source_url)s, %(scraped_at)s)
    ON CONFLICT (imdb_id) DO UPDATE SET
    title = EXCLUDED.title, original_title = EXCLUDED.original_title, kind = EXCLUDED.kind, year =
    EXCLUDED.year, rating = EXCLUDED.rating, votes = EXCLUDED.votes, duration_minutes =
    EXCLUDED.duration_minutes, metascore = EXCLUDED.metascore, genres = EXCLUDED.genres, plot = EXCLUDED.plot,
    poster_url = EXCLUDED.poster_url, certificate = EXCLUDED.certificate, release_date = EXCLUDED.release_date,
    rank = EXCLUDED.rank, source_url = EXCLUDED.source_url, scraped_at = EXCLUDED.scraped_at
"""
INSERT_PERSON = (
    "INSERT INTO people VALUES (%(person_id)s, %(name)s) ON CONFLICT (person_id) DO UPDATE SET name = EXCLUDED.name"
)
INSERT_CREDIT = (
    "INSERT INTO credits VALUES (%(imdb_id)s, %(person_id)s, %(category)s, %(position)s, %(characters)s)"
    " ON CONFLICT (imdb_id, person_id, category) DO NOTHING"
)


def chart_ids(island: str) -> list[tuple[int, str]]:
    """Rank and id of every entry of the chart page."""
    chart = json.loads(island)["props"]["pageProps"]["pageData"]["chartTitles"]
    entries = [(edge["currentRank"], edge["node"]["id"]) for edge in chart["edges"]]
    return entries[: int(os.environ["BENCH_LIMIT"])]


def read_title(island: str, rank: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A movie and its credits."""
    props = json.loads(island)["props"]["pageProps"]
    above, main = props["aboveTheFoldData"], props["mainColumnData"]
    date = above.get("releaseDate") or {}
    movie = {
        "imdb_id": above["id"],
        "title": above["titleText"]["text"],
        "original_title": (above.get("originalTitleText") or {}).get("text"),
        "kind": (above.get("titleType") or {}).get("id"),
        "year": (above.get("releaseYear") or {}).get("year"),
        "rating": above["ratingsSummary"]["aggregateRating"],
        "votes": above["ratingsSummary"]["voteCount"],
        "duration_minutes": ((above.get("runtime") or {}).get("seconds") or 0) // 60 or None,
        "metascore": ((above.get("metacritic") or {}).get("metascore") or {}).get("score"),
        "genres": [genre["text"] for genre in above["genres"]["genres"]],
        "plot": ((above.get("plot") or {}).get("plotText") or {}).get("plainText"),
        "poster_url": (above.get("primaryImage") or {}).get("url"),
        "certificate": (above.get("certificate") or {}).get("rating"),
        "release_date": "-".join(f"{date[part]:02}" for part in ("year", "month", "day") if date.get(part)) or None,
        "rank": rank,
        "source_url": f"https://www.imdb.com/title/{above['id']}/",
        "scraped_at": datetime.now(UTC).isoformat(),
    }
    return _storable(movie), [_storable(each) for each in (*_directors(above["id"], main), *_cast(above["id"], main))]


def _storable(record: dict[str, Any]) -> dict[str, Any]:
    """Without the few characters that neither UTF-8 nor PostgreSQL takes; the site has such titles."""
    return {name: _text(value) if isinstance(value, str) else value for name, value in record.items()}


def _text(value: str) -> str:
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _directors(imdb_id: str, main: dict[str, Any]) -> list[dict[str, Any]]:
    people = [
        person
        for group in main.get("crewV2") or []
        if group["grouping"]["groupingId"].endswith(DIRECTOR_GROUP)
        for person in group["credits"]
    ]
    return [_credit(imdb_id, "director", place, person, []) for place, person in enumerate(people, 1)]


def _cast(imdb_id: str, main: dict[str, Any]) -> list[dict[str, Any]]:
    people = [person for group in main.get("castV2") or [] for person in group["credits"]]
    credits = []
    for place, person in enumerate(people, 1):
        roles = [edge["node"] for edge in (person.get("creditedRoles") or {}).get("edges") or []]
        named = [edge["node"]["name"] for role in roles for edge in (role.get("characters") or {}).get("edges") or []]
        credits.append(_credit(imdb_id, "cast", place, person, [_text(name) for name in named]))
    return credits


def _credit(imdb_id: str, category: str, place: int, person: dict[str, Any], characters: list[str]) -> dict[str, Any]:
    return {
        "imdb_id": imdb_id,
        "person_id": person["name"]["id"],
        "name": person["name"]["nameText"]["text"],
        "category": category,
        "position": place,
        "characters": characters,
    }
