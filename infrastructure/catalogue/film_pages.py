"""A page for each film, series and episode: poster, numbers, plot, seasons, and credits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from statistics import mean
from typing import Any, Final

from markupsafe import Markup

from application.catalogue_data import printable
from application.chart_changes import ChartChanges
from domain.movie import Credit, Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.elements import RollLine, RollPart
from infrastructure.catalogue.plots import rank_trends, rating_trends
from infrastructure.catalogue.renderer import Page, PageRenderer, page_address
from shared.countries import country_name

_SERIES_KINDS: Final = ("tvSeries", "tvMiniSeries")
_CREW: Final = {
    "writer": "Written by", "creator": "Created by", "producer": "Produced by", "composer": "Music by",
    "cinematographer": "Photographed by", "editor": "Edited by",
}  # fmt: skip
_MAX_CREW: Final = 8  # names in one line of the credits


def film_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields a page for each movie. Its rank is that in the chart seen last, of those it is in."""
    data = renderer.data
    places = {
        place.movie.imdb_id: (chart, at) for chart in reversed(data.charts) for at, place in enumerate(chart.places)
    }
    episodes = {
        episode.imdb_id: (series_id, at)
        for series_id, found in data.episodes.items()
        for at, episode in enumerate(found)
    }
    trends = rank_trends(data), rating_trends(data)
    for movie in data.movies.values():
        chart, at = places.get(movie.imdb_id, (None, 0))
        series_id, episode_at = episodes.get(movie.imdb_id, ("", 0))
        series = data.movies.get(series_id)
        if series is None:
            before, after = _chart_neighbour(renderer, chart, at - 1), _chart_neighbour(renderer, chart, at + 1)
        else:
            before = _episode_neighbour(renderer, series_id, episode_at - 1)
            after = _episode_neighbour(renderer, series_id, episode_at + 1)
        path = renderer.urls.film(movie.imdb_id)
        seasons = _seasons(renderer, movie)
        poster = renderer.poster(movie)
        yield renderer.page(
            "film.html",
            path,
            movie.title,
            title=movie.title if movie.year is None else f"{movie.title} ({movie.year})",
            description=_description(movie),
            image=poster.shareable if poster else "",
            kind="video.tv_show" if seasons else "video.episode" if series else "video.movie",
            section=renderer.urls.chart(chart.chart) if chart else "",
            film=renderer.card(movie, chart.places[at] if chart else None),
            chart_name=formats.chart(chart.chart) if chart else "",
            original=movie.original_title if movie.original_title != movie.title else None,
            series=None if series is None else _series_link(renderer, series, movie),
            plot=movie.plot,
            credits=tuple(_credits(renderer, movie)),
            seasons=seasons,
            trends=[each[movie.imdb_id] for each in trends if movie.imdb_id in each],
            previous=before,
            following=after,
            source_url=movie.source_url,
            linked_data=_linked_data(renderer, movie, path, series),
        )


def _description(movie: Movie) -> str:
    facts = [str(movie.year)] if movie.year else []
    if movie.directors:
        facts.append(f"directed by {formats.joined([credit.person.name for credit in movie.directors[:3]])}")
    head = f"{movie.title} ({', '.join(facts)})" if facts else movie.title
    return f"{head}. {movie.plot}" if movie.plot else f"{head}."


def _credits(renderer: PageRenderer, movie: Movie) -> Iterator[RollLine]:
    urls = renderer.urls
    if movie.release_date or movie.year:
        start = None if movie.year is None else movie.year // 10 * 10
        path = urls.decade(start) if start in renderer.data.decades else ""
        yield RollLine("Released", (RollPart(formats.date(movie.release_date or str(movie.year)), path),))
    if movie.duration_minutes:
        yield RollLine("Length", (RollPart(formats.duration(movie.duration_minutes)),))
    if movie.certificate:
        yield RollLine("Certificate", (RollPart(movie.certificate),))
    if movie.genres:
        yield RollLine("Genres", tuple(RollPart(genre, urls.genre(genre)) for genre in movie.genres))
    if movie.countries:
        parts = tuple(RollPart(country_name(code), urls.country(code)) for code in movie.countries)
        yield RollLine("Countries" if len(parts) > 1 else "Country", parts)
    if movie.budget:
        yield RollLine("Budget", (RollPart(formats.money(movie.budget, movie.budget_currency)),))
    if movie.gross_worldwide:
        yield RollLine("Gross", (RollPart(formats.money(movie.gross_worldwide, movie.gross_currency)),))
    if movie.directors:
        yield RollLine("Directed by", tuple(_person(renderer, credit) for credit in movie.directors), breaks=True)
    for category, label in _CREW.items():
        found = [credit for credit in movie.crew if credit.category == category]
        if found:
            parts = tuple(_person(renderer, credit) for credit in found[:_MAX_CREW])
            rest = len(found) - len(parts)
            yield RollLine(label, (*parts, RollPart(f"{rest} more")) if rest else parts)
    for credit in movie.cast:
        label = printable(" / ".join(credit.characters)) or "With"
        yield RollLine(label, (_person(renderer, credit),), breaks=credit.position == 1, role=True)


