"""Pages out of awkward films: what comes from the web stays text, what is missing is not invented."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from application.catalogue_data import CatalogueData, build_catalogue_data, printable
from application.ports.posters import Poster, PosterFile
from application.ports.runs import ChartSnapshot
from domain.movie import CAST, DIRECTOR, Credit, Movie, Person
from infrastructure.catalogue import formats
from infrastructure.catalogue.build import all_pages, bundle_assets
from infrastructure.catalogue.elements import blank_poster
from infrastructure.catalogue.renderer import (
    NOTICE,
    PageRenderer,
    PageUrls,
    SiteConfig,
    numbered,
    poster_image,
)
from tests.support.catalogue import POSTED_AT, made_data
from tests.support.films import bare, film

ASSETS = bundle_assets(minify=False, fingerprint=False).paths
_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}"


def render_pages(made: CatalogueData, **site: Any) -> dict[str, str]:
    renderer = PageRenderer(made, SiteConfig(assets=ASSETS, **site))
    return {path: body.decode() for path, body in all_pages(renderer)}


def _page(movie: Movie, **site: Any) -> str:
    return render_pages(build_catalogue_data({movie.imdb_id: movie}, ()), **site)[f"films/{movie.imdb_id}.html"]


def find(text: str, path: str) -> Any:
    """What an XPath finds in a page."""
    return html.document_fromstring(text).xpath(path)


def test_every_kind_of_page_is_there() -> None:
    pages = render_pages(made_data(60))
    kinds = {path.partition("/")[0] if "/" in path else path for path in pages}
    assert kinds == {
        "index.html", "genres.html", "decades.html", "people.html", "charts.html", "changes.html", "404.html", "films",
        "people", "genres", "decades", "places.html", "places",
    }  # fmt: skip


def test_the_same_library_gives_the_same_bytes() -> None:
    assert render_pages(made_data(40)) == render_pages(made_data(40))


def test_what_comes_from_the_web_stays_text() -> None:
    person = Person("nm0000001", f"Eve {_HOSTILE}")
    odd = replace(
        film(1, rank=1, cast=1),
        title=_HOSTILE,
        original_title=f"o {_HOSTILE}",
        plot=_HOSTILE,
        certificate=_HOSTILE,
        genres=(_HOSTILE.replace("|", ""),),
        source_url='https://www.imdb.com/title/tt9000001/?"><script>alert(2)</script>',
        directors=(Credit(person, DIRECTOR, 1),),
        cast=(Credit(person, CAST, 1, (_HOSTILE,)),),
    )
    pages = render_pages(build_catalogue_data({odd.imdb_id: odd}, ()))
    assert len(pages) > 6
    for path, text in pages.items():
        scripts = find(text, "//script")
        for script in scripts:
            if script.get("type") == "application/ld+json":
                json.loads(script.text)
            else:
                assert script.get("src"), path
                assert not (script.text or "").strip(), path
        assert not find(text, "//@onerror"), path
        assert "49" not in find(text, "string(//h1)"), "a template in a title is not carried out"
    assert find(pages["films/tt9000001.html"], "string(//h1)") == _HOSTILE


def test_a_film_of_which_nothing_is_known_but_a_title() -> None:
    text = _page(bare(1))
    assert "Untold 1" in text
    assert "None" not in text
    for label in ("Rating", "Votes", "Metascore", "Length", "Released", "Directed by"):
        assert f">{label}<" not in text


def test_no_votes_are_not_shown_as_none_or_nothing() -> None:
    text = _page(bare(1, votes=0, metascore=0, rating=1.0))
    labels, values = (find(text, f"//dl[@class='numbers']//{tag}/text()") for tag in ("dt", "dd"))
    figures = dict(zip(labels, values, strict=True))
    assert figures == {"Rating": "1.0", "Metascore": "0"}, "a metascore of 0 is a metascore"


def test_a_title_of_five_hundred_characters() -> None:
    title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " * 6
    pages = render_pages(
        build_catalogue_data({"tt8000001": bare(1, title=title[:500].strip(), genres=("Drama",), year=1990)}, ())
    )
    assert find(pages["films/tt8000001.html"], "//h1/@class") == ["longest"]
    card = find(pages["genres/drama.html"], "string(//li[contains(@class, 'card')]//h2)")
    assert len(card.strip()) <= 163


def test_an_empty_database_says_so() -> None:
    pages = render_pages(build_catalogue_data({}, ()))
    assert set(pages) == {"index.html", "genres.html", "decades.html", "people.html", "charts.html", "404.html"}
    assert "Nothing has been saved yet" in pages["index.html"]
    assert "grid.js" not in pages["index.html"]
    for path in ("people.html", "charts.html"):
        assert find(pages[path], "//main//p[@class='label']") == [], "a label only where there is something to label"


def test_a_single_film_has_nothing_to_filter_or_order() -> None:
    for number in (1, 2):
        pages = render_pages(made_data(number))
        assert len(find(pages["index.html"], "//form[@id='controls']")) == number - 1
        assert ("grid.js" in pages["index.html"]) is (number > 1)


def test_only_a_chart_has_columns_for_ranks() -> None:
    pages = render_pages(made_data(40))
    shown = {path: find(text, "//ol[@id='films']/@class") for path, text in pages.items()}
    assert {path for path, classes in shown.items() if classes and "unranked" not in classes[0]} == {"index.html"}


def test_a_film_without_a_poster_gets_a_designed_card() -> None:
    text = render_pages(made_data(3))["index.html"]
    assert text.count('class="blank"') == 3
    assert "<img" not in text
    assert find(text, "//span[@class='blank']/b//text()") == find(text, "//h2/a/text()")
    cards = [blank_poster(bare(1, genres=genres)) for genres in (("Drama",), ("War",), ("Made up",), ())]
    grounds = {card.partition(";")[0] for card in cards}
    assert len(grounds) == 4, "the ground comes from the genre"


def test_a_poster_is_shown_in_the_size_that_is_needed() -> None:
    files = tuple(
        PosterFile(Path(f"/store/tt9000001{part}.0badcafe.{suffix}"), role, form, width, width * 3 // 2, 1)
        for role, part, width in (("full", "", 720), ("thumb", ".thumb", 320))
        for form, suffix in (("webp", "webp"), ("jpeg", "jpg"))
    )
    kept = Poster("tt9000001", "https://x.example/", "", "", POSTED_AT, files)
    text = _page(film(1), posters={"tt9000001": poster_image(kept)})
    assert find(text, "//picture/source/@type") == ["image/webp"]
    assert find(text, "//picture/source/@srcset") == [
        "../posters/tt9000001.thumb.0badcafe.webp 320w, ../posters/tt9000001.0badcafe.webp 720w"
    ]
    (image,) = find(text, "//picture//img")
    assert image.get("src") == "../posters/tt9000001.thumb.0badcafe.jpg"
    assert (image.get("width"), image.get("height")) == ("720", "1080")
    assert image.get("alt") == f"Poster of {film(1).title}"


def test_more_than_one_page_of_a_genre() -> None:
    movies = {m.imdb_id: m for m in (bare(number, genres=("Drama",), year=1990) for number in range(500))}
    pages = render_pages(build_catalogue_data(movies, ()))
    names = [numbered("genres/drama.html", number) for number in (1, 2, 3)]
    shown = [find(pages[name], "//li[contains(@class, 'card')]") for name in names]
    assert [len(cards) for cards in shown] == [240, 240, 20]
    links = find(pages[names[0]], "//nav[@aria-label='Pages']/a/@href")
    assert links == [f"../{name}" for name in names[1:]]


def test_every_film_can_be_reached_from_the_front_page() -> None:
    movies = {m.imdb_id: m for m in (*(bare(n) for n in range(300)), *(film(n) for n in range(20)))}
    pages = render_pages(build_catalogue_data(movies, ()))
    reached, ahead = set(), ["index.html"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        for link in find(pages[path], "//a/@href"):
            target = str((Path("/") / Path(path).parent / str(link).partition("#")[0]).resolve())[1:]
            if target in pages:
                ahead.append(target)
    assert {path for path in pages if path.startswith("films/")} <= reached


def test_genres_with_names_alike_have_pages_of_their_own() -> None:
    movies = {m.imdb_id: m for m in (bare(n, genres=(g,)) for n, g in enumerate(("Sci-Fi", "sci fi", "科幻", "SF/")))}
    urls = PageUrls(build_catalogue_data(movies, ()))
    paths = [urls.genre(genre) for genre in ("Sci-Fi", "sci fi", "科幻", "SF/")]
    assert len(set(paths)) == 4
    assert paths[0] == "genres/sci-fi.html"


def test_several_charts_each_have_a_page() -> None:
    made = made_data(30, runs=2)
    other = [replace(snapshot, chart="toptv", entries=snapshot.entries[:5]) for snapshot in made.snapshots]
    pages = render_pages(build_catalogue_data(made.movies, (*made.snapshots, *other)))
    headings = {path: find(text, "string(//h1)") for path, text in pages.items()}
    assert headings["index.html"] == "Top 250"
    assert headings["charts/toptv.html"] == "Top 250 series"


def test_addresses_for_search_engines_only_where_the_site_is_known() -> None:
    assert 'rel="canonical"' not in _page(film(1))
    assert '<link rel="canonical" href="https://films.example/films/tt9000001.html">' in _page(
        film(1), url="https://films.example/"
    )


def test_a_film_is_linked_data_too() -> None:
    movie = film(1)
    (text,) = find(_page(movie, url="https://films.example/"), "//script[@type='application/ld+json']/text()")
    data = json.loads(text)
    assert (data["@type"], data["name"], data["url"]) == (
        "Movie",
        movie.title,
        "https://films.example/films/tt9000001.html",
    )
    assert data["aggregateRating"]["ratingValue"] == movie.rating
    assert data["duration"] == f"PT{movie.duration_minutes}M"
    assert [person["name"] for person in data["director"]] == [credit.person.name for credit in movie.directors]
    nothing = json.loads(find(_page(bare(1)), "//script[@type='application/ld+json']/text()")[0])
    assert set(nothing) == {"@context", "@type", "name", "sameAs"}, "what is not known is not invented"


def test_every_page_says_what_it_is_to_search_engines_and_previews() -> None:
    for path, text in render_pages(made_data(12, runs=2), url="https://films.example/").items():
        assert len(find(text, "//meta[@name='description']/@content")) == 1, path
        assert find(text, "//meta[@property='og:title']/@content"), path
        assert len(find(text, "//meta[@name='theme-color']")) == 2, path
        assert bool(find(text, "//link[@rel='canonical']")) == (path != "404.html"), path
        assert NOTICE in find(text, "string(//footer)"), path


def test_the_error_page_works_at_any_depth_and_is_not_indexed() -> None:
    text = render_pages(made_data(3), url="https://films.example/sub/")["404.html"]
    assert find(text, "//base/@href") == ["https://films.example/sub/"]
    assert find(text, "//meta[@name='robots']/@content") == ["noindex"]
    assert not find(render_pages(made_data(3))["404.html"], "//base")


def test_nothing_about_movement_until_there_are_two_days() -> None:
    for made in (made_data(12, runs=1), build_catalogue_data(*_same_day())):
        pages = render_pages(made)
        assert "changes.html" not in pages
        assert not find(pages["index.html"], "//*[contains(@class, 'move')]")
        assert not find(pages["index.html"], "//p[@class='changes']")
        assert not find(pages["index.html"], "//select[@id='move']")
        assert "since" not in pages["index.html"]


def _same_day() -> tuple[dict[str, Movie], tuple[ChartSnapshot, ...]]:
    made = made_data(12, runs=2)
    first, last = made.snapshots
    return made.movies, (replace(first, taken_at=last.taken_at - timedelta(hours=2)), last)


def test_what_changed_lists_newcomers_leavers_climbers_and_fallers() -> None:
    made = made_data(60, runs=2)
    first, last = made.snapshots
    gone = replace(last, entries=tuple(entry for entry in last.entries if entry.rank != 5))
    came = replace(first, entries=tuple(entry for entry in first.entries if entry.imdb_id != last.entries[6].imdb_id))
    data = build_catalogue_data(made.movies, (came, gone))
    text = render_pages(data)["changes.html"]
    assert find(text, "//h2/@id") == ["new", "gone", "up", "down"]
    chart = data.charts[0]
    assert find(text, "string(//section[h2/@id='gone']//a)") == made.movies[last.entries[4].imdb_id].title
    assert len(find(text, "//section[h2/@id='up']//li")) == min(24, len(chart.climbers))
    assert "1 gone" in find(render_pages(data)["index.html"], "string(//p[@class='changes'])")


def test_a_persons_page_has_sections_a_trend_and_collaborators() -> None:
    one, two = Person("nm0000001", "Ada Thorne"), Person("nm0000002", "Bram Vass")
    movies = {
        f"tt800000{number}": replace(
            bare(number, year=1990 + number, rating=6.0 + number),
            directors=(Credit(one, DIRECTOR, 1),),
            cast=(Credit(two, CAST, 1, ("Guest",)),) if number < 3 else (Credit(one, CAST, 1),),
        )
        for number in range(4)
    }
    pages = render_pages(build_catalogue_data(movies, ()))
    text = pages["people/nm0000001.html"]
    assert [heading.split()[0] for heading in find(text, "//section/h2/text()")] == ["Directed", "Acted", "Most"]
    assert find(text, "//section[1]//li/span[contains(@class, 'year')]/text()") == ["1993", "1992", "1991", "1990"]
    assert find(text, "//section[@aria-labelledby='collaborators']//a//text()") == ["Bram Vass"]
    assert find(text, "//figure//figcaption/text()") == ["Ratings of 4 films over time"]
    assert "mean rating 7.5" in find(text, "string(//div[@class='heading'])")
    assert find(pages["people/nm0000002.html"], "//span[@class='note']//text()") == ["as Guest"] * 3


def test_many_films_of_a_person_are_folded() -> None:
    person = Person("nm0000001", "Ada Thorne")
    movies = {
        f"tt8{number:06}": replace(bare(number, year=1990), directors=(Credit(person, DIRECTOR, 1),))
        for number in range(50)
    }
    text = render_pages(build_catalogue_data(movies, ()))["people/nm0000001.html"]
    assert len(find(text, "//details//li")) == 14
    assert len(find(text, "//section//li")) == 50


def test_people_are_found_by_their_letter() -> None:
    made = made_data(40)
    pages = render_pages(made)
    listed = set()
    for path in [path for path in pages if path.startswith("people/") and not path.startswith("people/nm")]:
        names = [link.text_content() for link in find(pages[path], "//ol[@class='names']//a")]
        letter = find(pages[path], "string(//h1)")
        assert all(_initial(name) == letter for name in names), path
        listed |= set(find(pages[path], "//ol[@class='names']//a/@href"))
    assert {f"../people/{person_id}.html" for person_id in made.people} == listed


def _initial(name: str) -> str:
    return formats.searchable(name.split()[-1])[0].upper().replace("Ø", "Other")


def test_tiles_have_four_posters_a_count_and_a_mean() -> None:
    made = made_data(60)
    text = render_pages(made)["genres.html"]
    tiles = find(text, "//li[@class='tile']")
    assert len(tiles) == len(made.genres)
    assert len(tiles[0].xpath(".//span[@class='poster']")) == 4
    largest = max(made.genres.values(), key=len)
    ratings = [movie.rating for movie in largest if movie.rating is not None]
    mean = sum(ratings) / len(ratings)
    assert tiles[0].xpath("string(p)") == f"{len(largest)} films, mean rating {mean:.1f}"


def test_the_front_pages_address_is_the_folder() -> None:
    text = render_pages(made_data(3), url="https://films.example/")["index.html"]
    assert '<link rel="canonical" href="https://films.example/">' in text


_TEXTS = st.text(min_size=1, max_size=40).map(printable).filter(str.strip)


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(title=_TEXTS, plot=_TEXTS, genre=_TEXTS.map(lambda text: text.replace("|", "/")), name=_TEXTS)
def test_any_text_survives_into_a_page(title: str, plot: str, genre: str, name: str) -> None:
    person = Person("nm0000001", name)
    cast = (Credit(person, CAST, 1, (name,)),)
    text = _page(bare(1, title=title, plot=plot, genres=(genre,), cast=cast))
    assert find(text, "string(//h1)").split() == title.split()
    assert find(text, "string(//p[@class='plot'])").split() == plot.split()


class _Balance(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("base", "meta", "link", "img", "source", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_pages_are_sound_html() -> None:
    for path, text in render_pages(made_data(12)).items():
        assert text.startswith("<!doctype html>"), path
        balance = _Balance()
        balance.feed(text)
        assert (balance.open, balance.wrong) == ([], []), path
        ids = find(text, "//@id")
        assert len(ids) == len(set(ids)), path
