"""The feed read by a feed reader and checked against the rules of RSS 2.0; the sitemap against its schema.

The search index has every page of a film, person or list, and nothing that ends the script.

Source: https://www.rssboard.org/rss-specification
"""

from __future__ import annotations

import json
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import feedparser  # type: ignore[import-untyped]
import pytest
from lxml import etree

from application.catalogue_data import build_catalogue_data
from domain.errors import UsageError
from infrastructure.catalogue.build import all_pages
from infrastructure.catalogue.feeds import MAX_ITEMS, feed, search_index, site_address, sitemaps
from infrastructure.catalogue.renderer import PageRenderer, SiteConfig, page_address
from tests.support.catalogue import made_data
from tests.support.films import bare, film, snapshots
from tests.unit.infrastructure.catalogue import sitemap_schema
from tests.unit.infrastructure.catalogue.test_pages import ASSETS

_SITE = "https://films.example/catalogue/"


def check_rules(body: bytes) -> None:
    """What the specification demands of a feed."""
    root = etree.fromstring(body)
    assert root.tag == "rss"
    assert root.get("version") == "2.0"
    (channel,) = root
    for name in ("title", "link", "description"):
        assert len(channel.findall(name)) == 1
        assert channel.findtext(name)
    items = channel.findall("item")
    guids = [item.findtext("guid") for item in items]
    assert len(set(guids)) == len(guids)
    for element in channel.iter("link"):
        assert urlsplit(element.text or "").scheme in ("http", "https")
    for item in items:
        assert item.findtext("title")
        assert item.findtext("description")
        assert item.find("guid").get("isPermaLink") == "false"  # type: ignore[union-attr]  # a guid there is
    for element in channel.iter("pubDate", "lastBuildDate"):
        assert parsedate_to_datetime(element.text or "").tzinfo is not None


@pytest.mark.parametrize("site", ["", _SITE])
def test_the_feed_follows_the_rules_and_a_reader_understands_it(site: str) -> None:
    body = feed(made_data(250, runs=4), site)
    check_rules(body)
    read = feedparser.parse(body)
    assert not read.bozo
    assert read.version == "rss20"
    assert 10 < len(read.entries) <= MAX_ITEMS
    assert all(entry.published_parsed for entry in read.entries)
    moments = [entry.published_parsed for entry in read.entries]
    assert moments == sorted(moments, reverse=True)


def test_entries_tell_who_came_went_rose_and_fell() -> None:
    read = feedparser.parse(feed(made_data(250, runs=4), _SITE))
    beginnings = {entry.title.split()[0] for entry in read.entries}
    assert {"New", "Up", "Down"} <= beginnings


def test_entries_lead_to_the_catalogue_where_its_address_is_known() -> None:
    made = made_data(40, runs=3)
    here = feedparser.parse(feed(made, _SITE))
    there = feedparser.parse(feed(made, ""))
    assert all(entry.link.startswith(f"{_SITE}films/tt") for entry in here.entries)
    assert all(entry.link.startswith("https://www.imdb.com/title/tt") for entry in there.entries)
    assert [entry.id for entry in here.entries] == [entry.id for entry in there.entries]


def test_titles_from_the_web_are_escaped() -> None:
    odd = replace(film(1, rank=1), title="<b>Tom & Jerry</b> ]]>\n</title>")
    movies = {movie.imdb_id: movie for movie in (odd, film(2, rank=2))}
    taken = snapshots(list(movies.values()), 1)
    before = replace(taken[0], run_id="run-0", taken_at=taken[0].taken_at.replace(year=2025))
    swapped = replace(before, entries=before.entries[1:])
    body = feed(build_catalogue_data(movies, (swapped, *taken)), _SITE)
    check_rules(body)
    (entry,) = [entry for entry in feedparser.parse(body, sanitize_html=False).entries if "Tom" in entry.title]
    text = etree.fromstring(body).findtext("channel/item/title") or ""
    assert "<b>Tom & Jerry</b> ]]> </title>" in text
    assert entry.title.startswith("New at 1")


@pytest.mark.parametrize("runs", [0, 1])
def test_without_two_runs_it_is_empty_but_sound(runs: int) -> None:
    body = feed(made_data(20, runs=runs), _SITE)
    check_rules(body)
    assert feedparser.parse(body).entries == []


# --- sitemap -------------------------------------------------------------------------

_LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def _locations(body: bytes) -> list[str | None]:
    return [element.text for element in etree.fromstring(body).iter(_LOC)]


