"""Pages that are lists of names: people with their films, and the indexes of genres, decades and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from application.catalogue_data import Appearance, printable
from domain.movie import CAST, DIRECTOR
from infrastructure.catalogue import formats
from infrastructure.catalogue.edition import Edition
from infrastructure.catalogue.views import Picture

_MAX_NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class Name:
    """A line of an index."""

    label: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under a heading of their own; ``size`` is a class of the roll."""

    heading: str
    size: str
    entries: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class FilmLine:
    """A film in a person's list."""

    label: str
    title: str
    path: str
    picture: Picture | None
    note: str


def index_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """All genres, all decades, and the people seen most often."""
    names, library = edition.names, edition.library
    genres = tuple(
        Name(formats.count(len(movies), "film"), genre, names.genre(genre) or "")
        for genre, movies in sorted(library.genres.items(), key=lambda item: (-len(item[1]), item[0]))
    )
    decades = tuple(
        Name(formats.count(len(movies), "film"), formats.decade(start), names.decade(start))
        for start, movies in library.decades.items()
    )
    total = formats.count(len(library.movies), "film")
    for path, heading, entries in (("genres.html", "Genres", genres), ("decades.html", "Decades", decades)):
        whole = (Group("", "large", entries),) if entries else ()
        yield edition.page("names.html", path, heading, section=path, label=total, groups=whole)
    groups = tuple(
        Group(heading, "", entries)
        for heading, category in (("Directors", DIRECTOR), ("Actors", CAST))
        if (entries := _most_frequent(edition, category))
    )
    label = f"{formats.count(len(library.people), 'person', 'people')} with two credits or more"
    yield edition.page("names.html", "people.html", "People", section="people.html", label=label, groups=groups)


def person_pages(edition: Edition) -> Iterator[tuple[str, bytes]]:
    """A page for everybody with two credits or more."""
    for person_id, appearances in edition.library.people.items():
        yield edition.page(
            "person.html",
            edition.names.person(person_id) or "",
            appearances[0].credit.person.name,
            section="people.html",
            label=_summary(appearances),
            entries=[
                FilmLine(
                    label="" if each.movie.year is None else str(each.movie.year),
                    title=each.movie.title,
                    path=edition.names.film(each.movie.imdb_id),
                    picture=edition.site.pictures.get(each.movie.imdb_id),
                    note=_note(each),
                )
                for each in appearances
            ],
        )


def _most_frequent(edition: Edition, category: str) -> tuple[Name, ...]:
    counted: Counter[str] = Counter()
    for person_id, appearances in edition.library.people.items():
        if number := sum(each.credit.category is category for each in appearances):
            counted[person_id] = number
    first = sorted(counted, key=lambda person_id: (-counted[person_id], person_id))[:_MAX_NAMED]
    return tuple(
        Name(
            formats.count(counted[person_id], "film"),
            edition.library.people[person_id][0].credit.person.name,
            edition.names.person(person_id) or "",
        )
        for person_id in first
    )


def _summary(appearances: tuple[Appearance, ...]) -> str:
    films = {each.movie.imdb_id for each in appearances}
    years = sorted(each.movie.year for each in appearances if each.movie.year)
    span = "" if not years else f", {years[0]}" if years[0] == years[-1] else f", {years[0]}–{years[-1]}"
    return formats.count(len(films), "film") + span


def _note(appearance: Appearance) -> str:
    if appearance.credit.category is DIRECTOR:
        return "Director"
    characters = printable(" / ".join(appearance.credit.characters))
    return f"as {characters}" if characters else "Cast"
