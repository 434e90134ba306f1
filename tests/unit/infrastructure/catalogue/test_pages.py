"""Pages out of awkward films: what comes from the web stays text, what is missing is not invented."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from application.catalogue_data import CatalogueData, library, printable
from application.ports import Poster, PosterFile
from domain.movie import Category, Credit, Movie, Person
from infrastructure.catalogue.assets import bundle
from infrastructure.catalogue.edition import Edition, Site
from infrastructure.catalogue.names import PageNames, numbered
from infrastructure.catalogue.pages import all_pages
from infrastructure.catalogue.views import picture
from tests.support.catalogue import POSTED_AT, made_library
from tests.support.films import bare, film

_ASSETS = bundle(minify=False, fingerprint=False).paths
_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}"


def _pages(made: CatalogueData, **site: Any) -> dict[str, str]:
    edition = Edition(made, Site(assets=_ASSETS, **site))
    return {path: body.decode() for path, body in all_pages(edition)}


def _page(movie: Movie, **site: Any) -> str:
    return _pages(library({movie.imdb_id: movie}, ()), **site)[f"films/{movie.imdb_id}.html"]


def _all(text: str, path: str) -> Any:
    """What an XPath finds in a page."""
    return html.document_fromstring(text).xpath(path)


def test_every_kind_of_page_is_there() -> None:
    pages = _pages(made_library(60))
    kinds = {path.partition("/")[0] if "/" in path else path for path in pages}
    assert kinds == {
        "index.html", "genres.html", "decades.html", "people.html", "charts.html", "films", "people", "genres",
        "decades",
    }  # fmt: skip


def test_the_same_library_gives_the_same_bytes() -> None:
    assert _pages(made_library(40)) == _pages(made_library(40))


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
        directors=(Credit(person, Category.DIRECTOR, 1),),
        cast=(Credit(person, Category.CAST, 1, (_HOSTILE,)),),
    )
    pages = _pages(library({odd.imdb_id: odd}, ()))
    assert len(pages) > 6
    for path, text in pages.items():
        scripts = _all(text, "//script")
        assert all(script.get("src") and not (script.text or "").strip() for script in scripts), path
        assert not _all(text, "//@onerror"), path
        assert "49" not in _all(text, "string(//h1)"), "a template in a title is not carried out"
    assert _all(pages["films/tt9000001.html"], "//h1//text()") == [_HOSTILE]


def test_a_film_of_which_nothing_is_known_but_a_title() -> None:
    text = _page(bare(1))
    assert "Untold 1" in text
    assert "None" not in text
    for label in ("Rating", "Votes", "Metascore", "Length", "Released", "Directed by"):
        assert f">{label}<" not in text


def test_no_votes_are_not_shown_as_none_or_nothing() -> None:
    text = _page(bare(1, votes=0, metascore=0, rating=1.0))
    labels, values = (_all(text, f"//dl[@class='figures']//{tag}/text()") for tag in ("dt", "dd"))
    figures = dict(zip(labels, values, strict=True))
    assert figures == {"Rating": "1.0", "Metascore": "0"}, "a metascore of 0 is a metascore"


def test_a_title_of_five_hundred_characters() -> None:
    title = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft " * 6
    pages = _pages(library({"tt8000001": bare(1, title=title[:500].strip(), genres=("Drama",), year=1990)}, ()))
    assert _all(pages["films/tt8000001.html"], "//h1/@class") == ["longest"]
    card = _all(pages["genres/drama.html"], "string(//li[contains(@class, 'card')]//h2)")
    assert len(card.strip()) <= 163


def test_an_empty_database_says_so() -> None:
    pages = _pages(library({}, ()))
    assert set(pages) == {"index.html", "genres.html", "decades.html", "people.html", "charts.html"}
    assert "Nothing has been saved yet" in pages["index.html"]
    assert "chart.js" not in pages["index.html"]


def test_a_film_without_a_poster_gets_one_of_type() -> None:
    text = _pages(made_library(3))["index.html"]
    assert text.count('class="blank"') == 3
    assert "<img" not in text


def test_a_poster_is_shown_in_the_size_that_is_needed() -> None:
    files = tuple(
        PosterFile(Path(f"/store/tt9000001{part}.0badcafe.{suffix}"), role, form, width, width * 3 // 2, 1)
        for role, part, width in (("full", "", 720), ("thumb", ".thumb", 320))
        for form, suffix in (("webp", "webp"), ("jpeg", "jpg"))
    )
    kept = Poster("tt9000001", "https://x.example/", "", "", POSTED_AT, files)
    text = _page(film(1), pictures={"tt9000001": picture(kept)})
    assert _all(text, "//picture/source/@type") == ["image/webp"]
    assert _all(text, "//picture/source/@srcset") == [
        "../posters/tt9000001.thumb.0badcafe.webp 320w, ../posters/tt9000001.0badcafe.webp 720w"
    ]
    (image,) = _all(text, "//picture//img")
    assert image.get("src") == "../posters/tt9000001.thumb.0badcafe.jpg"
    assert (image.get("width"), image.get("height")) == ("720", "1080")
    assert image.get("alt") == f"Poster of {film(1).title}"


def test_more_than_one_page_of_a_genre() -> None:
    movies = {m.imdb_id: m for m in (bare(number, genres=("Drama",), year=1990) for number in range(500))}
    pages = _pages(library(movies, ()))
    names = [numbered("genres/drama.html", number) for number in (1, 2, 3)]
    shown = [_all(pages[name], "//li[contains(@class, 'card')]") for name in names]
    assert [len(cards) for cards in shown] == [240, 240, 20]
    links = _all(pages[names[0]], "//nav[@aria-label='Pages']/a/@href")
    assert links == [f"../{name}" for name in names[1:]]


def test_every_film_can_be_reached_from_the_front_page() -> None:
    movies = {m.imdb_id: m for m in (*(bare(n) for n in range(300)), *(film(n) for n in range(20)))}
    pages = _pages(library(movies, ()))
    reached, ahead = set(), ["index.html"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        for link in _all(pages[path], "//a/@href"):
            target = str((Path("/") / Path(path).parent / str(link).partition("#")[0]).resolve())[1:]
            if target in pages:
                ahead.append(target)
    assert {path for path in pages if path.startswith("films/")} <= reached


def test_genres_with_names_alike_have_pages_of_their_own() -> None:
    movies = {m.imdb_id: m for m in (bare(n, genres=(g,)) for n, g in enumerate(("Sci-Fi", "sci fi", "科幻", "SF/")))}
    names = PageNames(library(movies, ()))
    paths = [names.genre(genre) for genre in ("Sci-Fi", "sci fi", "科幻", "SF/")]
    assert len(set(paths)) == 4
    assert paths[0] == "genres/sci-fi.html"


def test_several_charts_each_have_a_page() -> None:
    made = made_library(30, runs=2)
    other = [replace(snapshot, chart="toptv", entries=snapshot.entries[:5]) for snapshot in made.snapshots]
    pages = _pages(library(made.movies, (*made.snapshots, *other)))
    headings = {path: _all(text, "string(//h1)") for path, text in pages.items()}
    assert headings["index.html"] == "Top 250"
    assert headings["charts/toptv.html"] == "Top 250 series"


def test_addresses_for_search_engines_only_where_the_site_is_known() -> None:
    assert 'rel="canonical"' not in _page(film(1))
    assert '<link rel="canonical" href="https://films.example/films/tt9000001.html">' in _page(
        film(1), url="https://films.example/"
    )


def test_the_front_pages_address_is_the_folder() -> None:
    text = _pages(made_library(3), url="https://films.example/")["index.html"]
    assert '<link rel="canonical" href="https://films.example/">' in text


_TEXTS = st.text(min_size=1, max_size=40).map(printable).filter(str.strip)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(title=_TEXTS, plot=_TEXTS, genre=_TEXTS.map(lambda text: text.replace("|", "/")), name=_TEXTS)
def test_any_text_survives_into_a_page(title: str, plot: str, genre: str, name: str) -> None:
    person = Person("nm0000001", name)
    cast = (Credit(person, Category.CAST, 1, (name,)),)
    text = _page(bare(1, title=title, plot=plot, genres=(genre,), cast=cast))
    assert _all(text, "string(//h1)").split() == title.split()
    assert _all(text, "string(//p[@class='plot'])").split() == plot.split()


class _Balance(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "link", "img", "source", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_pages_are_sound_html() -> None:
    for path, text in _pages(made_library(12)).items():
        assert text.startswith("<!doctype html>"), path
        balance = _Balance()
        balance.feed(text)
        assert (balance.open, balance.wrong) == ([], []), path
        ids = _all(text, "//@id")
        assert len(ids) == len(set(ids)), path
