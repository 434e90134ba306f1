"""Drawings: the same every time, well-formed, readable without being seen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from lxml import etree

from application.catalogue_data import CatalogueData, library
from infrastructure.catalogue.figures import Figure, draw_figures, draw_past
from tests.support.catalogue import made_library
from tests.support.films import bare, films, snapshots


@pytest.fixture(scope="module")
def made() -> CatalogueData:
    return made_library(120, runs=4)


@pytest.fixture(scope="module")
def figures(made: CatalogueData) -> tuple[Figure, ...]:
    return draw_figures(made)


def test_there_is_one_for_each_question(figures: tuple[Figure, ...]) -> None:
    assert [figure.heading for figure in figures] == [
        "Rank history",
        "Ratings by decade",
        "IMDb against Metascore",
        "Length over the years",
        "Votes against rating",
        "Genre shares",
    ]


def test_the_same_films_give_the_same_bytes(made: CatalogueData, figures: tuple[Figure, ...]) -> None:
    assert draw_figures(made) == figures
    assert draw_past(made) == draw_past(made)


def test_colours_come_from_the_page_and_so_does_the_typeface(figures: tuple[Figure, ...]) -> None:
    for figure in figures:
        for drawing in (figure.wide, figure.narrow):
            assert "var(--" in drawing
            assert not re.search(r"(fill|stroke): #(?!none)", drawing)
            assert "font-family" not in drawing
            assert "DejaVu" not in drawing


def test_every_drawing_is_well_formed_and_has_a_name(figures: tuple[Figure, ...]) -> None:
    seen: set[str] = set()
    for figure in figures:
        for drawing in (figure.wide, figure.narrow):
            root = etree.fromstring(drawing)
            assert root.get("role") == "img"
            assert root.get("aria-label") == root.findtext("title") == figure.heading
            ids = [element.get("id") for element in root.iter() if element.get("id")]
            assert not seen & set(ids), "ids are unique on the page"
            seen.update(str(known) for known in ids)
            for element in root.iter("use"):
                assert (element.get("href") or "")[1:] in ids


def test_the_numbers_stand_beside_the_drawing(figures: tuple[Figure, ...]) -> None:
    for figure in figures:
        assert figure.words
        assert figure.rows
        assert {len(row) for row in figure.rows} == {len(figure.columns)}


def test_a_film_has_a_line_of_its_ranks(made: CatalogueData) -> None:
    lines = draw_past(made)
    assert set(lines) == set(made.charts[0].history)
    for line in lines.values():
        etree.fromstring(line.svg)
        assert line.words.startswith("Top 250, ")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_little_to_draw_draws_nothing_rather_than_failing(count: int) -> None:
    movies = [bare(number) for number in range(count)]
    assert draw_figures(library({m.imdb_id: m for m in movies}, ())) == ()
    assert draw_past(library({m.imdb_id: m for m in movies}, ())) == {}


def test_one_run_has_no_history() -> None:
    drawn = draw_figures(made_library(30, runs=1))
    assert "Rank history" not in [figure.heading for figure in drawn]


def test_titles_that_look_like_markup_or_mathematics_stay_text() -> None:
    odd = "</svg><script>alert(1)</script> $x^2$ \\alpha & <b>"
    movies = {m.imdb_id: m for m in films(30)}
    movies = {imdb_id: replace(movie, title=f"{odd} {movie.rank}") for imdb_id, movie in movies.items()}
    for figure in draw_figures(library(movies, snapshots(list(movies.values()), 3))):
        for drawing in (figure.wide, figure.narrow):
            assert "<script" not in drawing
            etree.fromstring(drawing)


def test_ten_thousand_points_do_not_make_ten_thousand_marks() -> None:
    movies = {m.imdb_id: m for m in films(3000, cast=1)}
    drawn = draw_figures(library(movies, ()))
    (metascore,) = [figure for figure in drawn if figure.name == "imdb-against-metascore"]
    assert metascore.wide.count("<use") < 2000
