"""Pages that show films as a grid: charts, and the films of a genre, a decade or a country. Also what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from application.chart_changes import ChartChanges, ChartPosition
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.elements import Card
from infrastructure.catalogue.renderer import PageRenderer, numbered
from shared.countries import country_name

PER_PAGE: Final = 240
_SCRIPTS: Final = ("grid.js",)
_MAX_MOVERS: Final = 24
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


class GridControls(msgspec.Struct, frozen=True):
    """What the films of a grid can be filtered and ordered by."""

    genres: tuple[str, ...]
    decades: tuple[str, ...]
    moves: bool
    sorts: tuple[tuple[str, str], ...]
    total: str


class ChangeLine(msgspec.Struct, frozen=True):
    """A film on the page of changes, with its ranks before and after; empty where it has none."""

    card: Card
    before: str
    after: str


class ChangeGroup(msgspec.Struct, frozen=True):
    """Newcomers, leavers, climbers or fallers."""

    name: str
    heading: str
    lines: tuple[ChangeLine, ...]
    more: str


def chart_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    """Yields a page for each chart, and one of its changes; without charts, the best films are the front page."""
    data = renderer.data
    if not data.charts:
        best = data.best()[:PER_PAGE]
        label = "Best first" if len(best) > 1 else ""
        yield _grid(renderer, "index.html", "Films", best, label=label, lead=True, imprint=renderer.imprint())
    for chart in data.charts:
        movies = [place.movie for place in chart.places]
        heading = formats.chart(chart.chart)
        summary = _summary(chart)
        yield renderer.page(
            "grid.html",
            renderer.urls.chart(chart.chart),
            heading,
            description=f"{heading}: {', '.join(movie.title for movie in movies[:5])} and more. {summary}",
            image=renderer.share_image(movies),
            label=f"As of {formats.day(chart.taken_at)}",
            changes={"text": summary, "path": renderer.urls.changes(chart.chart)} if summary else None,
            films=[renderer.card(place.movie, place) for place in chart.places],
            controls=_controls(movies, ranked=True, moves=chart.before is not None),
            lead=True,
            page_links=(),
            imprint=renderer.imprint(),
            scripts=_SCRIPTS if len(movies) > 1 else (),
        )
        if chart.before is not None and summary:
            yield _changes_page(renderer, chart, summary)


def list_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    """Yields the films of each genre, decade and country, in pages of 240."""
    for genre, movies in renderer.data.genres.items():
        yield from _list(renderer, renderer.urls.genre(genre) or "", genre, "genres.html", movies)
    for decade, movies in renderer.data.decades.items():
        yield from _list(renderer, renderer.urls.decade(decade), formats.decade(decade), "decades.html", movies)
    for country, movies in renderer.data.countries.items():
        name = country_name(country)
        yield from _list(renderer, renderer.urls.country(country) or "", name, "places.html", movies)


def _list(
    renderer: PageRenderer, path: str, heading: str, section: str, movies: Sequence[Movie]
) -> Iterator[tuple[str, bytes]]:
    parts = [movies[start : start + PER_PAGE] for start in range(0, len(movies), PER_PAGE)]
    links = [{"path": numbered(path, number), "name": str(number)} for number in range(1, len(parts) + 1)]
    for link, part in zip(links, parts, strict=True):
        yield _grid(
            renderer,
            link["path"],
            heading,
            part,
            title=heading if link is links[0] else f"{heading}, page {link['name']}",
            section=section,
            label=formats.count(len(movies), "film"),
            page_links=links if len(links) > 1 else (),
        )


def _grid(
    renderer: PageRenderer, path: str, heading: str, movies: Sequence[Movie], **values: object
) -> tuple[str, bytes]:
    given: dict[str, Any] = {"changes": None, "lead": False, "page_links": (), **values}
    return renderer.page(
        "grid.html",
        path,
        heading,
        description=f"{heading}: {', '.join(movie.title for movie in movies[:5])}" if movies else "",
        image=renderer.share_image(movies),
        films=[renderer.card(movie) for movie in movies],
        controls=_controls(movies),
        scripts=_SCRIPTS if len(movies) > 1 else (),
        **given,
    )


def _controls(movies: Sequence[Movie], *, ranked: bool = False, moves: bool = False) -> GridControls:
    rank_orders = _RANK_ORDERS[: 1 + moves] if ranked else ()
    return GridControls(
        genres=tuple(sorted({genre for movie in movies for genre in movie.genres})),
        decades=tuple(sorted({f"{movie.year // 10 * 10}s" for movie in movies if movie.year}, reverse=True)),
        moves=moves,
        sorts=(*rank_orders, *_ORDERS),
        total=formats.count(len(movies), "film"),
    )


def _summary(chart: ChartChanges) -> str:
    """What changed since the day of comparison; empty when nothing did or there is none."""
    if chart.before is None:
        return ""
    counts = (
        (len(chart.newcomers), "new"),
        (len(chart.leavers), "gone"),
        (len(chart.climbers), "up"),
        (len(chart.fallers), "down"),
    )
    parts = [f"{number} {word}" for number, word in counts if number]
    return formats.sentence(f"{formats.joined(parts)} since {formats.day(chart.before)}") if parts else ""


def _changes_page(renderer: PageRenderer, chart: ChartChanges, summary: str) -> tuple[str, bytes]:
    name = formats.chart(chart.chart)
    groups = [
        _group(renderer, "new", "New", chart.newcomers),
        _group(renderer, "gone", "Gone", chart.leavers),
        _group(renderer, "up", "Up", chart.climbers),
        _group(renderer, "down", "Down", chart.fallers),
    ]
    return renderer.page(
        "changes.html",
        renderer.urls.changes(chart.chart),
        "What changed",
        title=f"What changed in the {name}",
        description=f"{name}: {summary}",
        section=renderer.urls.chart(chart.chart),
        label=name,
        summary=summary,
        chart={"name": name, "path": renderer.urls.chart(chart.chart)},
        groups=[group for group in groups if group.lines],
    )


def _group(renderer: PageRenderer, name: str, heading: str, positions: Sequence[ChartPosition]) -> ChangeGroup:
    shown = positions[:_MAX_MOVERS] if name in ("up", "down") else positions
    lines = tuple(
        ChangeLine(
            renderer.card(position.movie, position),
            "" if position.before is None else str(position.before),
            "" if name == "gone" else str(position.rank),
        )
        for position in shown
    )
    rest = len(positions) - len(shown)
    return ChangeGroup(name, f"{len(positions)} {heading.lower()}", lines, f"and {rest} more" if rest else "")