def test_every_page_is_in_the_sitemap() -> None:
    files = sitemaps(_SITE, ["index.html", "films/tt0000001.html"], {"films/tt0000001.html": "2026-11-20"})
    assert list(files) == ["sitemap.xml"]
    root = etree.fromstring(files["sitemap.xml"])
    sitemap_schema.URLS.assertValid(root)
    assert _locations(files["sitemap.xml"]) == [_SITE, f"{_SITE}films/tt0000001.html"]
    assert [element.text for element in root.iter("{*}lastmod")] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("pages", "files"), [(50_000, 1), (50_001, 3), pytest.param(100_001, 4, marks=pytest.mark.long)]
)
def test_a_sitemap_is_split_where_the_protocol_wants_it(pages: int, files: int) -> None:
    paths = [f"films/{number}.html" for number in range(pages)]
    made = sitemaps(_SITE, paths, {})
    assert len(made) == files
    index = made.pop("sitemap.xml")
    if not made:
        sitemap_schema.URLS.assertValid(etree.fromstring(index))
        return
    sitemap_schema.INDEX.assertValid(etree.fromstring(index))
    assert _locations(index) == [f"{_SITE}{name}" for name in made]
    for body in made.values():
        sitemap_schema.URLS.assertValid(etree.fromstring(body))
    assert sum(len(_locations(body)) for body in made.values()) == pages


def test_the_schema_itself_refuses_what_is_wrong() -> None:
    assert not sitemap_schema.URLS.validate(etree.fromstring(sitemaps(_SITE, [], {})["sitemap.xml"]))
    wrong = sitemaps(_SITE, ["a.html"], {"a.html": "yesterday"})["sitemap.xml"]
    assert not sitemap_schema.URLS.validate(etree.fromstring(wrong))


def test_an_address_with_an_ampersand_is_escaped() -> None:
    body = sitemaps("https://films.example/a&b/", ["index.html"], {})["sitemap.xml"]
    assert b"a&amp;b" in body


@pytest.mark.parametrize(
    ("given", "site"),
    [
        ("", ""),
        ("  ", ""),
        ("https://films.example", "https://films.example/"),
        (" http://films.example/x/ ", "http://films.example/x/"),
        ("https://films.example:8443/x", "https://films.example:8443/x/"),
    ],
)
def test_site_addresses_come_in_one_form(given: str, site: str) -> None:
    assert site_address(given) == site


@pytest.mark.parametrize(
    "given",
    ["films.example", "ftp://films.example/", "https://", "https://a.example/?q=1", "https://a.example/#x",
     "https://a b/", "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_site_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="SITE_URL: allowed"):
        site_address(given)


def test_the_front_page_is_the_folder() -> None:
    assert page_address(_SITE, "index.html") == _SITE
    assert page_address(_SITE, "people.html") == f"{_SITE}people.html"


# --- search index --------------------------------------------------------------------


def _index(body: bytes) -> dict[str, Any]:
    text = body.decode()
    assert text.startswith("window.filmledgerSearch(")
    found = json.loads(text.removeprefix("window.filmledgerSearch(").removesuffix(");\n"))
    assert isinstance(found, dict)
    return found


def test_every_entry_is_a_page_and_every_film_and_person_an_entry() -> None:
    made = made_data(30)
    index = _index(search_index(made))
    pages = {path for path, _ in all_pages(PageRenderer(made, SiteConfig(assets=ASSETS)))}
    paths = [entry[2] for kind in index.values() for entry in kind]
    assert set(paths) <= pages
    assert len(set(paths)) == len(paths)
    assert len(index["films"]) == len(made.movies)
    assert len(index["people"]) == len(made.people)
    assert ["Top 250", "chart", "index.html"] in index["lists"]


def test_films_with_most_votes_come_first() -> None:
    movies = [bare(1, votes=5, rating=7.0), bare(2, votes=500, rating=7.0), bare(3)]
    index = _index(search_index(build_catalogue_data({m.imdb_id: m for m in movies}, ())))
    assert [entry[0] for entry in index["films"]] == ["Untold 2", "Untold 1", "Untold 3"]


def test_the_search_index_is_the_same_every_time_and_survives_odd_text() -> None:
    odd = build_catalogue_data({"tt8000001": bare(1, title='"\u2028</script>\\', original_title="\u2029")}, ())
    assert search_index(odd) == search_index(odd)
    body = search_index(odd)
    assert "\u2028".encode() not in body
    assert _index(body)["films"][0][0] == '"\u2028</script>\\'
