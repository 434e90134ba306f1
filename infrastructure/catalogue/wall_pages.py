"""Pages that are walls of posters: the charts, and the films of a genre or a decade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from application.chart_changes import ChartChanges
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.edition import Edition
from infrastructure.catalogue.names import numbered

PER_PAGE: Final = 240
_RANK_ORDERS: Final = (("rank", "Rank"), ("moved", "Biggest climb"))
_ORDERS: Final = (
    ("rating", "Rating"),
    ("votes", "Votes"),
    ("metascore", "Metascore"),
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("longest", "Longest first"),
    ("shortest", "Shortest first"),
    ("title", "Title"),
)


@dataclass(frozen=True, slots=True)
class Controls:
    """What a wall can be searched, filtered and ordered by."""

    genres: tuple[str, ...]
    decades: tuple[str, ...]
    moves: bool
    sorts: tuple[tuple[str, str], ...]
    total: str


def chart_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """A page for each chart; where there is none, the best films stand on the front page."""
    if not edition.library.charts:
        best = edition.library.best()[:PER_PAGE]
        yield _wall(edition, "index.html", "Films", best, label="Best first", lead=True, imprint=edition.imprint())
    for chart in edition.library.charts:
        yield edition.page(
            "wall.html",
            edition.names.chart(chart.chart),
            formats.chart(chart.chart),
            label="By rank" if chart.taken_at is None else f"As of {formats.day(chart.taken_at)}",
            since=_since(chart),
            films=[edition.card(place.movie, place) for place in chart.places],
            controls=_controls([place.movie for place in chart.places], ranked=True, moves=chart.before is not None),
            lead=True,
            leavers=[
                {"before": place.before, "path": edition.names.film(place.movie.imdb_id), "title": place.movie.title}
                for place in chart.leavers
            ],
            page_links=(),
            imprint=edition.imprint(),
        )


def list_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """The films of each genre and decade, in pages of 240."""
    for genre, movies in edition.library.genres.items():
        path = edition.names.genre(genre) or ""
        yield from _list(edition, path, genre, "genres.html", movies)
    for decade, movies in edition.library.decades.items():
        path = edition.names.decade(decade)
        yield from _list(edition, path, formats.decade(decade), "decades.html", movies)


def _list(
    edition: Edition, path: str, heading: str, section: str, movies: Sequence[Movie]
) -> Iterator[tuple[str, bytes]]:
    parts = [movies[start : start + PER_PAGE] for start in range(0, len(movies), PER_PAGE)]
    links = [{"path": numbered(path, number), "name": str(number)} for number in range(1, len(parts) + 1)]
    for link, part in zip(links, parts, strict=True):
        yield _wall(
            edition,
            link["path"],
            heading,
            part,
            title=heading if link is links[0] else f"{heading}, page {link['name']}",
            section=section,
            label=formats.count(len(movies), "film"),
            page_links=links if len(links) > 1 else (),
        )


def _wall(edition: Edition, path: str, heading: str, movies: Sequence[Movie], **values: object) -> tuple[str, bytes]:
    given = {"since": "", "lead": False, "leavers": (), "page_links": (), "imprint": "", **values}
    films = [edition.card(movie) for movie in movies]
    return edition.page("wall.html", path, heading, films=films, controls=_controls(movies), **given)


def _controls(movies: Sequence[Movie], *, ranked: bool = False, moves: bool = False) -> Controls:
    rank_orders = _RANK_ORDERS[: 1 + moves] if ranked else ()
    return Controls(
        genres=tuple(sorted({genre for movie in movies for genre in movie.genres})),
        decades=tuple(sorted({f"{movie.year // 10 * 10}s" for movie in movies if movie.year}, reverse=True)),
        moves=moves,
        sorts=(*rank_orders, *_ORDERS),
        total=formats.count(len(movies), "film"),
    )


def _since(chart: ChartChanges) -> str:
    if chart.before is None:
        return ""
    new = sum(place.is_new for place in chart.places)
    up = sum(place.climbed > 0 for place in chart.places)
    down = sum(place.climbed < 0 for place in chart.places)
    parts = [f"{number} {word}" for number, word in ((new, "new"), (up, "up"), (down, "down")) if number]
    moved = formats.joined(parts) if parts else "nothing moved"
    return f"{moved[0].upper()}{moved[1:]} since {formats.day(chart.before)}."