def _person(renderer: PageRenderer, credit: Credit) -> RollPart:
    return RollPart(credit.person.name, renderer.urls.person(credit.person.person_id))


def _chart_neighbour(renderer: PageRenderer, chart: ChartChanges | None, at: int) -> dict[str, str] | None:
    if chart is None or not 0 <= at < len(chart.places):
        return None
    place = chart.places[at]
    return {"path": renderer.urls.film(place.movie.imdb_id), "label": str(place.rank), "title": place.movie.title}


def _episode_neighbour(renderer: PageRenderer, series_id: str, at: int) -> dict[str, str] | None:
    episodes = renderer.data.episodes[series_id]
    if not 0 <= at < len(episodes):
        return None
    episode = episodes[at]
    return {"path": renderer.urls.film(episode.imdb_id), "label": _episode_number(episode), "title": episode.title}


def _episode_number(episode: Movie) -> str:
    season, number = episode.season, episode.episode
    parts = [f"season {season}"] if season is not None else []
    parts += [f"episode {number}"] if number is not None else []
    return ", ".join(parts).capitalize() or "Episode"


def _series_link(renderer: PageRenderer, series: Movie, episode: Movie) -> dict[str, str]:
    return {"path": renderer.urls.film(series.imdb_id), "title": series.title, "number": _episode_number(episode)}


# --- seasons ------------------------------------------------------------------------


def _seasons(renderer: PageRenderer, movie: Movie) -> list[dict[str, object]]:
    """Returns the heat map of a series: a row for each season, a cell for each episode.

    The shade of a cell is from 0 (lowest rating of the series) to 9, and empty without a rating.
    """
    episodes = renderer.data.episodes.get(movie.imdb_id, ())
    ratings = [episode.rating for episode in episodes if episode.rating is not None]
    low, high = (min(ratings), max(ratings)) if ratings else (0.0, 0.0)
    rows: list[dict[str, object]] = []
    for season, group in groupby(episodes, key=lambda episode: episode.season):
        found = list(group)
        rated = [round(episode.rating, 1) for episode in found if episode.rating is not None]
        cells = [
            {
                "path": renderer.urls.film(episode.imdb_id),
                "number": str(episode.episode or "–"),
                "rating": "" if episode.rating is None else f"{episode.rating:.1f}",
                "shade": "" if episode.rating is None else str(_shade(episode.rating, low, high)),
                "title": episode.title,
            }
            for episode in found
        ]
        rows.append(
            {
                "name": "Other episodes" if season is None else f"Season {season}",
                "mean": f"{mean(rated):.1f}" if rated else "",
                "cells": cells,
            }
        )
    return rows


def _shade(rating: float, low: float, high: float) -> int:
    return 9 if high == low else round((rating - low) / (high - low) * 9)


# --- linked data -------------------------------------------------------------------


def _linked_data(renderer: PageRenderer, movie: Movie, path: str, series: Movie | None) -> Markup:
    """Returns the page's content as JSON-LD.

    Source: https://schema.org/Movie
    """
    kind = "TVEpisode" if series else "TVSeries" if movie.kind in _SERIES_KINDS else "Movie"
    site_url = renderer.site.url
    poster = renderer.poster(movie)
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": kind,
        "name": movie.title,
        "alternateName": movie.original_title if movie.original_title != movie.title else None,
        "url": page_address(site_url, path) if site_url else None,
        "sameAs": movie.source_url,
        "image": f"{site_url}{poster.shareable}" if site_url and poster else None,
        "description": movie.plot,
        "datePublished": movie.release_date or (str(movie.year) if movie.year else None),
        "duration": f"PT{movie.duration_minutes}M" if movie.duration_minutes else None,
        "genre": list(movie.genres),
        "contentRating": movie.certificate,
        "director": [{"@type": "Person", "name": credit.person.name} for credit in movie.directors],
        "actor": [{"@type": "Person", "name": credit.person.name} for credit in movie.cast[:10]],
        "partOfSeries": {"@type": "TVSeries", "name": series.title} if series else None,
        "episodeNumber": movie.episode if series else None,
    }
    if movie.rating is not None and movie.votes:
        found["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": movie.rating,
            "ratingCount": movie.votes,
            "bestRating": 10,
            "worstRating": 1,
        }
    text = json.dumps({name: value for name, value in found.items() if value}, ensure_ascii=False)
    for char in "<>&\u2028\u2029":  # "</script>" in a title must not end the element
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - cannot leave the script element
