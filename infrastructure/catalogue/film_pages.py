"""A page for each film: poster, figures, plot, and the credit roll."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from application.catalogue_data import printable
from application.chart_changes import ChartChanges
from domain.movie import Credit, Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.edition import Edition


@dataclass(frozen=True, slots=True)
class Part:
    """A name in the roll; without a path it has no page."""

    name: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class RollLine:
    """A line of the roll: what it is, and who or how much; ``breaks`` leaves a space above it."""

    label: str
    parts: tuple[Part, ...]
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The film before or after in the chart."""

    path: str
    rank: int
    title: str


def film_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """A page for each movie. Its rank is that in the chart seen last, of those it is in."""
    places = {
        place.movie.imdb_id: (chart, at)
        for chart in reversed(edition.library.charts)
        for at, place in enumerate(chart.places)
    }
    for movie in edition.library.movies.values():
        chart, at = places.get(movie.imdb_id, (None, 0))
        yield edition.page(
            "film.html",
            edition.names.film(movie.imdb_id),
            movie.title,
            title=movie.title if movie.year is None else f"{movie.title} ({movie.year})",
            film=edition.card(movie, chart.places[at] if chart else None),
            chart_name=formats.chart(chart.chart) if chart else "",
            original=movie.original_title if movie.original_title != movie.title else None,
            plot=movie.plot,
            roll=tuple(_roll(edition, movie)),
            past=edition.site.past.get(movie.imdb_id),
            previous=_neighbour(edition, chart, at - 1),
            following=_neighbour(edition, chart, at + 1),
            source_url=movie.source_url,
        )


def _roll(edition: Edition, movie: Movie) -> Iterator[RollLine]:
    if movie.release_date or movie.year:
        path = edition.names.decade(None if movie.year is None else movie.year // 10 * 10)
        yield RollLine("Released", (Part(formats.date(movie.release_date or str(movie.year)), path),))
    if movie.duration_minutes:
        yield RollLine("Length", (Part(formats.duration(movie.duration_minutes)),))
    if movie.certificate:
        yield RollLine("Certificate", (Part(movie.certificate),))
    if movie.genres:
        yield RollLine("Genres", tuple(Part(genre, edition.names.genre(genre)) for genre in movie.genres))
    if movie.directors:
        yield RollLine("Directed by", tuple(_person(edition, credit) for credit in movie.directors), breaks=True)
    for credit in movie.cast:
        label = printable(" / ".join(credit.characters)) or "With"
        yield RollLine(label, (_person(edition, credit),), breaks=credit.position == 1)


def _person(edition: Edition, credit: Credit) -> Part:
    return Part(credit.person.name, edition.names.person(credit.person.person_id))


def _neighbour(edition: Edition, chart: ChartChanges | None, at: int) -> Neighbour | None:
    if chart is None or not 0 <= at < len(chart.places):
        return None
    place = chart.places[at]
    return Neighbour(edition.names.film(place.movie.imdb_id), place.rank, place.movie.title)
