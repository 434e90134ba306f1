"""Pages made from what only some stores have: series with episodes, money, countries, ratings and lives by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from application.catalogue_data import CatalogueData, LifeDates, build_catalogue_data
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.catalogue.plots import budget_against_gross, country_shares, draw_plots
from tests.support.films import bare
from tests.unit.infrastructure.catalogue.test_pages import find, render_pages

_SERIES = "tt8000100"


def _series() -> dict[str, Movie]:
    person = Person("nm0000001", "Ada Thorne")
    series = bare(100, kind="tvSeries", year=2001, genres=("Drama",), rating=8.0, cast=(Credit(person, CAST, 1),))
    episodes = [
        bare(
            100 + season * 10 + number,
            kind="tvEpisode",
            series_id=_SERIES,
            season=season,
            episode=number,
            rating=None if (season, number) == (2, 2) else 6.0 + season + number / 10,
            year=2000 + season,
            genres=("Drama",),
            directors=(Credit(person, DIRECTOR, 1),),
        )
        for season in (2, 1)
        for number in (3, 2, 1)
    ]
    return {movie.imdb_id: movie for movie in (series, *episodes)}


def _data(movies: list[Movie]) -> CatalogueData:
    return build_catalogue_data({movie.imdb_id: movie for movie in movies}, ())


def test_a_series_has_a_row_of_cells_for_each_season() -> None:
    pages = render_pages(build_catalogue_data(_series(), ()))
    text = pages[f"films/{_SERIES}.html"]
    assert find(text, "//section[@class='seasons']/h3/text()") == ["Season 1, mean 7.2", "Season 2, mean 8.2"]
    cells = find(text, "//ol[@class='heat']//b/text()")
    assert cells == ["7.1", "7.2", "7.3", "8.1", "–", "8.3"]
    assert find(text, "//ol[@class='heat']//a/@class") == ["s0", "s1", "s2", "s7", "s9"]
    assert find(text, "//ol[@class='heat']//a/@href")[0] == "../films/tt8000111.html"


def test_an_episode_leads_to_its_series_and_its_neighbours() -> None:
    pages = render_pages(build_catalogue_data(_series(), ()))
    text = pages["films/tt8000121.html"]
    assert find(text, "string(//p[contains(@class, 'series')])") == "Untold 100, season 2, episode 1"
    assert find(text, "//nav[@class='turn']/a/@href") == ["../films/tt8000113.html", "../films/tt8000122.html"]
    assert find(text, "//nav[@class='turn']//span[@class='label']/text()")[1] == "Season 2, episode 2"


def test_episodes_of_a_stored_series_are_listed_with_it_only() -> None:
    data = build_catalogue_data(_series(), ())
    assert [movie.imdb_id for movie in data.best()] == [_SERIES]
    assert [movie.imdb_id for movie in data.genres["Drama"]] == [_SERIES]
    assert data.people == {}, "six episodes do not make a person's page"
    alone = {imdb_id: movie for imdb_id, movie in _series().items() if imdb_id != _SERIES}
    assert len(build_catalogue_data(alone, ()).genres["Drama"]) == 6, "without the series they stand for themselves"


def test_films_have_no_heat_map() -> None:
    assert "heat" not in render_pages(_data([bare(1)]))["films/tt8000001.html"]


def _earners(multiples: list[float], **values: object) -> list[Movie]:
    return [
        bare(
            number,
            budget=10_000_000,
            gross_worldwide=int(10_000_000 * multiple),
            budget_currency="USD",
            gross_currency="USD",
            **values,
        )
        for number, multiple in enumerate(multiples)
    ]


def test_money_states_the_median_multiple() -> None:
    plot = budget_against_gross(_data(_earners([0.5, 1.0, 2.5, 4.0, 8.0])))
    assert plot is not None
    assert plot.heading == "Half of the films earned at least 2.5 times their budget"
    assert plot.rows[0] == ("Untold 4", "$10M", "$80M", "8.0")
    assert "money" in str(plot.wide)


def test_money_needs_five_films_in_one_currency() -> None:
    assert budget_against_gross(_data(_earners([1, 2, 3, 4]))) is None
    mixed = [replace(movie, gross_currency="EUR") for movie in _earners([1, 2, 3, 4, 5])]
    assert budget_against_gross(_data(mixed)) is None


def test_a_films_page_has_its_money_and_countries() -> None:
    (movie,) = _earners([2], countries=("FR", "XWG"))
    pages = render_pages(_data([movie]))
    text = pages["films/tt8000000.html"]
    credits = dict(
        zip(
            (str(label).strip() for label in find(text, "//dl[@class='roll']//dt//text()")),
            (" ".join(dd.text_content().split()) for dd in find(text, "//dl[@class='roll']//dd")),
            strict=True,
        )
    )
    assert credits == {"Countries": "France, West Germany", "Budget": "$10M", "Gross": "$20M"}
    assert find(pages["places.html"], "//li[@class='tile']/h2//text()") == ["France", "West Germany"]
    assert find(pages["places/france.html"], "string(//h1)") == "France"
    assert "Places" in find(text, "string(//nav)")


def test_no_country_no_places() -> None:
    pages = render_pages(_data([bare(1)]))
    assert "places.html" not in pages
    assert "Places" not in pages["index.html"]


def test_the_most_frequent_country() -> None:
    movies = [bare(n, countries=("FR",) if n else ("JP", "FR")) for n in range(4)]
    plot = country_shares(_data(movies))
    assert plot is not None
    assert plot.heading == "France is the most frequent country: 100% of the films"
    assert [row[0] for row in plot.rows] == ["France", "Japan"]
    assert [plot.name for plot in draw_plots(_data(movies))] == ["country-shares"]


def test_ratings_by_day_become_a_line() -> None:
    days = ((date(2026, 11, 1), 7.9), (date(2026, 11, 2), 8.0))
    data = replace(_data([bare(1)]), ratings={"tt8000001": days})
    text = render_pages(data)["films/tt8000001.html"]
    assert find(text, "//figcaption/text()") == ["Rating: between 7.9 and 8.0"]
    assert find(text, "//p[contains(@class, 'edges')]/span/text()") == ["1 November 2026", "2 November 2026"]


def test_birth_and_death_where_known() -> None:
    person = Person("nm0000001", "Ada Thorne")
    movies = [bare(n, directors=(Credit(person, DIRECTOR, 1),)) for n in range(2)]
    lives = {"nm0000001": LifeDates("1930-02", "1999-12-31", "Havelund")}
    text = render_pages(replace(_data(movies), lives=lives))["people/nm0000001.html"]
    assert find(text, "string(//p[@class='changes'])") == "Born February 1930 in Havelund, died 31 December 1999."
    assert "Born" not in render_pages(_data(movies))["people/nm0000001.html"]


def test_writers_and_other_credits_have_their_sections() -> None:
    person = Person("nm0000001", "Ada Thorne")
    crew = (Credit(person, "composer", 1), Credit(person, "writer", 1))
    movies = [bare(n, year=1990 + n, crew=crew) for n in range(2)]
    pages = render_pages(_data(movies))
    headings = [str(text).strip() for text in find(pages["people/nm0000001.html"], "//section/h2/text()")]
    assert headings == ["Written", "Other credits"]
    labels = [str(text).strip() for text in find(pages["films/tt8000000.html"], "//dl[@class='roll']//dt//text()")]
    assert labels == ["Released", "Written by", "Music by"]
