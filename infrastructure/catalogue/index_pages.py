"""People and their films, the indexes of genres, decades, places and people, the findings, and the error page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from statistics import fmean
from typing import Final

import msgspec

from application.catalogue_data import Appearance, printable
from domain.movie import Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.elements import Card, FilmLine, IndexEntry
from infrastructure.catalogue.plots import person_trend
from infrastructure.catalogue.renderer import PageRenderer
from shared.countries import country_name

_MAX_MOST_FREQUENT: Final = 24
_MAX_COLLABORATORS: Final = 12
_SHOWN: Final = 36  # films of a section; the rest are folded
_POSTERS_PER_TILE: Final = 4
_SECTIONS: Final = {"director": "Directed", "writer": "Written", "cast": "Acted"}
_OTHER_SECTION: Final = "Other credits"


class Tile(msgspec.Struct, frozen=True):
    """A genre, decade or country: name, number of films, mean rating, and a few posters."""

    name: str
    path: str
    count: str
    mean: str
    films: tuple[Card, ...]


class IndexGroup(msgspec.Struct, frozen=True):
    """Entries under a heading."""

    heading: str
    entries: tuple[IndexEntry, ...]


class PersonSection(msgspec.Struct, frozen=True):
    """What a person did in one category, newest first; ``folded`` is opened on request."""

    heading: str
    count: str
    shown: tuple[FilmLine, ...]
    folded: tuple[FilmLine, ...]


def index_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    """Yields the indexes of genres, decades, countries and people."""
    data, urls = renderer.data, renderer.urls
    by_count = sorted(data.genres.items(), key=lambda item: (-len(item[1]), item[0]))
    genres = [(genre, urls.genre(genre) or "", movies) for genre, movies in by_count]
    decades = [(formats.decade(start), urls.decade(start), movies) for start, movies in data.decades.items()]
    by_count = sorted(data.countries.items(), key=lambda item: (-len(item[1]), item[0]))
    countries = [(country_name(code), urls.country(code) or "", movies) for code, movies in by_count]
    yield _tiles_page(renderer, "genres.html", "Genres", "genre", genres)
    yield _tiles_page(renderer, "decades.html", "Decades", "decade", decades)
    if countries:
        yield _tiles_page(renderer, "places.html", "Places", "country", countries)
    yield from _people_pages(renderer)


def findings_page(renderer: PageRenderer) -> tuple[str, bytes]:
    """Returns the page of plots."""
    plots = renderer.site.plots
    found = "; ".join(plot.heading for plot in plots[:3])
    return renderer.page(
        "findings.html",
        "charts.html",
        "Findings",
        description=found,
        label="What the films have in common" if plots else "",
        plots=plots,
    )


def error_page(renderer: PageRenderer) -> tuple[str, bytes]:
    """Returns the page that web servers show for a missing address.

    It is served at any depth, so its links start at the site's address where that is known.
    """
    return renderer.page("404.html", "404.html", "Not here", base=renderer.site.url, indexed=False, label="Error 404")


# --- tiles ------------------------------------------------------------------------


def _tiles_page(
    renderer: PageRenderer, path: str, heading: str, noun: str, entries: list[tuple[str, str, tuple[Movie, ...]]]
) -> tuple[str, bytes]:
    used: set[str] = set()  # a film shows its poster in one tile only, if there are enough
    plural = "countries" if noun == "country" else f"{noun}s"
    return renderer.page(
        "tiles.html",
        path,
        heading,
        description=f"{formats.count(len(renderer.data.best()), 'film')} by {noun}.",
        image=renderer.share_image(movie for _, _, movies in entries for movie in movies[:1]),
        section=path,
        label=formats.count(len(entries), noun, plural) if entries else "",
        tiles=[_tile(renderer, name, target, movies, used) for name, target, movies in entries],
    )


def _tile(renderer: PageRenderer, name: str, path: str, movies: Sequence[Movie], used: set[str]) -> Tile:
    best = movies[:60]
    order = sorted(best, key=lambda movie: (movie.imdb_id in used, renderer.poster(movie) is None))
    chosen = order[:_POSTERS_PER_TILE]
    used.update(movie.imdb_id for movie in chosen)
    ratings = [movie.rating for movie in movies if movie.rating is not None]
    return Tile(
        name,
        path,
        formats.count(len(movies), "film"),
        f"{fmean(ratings):.1f}" if ratings else "",
        tuple(map(renderer.card, chosen)),
    )


# --- people -----------------------------------------------------------------------


def _people_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    people = renderer.data.people
    letters: dict[str, list[IndexEntry]] = {}
    for person_id, appearances in people.items():
        name = appearances[0].credit.person.name
        count = len({each.movie.imdb_id for each in appearances})
        entry = IndexEntry(name, renderer.urls.person(person_id) or "", str(count))
        letters.setdefault(_letter(name), []).append(entry)
    links = [
        {"name": letter, "path": renderer.urls.letter(letter), "count": str(len(letters[letter]))}
        for letter in sorted(letters, key=lambda letter: (letter == "#", letter))
    ]
    groups = tuple(
        IndexGroup(heading, entries)
        for heading, category in (("Directors", "director"), ("Writers", "writer"), ("Actors", "cast"))
        if (entries := _most_frequent(renderer, category))
    )
    yield renderer.page(
        "people.html",
        "people.html",
        "People",
        description=f"{formats.count(len(people), 'person', 'people')} with two credits or more.",
        section="people.html",
        label=f"{formats.count(len(people), 'person', 'people')} with two credits or more" if people else "",
        letters=links,
        groups=groups,
    )
    for letter, listed in letters.items():
        listed.sort(key=lambda entry: (formats.searchable(_family_name(entry.name)), entry.name, entry.path))
        heading = "Other" if letter == "#" else letter
        yield renderer.page(
            "people.html",
            renderer.urls.letter(letter),
            heading,
            title=f"People: {heading}",
            section="people.html",
            label=formats.count(len(listed), "person", "people"),
            letters=links,
            groups=(IndexGroup("", tuple(listed)),),
        )


def _family_name(name: str) -> str:
    """Returns the last word and the rest; suffixes such as Jr. do not count as names."""
    words = name.replace(",", " ").split()
    while len(words) > 1 and words[-1].rstrip(".").lower() in ("jr", "sr", "ii", "iii", "iv"):
        words.pop()
    return f"{words[-1]} {' '.join(words[:-1])}" if words else name


def _letter(name: str) -> str:
    first = formats.searchable(_family_name(name))[:1].upper()
    return first if "A" <= first <= "Z" else "#"


def _most_frequent(renderer: PageRenderer, category: str) -> tuple[IndexEntry, ...]:
    counted: Counter[str] = Counter()
    for person_id, appearances in renderer.data.people.items():
        if number := sum(each.credit.category == category for each in appearances):
            counted[person_id] = number
    first = sorted(counted, key=lambda person_id: (-counted[person_id], person_id))[:_MAX_MOST_FREQUENT]
    return tuple(
        IndexEntry(
            renderer.data.people[person_id][0].credit.person.name,
            renderer.urls.person(person_id) or "",
            str(counted[person_id]),
        )
        for person_id in first
    )


def person_pages(renderer: PageRenderer) -> Iterator[tuple[str, bytes]]:
    """Yields a page for each person with two credits or more."""
    people = renderer.data.people
    involved = {
        imdb_id: tuple({person_id for credit in movie.credits if (person_id := credit.person.person_id) in people})
        for imdb_id, movie in renderer.data.movies.items()
    }
    for person_id, appearances in people.items():
        name = appearances[0].credit.person.name
        movies = {each.movie.imdb_id: each.movie for each in appearances}
        label = _summary(movies.values())
        yield renderer.page(
            "person.html",
            renderer.urls.person(person_id) or "",
            name,
            description=f"{name}: {', '.join(movie.title for movie in list(movies.values())[:5])}",
            image=renderer.share_image(movies.values()),
            kind="profile",
            section="people.html",
            label=label,
            life=_life(renderer, person_id),
            trend=person_trend(movies.values()),
            sections=_sections(renderer, appearances),
            collaborators=_collaborators(renderer, person_id, [involved[imdb_id] for imdb_id in movies]),
        )


def _summary(movies: Collection[Movie]) -> str:
    found = list(movies)
    years = sorted(movie.year for movie in found if movie.year)
    ratings = [movie.rating for movie in found if movie.rating is not None]
    parts = [formats.count(len(found), "film")]
    if years:
        parts.append(str(years[0]) if years[0] == years[-1] else f"{years[0]}–{years[-1]}")
    if ratings:
        parts.append(f"mean rating {fmean(ratings):.1f}")
    return ", ".join(parts)


def _sections(renderer: PageRenderer, appearances: Sequence[Appearance]) -> tuple[PersonSection, ...]:
    by_heading: dict[str, dict[str, FilmLine]] = {heading: {} for heading in (*_SECTIONS.values(), _OTHER_SECTION)}
    for each in appearances:
        heading = _SECTIONS.get(each.credit.category, _OTHER_SECTION)
        films = by_heading[heading]
        note = _note(each)
        known = films.get(each.movie.imdb_id)
        if known is not None and note and note not in known.note:
            note = f"{known.note}, {note}"
        films[each.movie.imdb_id] = FilmLine(renderer.card(each.movie), note)
    return tuple(
        PersonSection(
            heading, formats.count(len(films), "film"), tuple(films.values())[:_SHOWN], tuple(films.values())[_SHOWN:]
        )
        for heading, films in by_heading.items()
        if films
    )


def _note(appearance: Appearance) -> str:
    credit = appearance.credit
    if credit.category == "cast":
        characters = printable(" / ".join(credit.characters))
        return f"as {characters}" if characters else ""
    return "" if credit.category in _SECTIONS else str(credit.category).replace("_", " ")


def _life(renderer: PageRenderer, person_id: str) -> str:
    details = renderer.data.lives.get(person_id)
    if details is None:
        return ""
    parts = []
    if details.born:
        place = f" in {details.birth_place}" if details.birth_place else ""
        parts.append(f"Born {formats.date(details.born)}{place}")
    if details.died:
        parts.append(f"{'died' if parts else 'Died'} {formats.date(details.died)}")
    return formats.sentence(", ".join(parts))


def _collaborators(
    renderer: PageRenderer, person_id: str, involved: Sequence[tuple[str, ...]]
) -> tuple[IndexEntry, ...]:
    """Returns the people who share most films with a person, at least two; ``involved`` has the people of each film."""
    together = Counter(chain.from_iterable(involved))
    people = renderer.data.people
    found = [(count, other) for other, count in together.items() if count > 1 and other != person_id]
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return tuple(
        IndexEntry(
            people[other][0].credit.person.name,
            renderer.urls.person(other) or "",
            formats.count(count, "film"),
        )
        for count, other in found[:_MAX_COLLABORATORS]
    )
