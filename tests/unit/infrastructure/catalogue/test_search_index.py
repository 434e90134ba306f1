"""The search index: every page of a film, person or list, and nothing that ends the script."""

from __future__ import annotations

import json
from typing import Any

from application.catalogue_data import build_catalogue_data
from infrastructure.catalogue.build import all_pages
from infrastructure.catalogue.renderer import PageRenderer, SiteConfig
from infrastructure.catalogue.search_index import search_index
from tests.support.catalogue import made_data
from tests.support.films import bare
from tests.unit.infrastructure.catalogue.test_pages import ASSETS


def _read(body: bytes) -> dict[str, Any]:
    text = body.decode()
    assert text.startswith("window.filmledgerSearch(")
    found = json.loads(text.removeprefix("window.filmledgerSearch(").removesuffix(");\n"))
    assert isinstance(found, dict)
    return found


def test_every_entry_is_a_page_and_every_film_and_person_an_entry() -> None:
    made = made_data(30)
    index = _read(search_index(made))
    pages = {path for path, _ in all_pages(PageRenderer(made, SiteConfig(assets=ASSETS)))}
    paths = [entry[2] for kind in index.values() for entry in kind]
    assert set(paths) <= pages
    assert len(set(paths)) == len(paths)
    assert len(index["films"]) == len(made.movies)
    assert len(index["people"]) == len(made.people)
    assert ["Top 250", "chart", "index.html"] in index["lists"]


def test_films_with_most_votes_come_first() -> None:
    movies = [bare(1, votes=5, rating=7.0), bare(2, votes=500, rating=7.0), bare(3)]
    index = _read(search_index(build_catalogue_data({m.imdb_id: m for m in movies}, ())))
    assert [entry[0] for entry in index["films"]] == ["Untold 2", "Untold 1", "Untold 3"]


def test_it_is_the_same_every_time_and_survives_odd_text() -> None:
    odd = build_catalogue_data({"tt8000001": bare(1, title='"\u2028</script>\\', original_title="\u2029")}, ())
    assert search_index(odd) == search_index(odd)
    body = search_index(odd)
    assert "\u2028".encode() not in body
    assert _read(body)["films"][0][0] == '"\u2028</script>\\'
