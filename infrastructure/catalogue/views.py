"""A movie as the templates need it: every value is text already, missing ones are empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from application.chart_changes import ChartPosition
from application.ports import Poster
from domain.movie import Movie
from infrastructure.catalogue import formats

POSTERS = "posters"


@dataclass(frozen=True, slots=True)
class Source:
    """One ``<source>`` or ``<img>``: candidates as (path, width), smallest first."""

    type: str
    candidates: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A poster: the sources a browser chooses from, the last of them for all."""

    width: int
    height: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A film in a list. ``data`` are the attributes that the script sorts and filters by."""

    href: str
    title: str
    year: str = ""
    length: str = ""
    genres: str = ""
    rating: str = ""
    votes: str = ""
    metascore: str = ""
    picture: Picture | None = None
    rank: str = ""
    move: str = ""
    move_kind: str = ""
    move_words: str = ""
    data: Mapping[str, str | int | float] = field(default_factory=dict)


def picture(poster: Poster) -> Picture:
    """The poster as the templates show it."""
    by_format: dict[str, list[tuple[str, int]]] = {}
    for file in poster.files:
        by_format.setdefault(file.format, []).append((f"{POSTERS}/{file.path.name}", file.width))
    full = poster.files[0]
    sources = [
        Source(f"image/{kind}", tuple(sorted(found, key=lambda candidate: candidate[1])))
        for kind, found in sorted(by_format.items(), key=lambda item: item[0] != "webp")
    ]
    return Picture(full.width, full.height, tuple(sources))


def card(movie: Movie, path: str, poster: Picture | None, standing: ChartPosition | None = None) -> Card:
    """A film's card; with a standing it shows rank and movement."""
    move, kind, words = _movement(standing)
    data: dict[str, str | int | float | None] = {
        "title": formats.searchable(movie.title),
        "text": formats.searchable(" ".join(_words(movie))),
        "genres": "|".join(movie.genres),
        "decade": "" if movie.year is None else f"{movie.year // 10 * 10}s",
        "year": movie.year,
        "minutes": movie.duration_minutes,
        "rating": movie.rating,
        "votes": movie.votes,
        "metascore": movie.metascore,
        "rank": standing.rank if standing else None,
        "climbed": standing.climbed if standing else None,
        "move": kind or None,
    }
    return Card(
        href=path,
        title=movie.title,
        year="" if movie.year is None else str(movie.year),
        length=formats.duration(movie.duration_minutes) if movie.duration_minutes else "",
        genres=", ".join(movie.genres),
        rating="" if movie.rating is None else f"{movie.rating:.1f}",
        votes=formats.votes(movie.votes) if movie.votes else "",
        metascore="" if movie.metascore is None else str(movie.metascore),
        picture=poster,
        rank=str(standing.rank) if standing else "",
        move=move,
        move_kind=kind,
        move_words=words,
        data={name: value for name, value in data.items() if value is not None},
    )


def _words(movie: Movie) -> list[str]:
    """What the search looks in."""
    names = [credit.person.name for credit in (*movie.directors, *movie.cast[:6])]
    return [movie.title, movie.original_title or "", "" if movie.year is None else str(movie.year), *names]


def _movement(standing: ChartPosition | None) -> tuple[str, str, str]:
    if standing is None:
        return "", "", ""
    if standing.is_new:
        return "New", "new", "new in the chart"
    if standing.before is None:
        return "", "", ""
    places = formats.count(abs(standing.climbed), "place")
    if standing.climbed > 0:
        return f"↑{standing.climbed}", "up", f"up {places}"
    if standing.climbed < 0:
        return f"↓{-standing.climbed}", "down", f"down {places}"
    return "", "same", "unmoved"
