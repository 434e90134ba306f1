"""Plots: reproducible, well-formed, with headings that the data support."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from application.catalogue_data import CatalogueData, build_catalogue_data
from domain.movie import Movie
from infrastructure.catalogue.plots import Plot, draw_plots, person_trend, rank_trends, rating_trends
from tests.support.catalogue import made_data
from tests.support.films import bare, films, snapshots


@pytest.fixture(scope="module")
def made() -> CatalogueData:
    return made_data(120, runs=4)


@pytest.fixture(scope="module")
def plots(made: CatalogueData) -> tuple[Plot, ...]:
    return draw_plots(made)


def _named(name: str, movies: list[Movie]) -> Plot | None:
    data = build_catalogue_data({movie.imdb_id: movie for movie in movies}, ())
    return next((plot for plot in draw_plots(data) if plot.name == name), None)


def test_there_is_one_for_each_question(plots: tuple[Plot, ...]) -> None:
    assert [plot.name for plot in plots] == [
        "rank-history",
        "ratings-by-decade",
        "imdb-against-metascore",
        "length-over-the-years",
        "votes-against-rating",
        "budget-against-gross",
        "genre-shares",
        "country-shares",
    ]


@pytest.mark.long
def test_the_same_films_give_the_same_bytes(made: CatalogueData, plots: tuple[Plot, ...]) -> None:
    assert draw_plots(made) == plots
    assert rank_trends(made) == rank_trends(made)


def test_colours_and_typeface_come_from_the_page(plots: tuple[Plot, ...]) -> None:
    for plot in plots:
        for drawing in (plot.wide, plot.narrow):
            assert "var(--" in drawing
            assert not re.search(r"(fill|stroke): #(?!none)", drawing)
            assert "font-family" not in drawing
            assert "DejaVu" not in drawing


def test_every_drawing_is_well_formed_and_has_a_name(plots: tuple[Plot, ...]) -> None:
    seen: set[str] = set()
    for plot in plots:
        for drawing in (plot.wide, plot.narrow):
            root = etree.fromstring(drawing)
            assert root.get("role") == "img"
            assert root.get("aria-label") == root.findtext("title") != ""
            ids = [element.get("id") for element in root.iter() if element.get("id")]
            assert not seen & set(ids), "ids are unique on the page"
            seen.update(str(known) for known in ids)
            for element in root.iter("use"):
                assert (element.get("href") or "")[1:] in ids


def test_no_dot_is_clipped(plots: tuple[Plot, ...]) -> None:
    for plot in plots:
        for drawing in (plot.wide, plot.narrow):
            root = etree.fromstring(drawing)
            left, top, width, height = map(float, str(root.get("viewBox")).split())
            for mark in root.iter("use"):
                assert mark.get("clip-path") is None
                assert left <= float(mark.get("x", "0")) <= left + width
                assert top <= float(mark.get("y", "0")) <= top + height


def test_the_numbers_are_beside_the_drawing(plots: tuple[Plot, ...]) -> None:
    for plot in plots:
        assert plot.rows
        assert {len(row) for row in plot.rows} == {len(plot.columns)}


def test_a_decade_is_named_only_when_its_median_is_the_highest() -> None:
    films = [bare(number, year=1980 + number % 2 * 10, rating=7.0 + number % 2) for number in range(12)]
    plot = _named("ratings-by-decade", films)
    assert plot is not None
    assert plot.heading == "The 1990s have the highest median rating: 8.0"
    equal = _named("ratings-by-decade", [replace(film, rating=7.0) for film in films])
    assert equal is not None
    assert equal.heading == "Ratings by decade", "a tie is no finding"
    few = _named("ratings-by-decade", films[:6])
    assert few is not None
    assert few.heading == "Ratings by decade", "three films say nothing about a decade"


@pytest.mark.parametrize(
    ("critics", "heading"),
    [
        (60, "Viewers rate 10 points higher than critics"),
        (85, "Viewers rate 15 points lower than critics"),
        (71, "Viewers rate 1 point lower than critics"),
        (70, "IMDb rating and Metascore"),
    ],
)
def test_viewers_and_critics(critics: int, heading: str) -> None:
    plot = _named("imdb-against-metascore", [bare(n, rating=7.0, metascore=critics) for n in range(6)])
    assert plot is not None
    assert plot.heading == heading


@pytest.mark.parametrize(
    ("minutes", "heading"),
    [
        (130, "The median film of the 1990s is 30 minutes longer than that of the 1980s"),
        (90, "The median film of the 1990s is 10 minutes shorter than that of the 1980s"),
        (102, "Running times by year"),
    ],
)
def test_running_times(minutes: int, heading: str) -> None:
    old = [bare(n, year=1985, duration_minutes=100) for n in range(5)]
    new = [bare(n + 5, year=1995, duration_minutes=minutes) for n in range(5)]
    plot = _named("length-over-the-years", old + new)
    assert plot is not None
    assert plot.heading == heading


@pytest.mark.parametrize(
    ("rating", "heading"),
    [
        (lambda n: 5 + n / 10, "Films with more votes tend to be rated higher"),
        (lambda n: 9 - n / 10, "Films with more votes tend to be rated lower"),
        (lambda n: 7.0, "Votes and rating"),
        (lambda n: 7.0 + n % 2, "Votes and rating"),
    ],
)
def test_votes_and_rating(rating: object, heading: str) -> None:
    films = [bare(n, votes=1000 * (n + 1), rating=round(rating(n), 1)) for n in range(24)]  # type: ignore[operator]
    plot = _named("votes-against-rating", films)
    assert plot is not None
    assert plot.heading == heading


@pytest.mark.long
def test_the_most_frequent_genre() -> None:
    films = [bare(n, genres=("Drama",) if n < 3 else ("War",)) for n in range(4)]
    plot = _named("genre-shares", films)
    assert plot is not None
    assert plot.heading == "Drama is the most frequent genre: 75% of the films"
    tied = _named("genre-shares", [*films[1:], bare(9, genres=("War",))])
    assert tied is not None
    assert tied.heading == "Films by genre"


def test_shares_that_are_all_the_same_hundred_percent_say_nothing() -> None:
    assert _named("genre-shares", [bare(1, genres=("Drama", "War"))]) is None


@pytest.mark.long
def test_the_film_that_moved_farthest() -> None:
    movies = list(films(30))
    taken = list(snapshots(movies, 1))
    entries = taken[0].entries
    moved = (*entries[1:10], replace(entries[0], rank=10), *entries[10:])
    ranked = tuple(replace(entry, rank=rank) for rank, entry in enumerate(moved, start=1))
    later = replace(taken[0], run_id="later", taken_at=taken[0].taken_at + timedelta(days=1), entries=ranked)
    data = build_catalogue_data({movie.imdb_id: movie for movie in movies}, (taken[0], later))
    (plot,) = [plot for plot in draw_plots(data) if plot.name == "rank-history"]
    assert plot.heading == f"{movies[0].title} fell 9 places since 20 November 2026"


@pytest.mark.long
def test_the_film_that_moved_farthest_is_not_the_one_that_came_back() -> None:
    movies = list(films(30))
    taken = list(snapshots(movies, 1))
    orders = [range(30), [29, *range(29)], [1, 2, 3, 0, *range(4, 30)]]  # the last one rises by 29 and falls again
    days = [
        replace(
            taken[0],
            run_id=str(day),
            taken_at=taken[0].taken_at + timedelta(days=day),
            entries=tuple(replace(taken[0].entries[at], rank=rank) for rank, at in enumerate(order, start=1)),
        )
        for day, order in enumerate(orders)
    ]
    data = build_catalogue_data({movie.imdb_id: movie for movie in movies}, tuple(days))
    (plot,) = [plot for plot in draw_plots(data) if plot.name == "rank-history"]
    assert plot.heading == f"{movies[0].title} fell 3 places since 20 November 2026"
    assert movies[29].title in [row[0] for row in plot.rows]


@pytest.mark.long
def test_the_film_with_most_votes_is_named_once_if_it_is_rated_highest() -> None:
    same = [bare(n, title=f"Film {n}", rating=8 + n / 10, votes=1000 * (n + 1)) for n in range(6)]
    plot = _named("votes-against-rating", same)
    assert plot is not None
    assert plot.words == "Film 5 has the most votes, 6,000, and the highest rating, 8.5."
    other = _named("votes-against-rating", [*same, bare(7, title="Film 7", rating=9.9, votes=10)])
    assert other is not None
    assert other.words.endswith("a rating of 8.5; Film 7 has the highest rating, 9.9, from 10 votes.")


def test_a_film_has_a_line_of_its_ranks_only_when_they_changed(made: CatalogueData) -> None:
    trends = rank_trends(made)
    changed = {
        imdb_id
        for imdb_id, days in made.charts[0].history.items()
        if len({day.rank for day in days if day.rank is not None}) > 1
    }
    assert set(trends) == changed
    assert 0 < len(changed) < len(made.charts[0].history)
    for trend in trends.values():
        etree.fromstring(trend.svg)
        assert trend.caption.startswith("Top 250: between rank ")
        assert int(trend.top) < int(trend.bottom), "the better rank is on top"


def test_a_rating_that_never_changed_has_no_line(made: CatalogueData) -> None:
    assert rating_trends(made) == {}


def test_a_rating_that_changed_has_one(made: CatalogueData) -> None:
    first, *_, last = made.snapshots
    entry = last.entries[0]
    risen = replace(last, entries=(replace(entry, rating=(entry.rating or 0) + 0.2), *last.entries[1:]))
    trends = rating_trends(build_catalogue_data(made.movies, (first, risen)))
    assert list(trends) == [entry.imdb_id]
    assert trends[entry.imdb_id].first == "17 November 2026"


def test_a_persons_ratings_over_time() -> None:
    movies = [bare(n, year=1990 + n, rating=6.0 + n) for n in range(3)]
    trend = person_trend(movies)
    assert trend is not None
    assert (trend.first, trend.last, trend.bottom, trend.top) == ("1990", "1992", "6.0", "8.0")
    assert person_trend(movies[:2]) is None


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_little_data_gives_no_plot(count: int) -> None:
    data = build_catalogue_data({m.imdb_id: m for m in map(bare, range(count))}, ())
    assert draw_plots(data) == ()
    assert rank_trends(data) == {}


def test_one_day_has_no_history() -> None:
    assert "rank-history" not in [plot.name for plot in draw_plots(made_data(30, runs=1))]


@pytest.mark.long
def test_titles_that_look_like_markup_or_mathematics_stay_text() -> None:
    odd = "</svg><script>alert(1)</script> $x^2$ \\alpha & <b>"
    movies = {m.imdb_id: m for m in films(30)}
    movies = {imdb_id: replace(movie, title=f"{odd} {movie.rank}") for imdb_id, movie in movies.items()}
    for plot in draw_plots(build_catalogue_data(movies, snapshots(list(movies.values()), 3))):
        for drawing in (plot.wide, plot.narrow):
            assert "<script" not in drawing
            etree.fromstring(drawing)


@pytest.mark.long
def test_three_thousand_films_do_not_make_three_thousand_marks() -> None:
    movies = {m.imdb_id: m for m in films(3000, cast=1)}
    drawn = draw_plots(build_catalogue_data(movies, ()))
    (metascore,) = [plot for plot in drawn if plot.name == "imdb-against-metascore"]
    assert metascore.wide.count("<use") < 2000
