"""All pages but those of films: charts, lists, changes, indexes, people, the findings, and the error page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import Any, Final

from application.catalogue_data import Appearance, LifeDates, printable
from application.chart_changes import ChartChanges, ChartPosition
from domain.movie import Credit, Movie
from infrastructure.catalogue import formats
from infrastructure.catalogue.elements import Card, IndexEntry
from infrastructure.catalogue.plots import person_trend
from infrastructure.catalogue.renderer import Page, PageRenderer, numbered
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
_MAX_MOST_FREQUENT: Final = 24
_MAX_COLLABORATORS: Final = 12
_SHOWN: Final = 36  # films of a section; the rest are folded
_POSTERS_PER_TILE: Final = 4
_SECTIONS: Final = {"director": "Directed", "writer": "Written", "cast": "Acted"}
_OTHER_SECTION: Final = "Other credits"


def chart_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields a page for each chart, and one of its changes; without charts, the best films are the front page."""
    data = renderer.data
    if not data.charts:
        best = data.best()[:PER_PAGE]
        label = "Best first" if len(best) > 1 else ""
        yield _grid(renderer, "index.html", "Films", best, label=label, lead=True, imprint=renderer.imprint())
    for chart in data.charts:
        movies = [place.movie for place in chart.places]
        heading = formats.chart(chart.chart)
        summary = _change_summary(chart)
        yield _grid(
            renderer,
            renderer.urls.chart(chart.chart),
            heading,
            movies,
            chart.places,
            description=f"{heading}: {', '.join(movie.title for movie in movies[:5])} and more. {summary}",
            label=f"As of {formats.day(chart.taken_at)}",
            changes={"text": summary, "path": renderer.urls.changes(chart.chart)} if summary else None,
            lead=True,
            imprint=renderer.imprint(),
        )
        if summary:
            yield _changes_page(renderer, chart, summary)


def list_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields the films of each genre, decade and country, in pages of 240."""
    data, urls = renderer.data, renderer.urls
    for genre, movies in data.genres.items():
        yield from _list(renderer, urls.genre(genre), genre, "genres.html", movies)
    for decade, movies in data.decades.items():
        yield from _list(renderer, urls.decade(decade), formats.decade(decade), "decades.html", movies)
    for country, movies in data.countries.items():
        yield from _list(renderer, urls.country(country), country_name(country), "places.html", movies)


def _list(renderer: PageRenderer, path: str, heading: str, section: str, movies: Sequence[Movie]) -> Iterator[Page]:
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
    renderer: PageRenderer,
    path: str,
    heading: str,
    movies: Sequence[Movie],
    places: Sequence[ChartPosition] = (),
    **values: object,
) -> Page:
    """Returns a page of films, with ranks and movements if there are ``places``."""
    given: dict[str, Any] = {
        "description": f"{heading}: {', '.join(movie.title for movie in movies[:5])}" if movies else "",
        "changes": None,
        "controls": _controls(movies, places),
        "lead": False,
        "page_links": (),
        **values,
    }
    cards = [renderer.card(place.movie, place) for place in places] or [renderer.card(movie) for movie in movies]
    return renderer.page(
        "grid.html",
        path,
        heading,
        image=renderer.share_image(movies),
        films=cards,
        scripts=_SCRIPTS if len(movies) > 1 else (),
        **given,
    )


def _controls(movies: Sequence[Movie], places: Sequence[ChartPosition]) -> dict[str, object]:
    """Returns what the films of a grid can be filtered and ordered by."""
    moves = any(place.is_new or place.before is not None for place in places)
    rank_orders = _RANK_ORDERS[: 1 + moves] if places else ()
    return {
        "genres": sorted({genre for movie in movies for genre in movie.genres}),
        "decades": sorted({f"{movie.year // 10 * 10}s" for movie in movies if movie.year}, reverse=True),
        "moves": moves,
        "sorts": (*rank_orders, *_ORDERS),
        "total": formats.count(len(movies), "film"),
    }


def _change_summary(chart: ChartChanges) -> str:
    """What changed since the day of comparison; empty when nothing did or there is none."""
    counts = (
        (len(chart.newcomers), "new"),
        (len(chart.leavers), "gone"),
        (len(chart.climbers), "up"),
        (len(chart.fallers), "down"),
    )
    parts = [f"{number} {word}" for number, word in counts if number]
    return f"{formats.joined(parts)} since {formats.day(chart.before)}." if chart.before and parts else ""


def _changes_page(renderer: PageRenderer, chart: ChartChanges, summary: str) -> Page:
    name, path = formats.chart(chart.chart), renderer.urls.chart(chart.chart)
    groups = (
        ("new", chart.newcomers, len(chart.newcomers)),
        ("gone", chart.leavers, len(chart.leavers)),
        ("up", chart.climbers, _MAX_MOVERS),
        ("down", chart.fallers, _MAX_MOVERS),
    )
    return renderer.page(
        "changes.html",
        renderer.urls.changes(chart.chart),
        "What changed",
        title=f"What changed in the {name}",
        description=f"{name}: {summary}",
        section=path,
        label=name,
        summary=summary,
        chart_path=path,
        groups=[_change_group(renderer, kind, found, most) for kind, found, most in groups if found],
    )


def _change_group(
    renderer: PageRenderer, kind: str, positions: Sequence[ChartPosition], most: int
) -> dict[str, object]:
    rest = len(positions) - most
    return {
        "name": kind,
        "heading": f"{len(positions)} {kind}",
        "more": f"and {rest} more" if rest > 0 else "",
        "lines": [
            {
                "card": renderer.card(position.movie, position),
                "before": position.before,
                "after": None if kind == "gone" else position.rank,
            }
            for position in positions[:most]
        ],
    }


# --- indexes -------------------------------------------------------------------------


def index_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields the indexes of genres, decades, countries and people."""
    data, urls = renderer.data, renderer.urls
    genres = [(genre, urls.genre(genre), movies) for genre, movies in _largest_first(data.genres)]
    decades = [(formats.decade(start), urls.decade(start), movies) for start, movies in data.decades.items()]
    countries = [(country_name(code), urls.country(code), movies) for code, movies in _largest_first(data.countries)]
    yield _tiles_page(renderer, "genres.html", "Genres", "genre", genres)
    yield _tiles_page(renderer, "decades.html", "Decades", "decade", decades)
    if countries:
        yield _tiles_page(renderer, "places.html", "Places", "country", countries)
    yield from _people_pages(renderer)


