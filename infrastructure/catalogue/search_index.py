"""The index of the search dialog: titles, people and lists, loaded by a page when the search is first used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from application.catalogue_data import CatalogueData
from infrastructure.catalogue import formats
from infrastructure.catalogue.renderer import PageUrls
from shared.countries import country_name

PATH: Final = "search-index.js"


def search_index(data: CatalogueData) -> bytes:
    """Returns a script that hands the index to the search dialog.

    It is a script because pages opened from disk may load scripts but not JSON.
    Each entry is [name, note, path]; the most important entries of each kind come first.
    """
    kinds = {"lists": _lists(data), "films": _films(data), "people": _people(data)}
    lists = [b'"%b":[\n%b\n]' % (kind.encode(), b",\n".join(map(_line, entries))) for kind, entries in kinds.items()]
    return b"window.filmledgerSearch({\n%b\n});\n" % b",\n".join(lists)


def _line(entry: list[str]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _lists(data: CatalogueData) -> Iterator[list[str]]:
    urls = PageUrls(data)
    for chart in data.charts:
        yield [formats.chart(chart.chart), "chart", urls.chart(chart.chart)]
    for genre, movies in data.genres.items():
        yield [genre, f"genre, {formats.count(len(movies), 'film')}", urls.genre(genre) or ""]
    for decade, movies in data.decades.items():
        if decade is not None:
            yield [formats.decade(decade), f"decade, {formats.count(len(movies), 'film')}", urls.decade(decade)]
    for code, movies in data.countries.items():
        yield [country_name(code), f"country, {formats.count(len(movies), 'film')}", urls.country(code) or ""]


def _films(data: CatalogueData) -> Iterator[list[str]]:
    urls = PageUrls(data)
    for movie in sorted(data.movies.values(), key=lambda movie: (-(movie.votes or 0), movie.imdb_id)):
        year = str(movie.year) if movie.year else ""
        other = movie.original_title if movie.original_title and movie.original_title != movie.title else ""
        yield [movie.title, ", ".join(part for part in (year, other) if part), urls.film(movie.imdb_id)]


def _people(data: CatalogueData) -> Iterator[list[str]]:
    urls = PageUrls(data)
    counts = {person_id: len({each.movie.imdb_id for each in found}) for person_id, found in data.people.items()}
    for person_id in sorted(counts, key=lambda person_id: (-counts[person_id], person_id)):
        name = data.people[person_id][0].credit.person.name
        yield [name, formats.count(counts[person_id], "film"), urls.person(person_id) or ""]