def findings_page(renderer: PageRenderer) -> Page:
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


def error_page(renderer: PageRenderer) -> Page:
    """Returns the page that web servers show for a missing address.

    It is served at any depth, so its links start at the site's address where that is known.
    """
    return renderer.page("404.html", "404.html", "Not here", base=renderer.site.url, indexed=False, label="Error 404")


def _largest_first(groups: Mapping[str, tuple[Movie, ...]]) -> list[tuple[str, tuple[Movie, ...]]]:
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def _tiles_page(
    renderer: PageRenderer, path: str, heading: str, noun: str, entries: list[tuple[str, str, tuple[Movie, ...]]]
) -> Page:
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


def _tile(renderer: PageRenderer, name: str, path: str, movies: Sequence[Movie], used: set[str]) -> dict[str, object]:
    order = sorted(movies[:60], key=lambda movie: (movie.imdb_id in used, renderer.poster(movie) is None))
    chosen = order[:_POSTERS_PER_TILE]
    used.update(movie.imdb_id for movie in chosen)
    ratings = [movie.rating for movie in movies if movie.rating is not None]
    return {
        "name": name,
        "path": path,
        "count": formats.count(len(movies), "film"),
        "mean": f"{fmean(ratings):.1f}" if ratings else "",
        "films": [renderer.card(movie) for movie in chosen],
    }


# --- people -----------------------------------------------------------------------


def _people_pages(renderer: PageRenderer) -> Iterator[Page]:
    people = renderer.data.people
    letters: dict[str, list[IndexEntry]] = {}
    for person_id, appearances in people.items():
        entry = _entry(renderer, person_id, str(len({each.movie.imdb_id for each in appearances})))
        letters.setdefault(_letter(entry.name), []).append(entry)
    links = [
        {"name": letter, "path": renderer.urls.letter(letter), "count": len(letters[letter])}
        for letter in sorted(letters, key=lambda letter: (letter == "#", letter))
    ]
    label = f"{formats.count(len(people), 'person', 'people')} with two credits or more"
    groups = [
        {"heading": heading, "entries": entries}
        for heading, category in (("Directors", "director"), ("Writers", "writer"), ("Actors", "cast"))
        if (entries := _most_frequent(renderer, category))
    ]
    yield renderer.page(
        "people.html",
        "people.html",
        "People",
        description=f"{label}.",
        section="people.html",
        label=label if people else "",
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
            groups=[{"heading": "", "entries": listed}],
        )


def _entry(renderer: PageRenderer, person_id: str, note: str) -> IndexEntry:
    name = renderer.data.people[person_id][0].credit.person.name
    return IndexEntry(name, renderer.urls.person(person_id), note)


def _family_name(name: str) -> str:
    """Returns the last word and the rest; suffixes such as Jr. do not count as names."""
    words = name.replace(",", " ").split()
    while len(words) > 1 and words[-1].rstrip(".").lower() in ("jr", "sr", "ii", "iii", "iv"):
        words.pop()
    return f"{words[-1]} {' '.join(words[:-1])}" if words else name


def _letter(name: str) -> str:
    first = formats.searchable(_family_name(name))[:1].upper()
    return first if "A" <= first <= "Z" else "#"


def _most_frequent(renderer: PageRenderer, category: str) -> list[IndexEntry]:
    found = [
        (-count, person_id)
        for person_id, appearances in renderer.data.people.items()
        if (count := sum(each.credit.category == category for each in appearances))
    ]
    return [_entry(renderer, person_id, str(-count)) for count, person_id in sorted(found)[:_MAX_MOST_FREQUENT]]


def person_pages(renderer: PageRenderer) -> Iterator[Page]:
    """Yields a page for each person with two credits or more."""
    people = renderer.data.people
    involved = {
        imdb_id: tuple({person_id for credit in movie.credits if (person_id := credit.person.person_id) in people})
        for imdb_id, movie in renderer.data.movies.items()
    }
    for person_id, appearances in people.items():
        name = appearances[0].credit.person.name
        movies = {each.movie.imdb_id: each.movie for each in appearances}
        films = list(movies.values())
        yield renderer.page(
            "person.html",
            renderer.urls.person(person_id),
            name,
            description=f"{name}: {', '.join(movie.title for movie in films[:5])}",
            image=renderer.share_image(films),
            kind="profile",
            section="people.html",
            label=_person_summary(films),
            life=_life(renderer.data.lives.get(person_id)),
            trend=person_trend(films),
            sections=_sections(renderer, appearances),
            collaborators=_collaborators(renderer, person_id, [involved[imdb_id] for imdb_id in movies]),
        )


def _person_summary(films: Sequence[Movie]) -> str:
    years = sorted(movie.year for movie in films if movie.year)
    ratings = [movie.rating for movie in films if movie.rating is not None]
    parts = [formats.count(len(films), "film")]
    if years:
        parts.append(str(years[0]) if years[0] == years[-1] else f"{years[0]}–{years[-1]}")
    if ratings:
        parts.append(f"mean rating {fmean(ratings):.1f}")
    return ", ".join(parts)


def _sections(renderer: PageRenderer, appearances: Sequence[Appearance]) -> list[dict[str, object]]:
    """Returns what a person did in each category, newest first; ``folded`` films are opened on request."""
    by_heading: dict[str, dict[str, tuple[Card, str]]] = {
        heading: {} for heading in (*_SECTIONS.values(), _OTHER_SECTION)
    }
    for each in appearances:
        films = by_heading[_SECTIONS.get(each.credit.category, _OTHER_SECTION)]
        note = _note(each.credit)
        _, known = films.get(each.movie.imdb_id, (None, ""))
        if known:
            note = known if note in known else f"{known}, {note}"
        films[each.movie.imdb_id] = (renderer.card(each.movie), note)
    return [
        {
            "heading": heading,
            "count": formats.count(len(films), "film"),
            "shown": list(films.values())[:_SHOWN],
            "folded": list(films.values())[_SHOWN:],
        }
        for heading, films in by_heading.items()
        if films
    ]


def _note(credit: Credit) -> str:
    if credit.category == "cast":
        characters = printable(" / ".join(credit.characters))
        return f"as {characters}" if characters else ""
    return "" if credit.category in _SECTIONS else credit.category.replace("_", " ")


def _life(dates: LifeDates | None) -> str:
    parts = []
    if dates and dates.born:
        place = f" in {dates.birth_place}" if dates.birth_place else ""
        parts.append(f"Born {formats.date(dates.born)}{place}")
    if dates and dates.died:
        parts.append(f"{'died' if parts else 'Died'} {formats.date(dates.died)}")
    return f"{', '.join(parts)}." if parts else ""


def _collaborators(renderer: PageRenderer, person_id: str, involved: Iterable[tuple[str, ...]]) -> list[IndexEntry]:
    """Returns the people who share most films with a person, at least two; ``involved`` has the people of each film."""
    together = Counter(chain.from_iterable(involved))
    found = sorted((-count, other) for other, count in together.items() if count > 1 and other != person_id)
    return [_entry(renderer, other, formats.count(-count, "film")) for count, other in found[:_MAX_COLLABORATORS]]
