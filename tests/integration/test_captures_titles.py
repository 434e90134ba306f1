"""Every captured title page, read by the parser and by other means, must say the same."""

from __future__ import annotations

import gzip
import html
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Blocked, NotATitlePage, UnknownLayout, WrongTitle
from domain.movie import Credit, Movie, title_url
from infrastructure.scraper.title_fields import CORE_FIELDS
from infrastructure.scraper.title_page import parse_title
from tests.integration.captured_titles import (
    NOW,
    CapturedTitle,
    captured,
    each,
    linked_minutes,
    linked_people,
    parsed,
    told,
)

pytestmark = pytest.mark.usefixtures("captures")

NEXT_PAGES = captured(lambda title: title.layout.startswith("Next.js"))
NEXT_DATA = captured(lambda title: title.name.startswith("title_next_data/"))
OLD_PAGES = captured(lambda title: title.layout.startswith("old"))
WITH_LINKED_DATA = captured(lambda title: title.layout.startswith("old, ld+json"))
WITHOUT_ISLANDS = captured(lambda title: title.layout.startswith("old, no ld+json"))


def people(credits: tuple[Credit, ...]) -> list[tuple[str, str]]:
    return [(credit.person.person_id, credit.person.name) for credit in credits]


def numbers(credits: tuple[Credit, ...]) -> list[int]:
    return [credit.position for credit in credits]


def iso(date: dict[str, int | None] | None) -> str | None:
    parts = [date[key] for key in ("year", "month", "day")] if date else []
    return "-".join(f"{part:02d}" for part in parts if part is not None) or None


def test_the_index_lists_pages_of_every_time() -> None:
    assert (len(NEXT_PAGES), len(NEXT_DATA), len(OLD_PAGES)) == (51, 5, 26)


@pytest.mark.parametrize("capture", each(NEXT_PAGES + NEXT_DATA))
def test_a_page_with_next_data_has_exactly_the_fields_that_the_index_lists(capture: CapturedTitle) -> None:
    title = parsed(capture)
    assert told(title.movie) == capture.listed
    # One capture was made smaller by its owner: its lists of people are gone, two remain in the window's title.
    trimmed = capture.name.endswith("tveronesi-imdbinfo-4.json.gz")
    withheld = capture.imdb_id == "tt3303790"  # its page lists none of its one director
    assert title.missing & CORE_FIELDS == ({"cast", "directors"} if trimmed else {"directors"} if withheld else set())
    assert title.movie.source_url == title_url(capture.imdb_id)
    assert title.movie.scraped_at == NOW
    for credits in (title.movie.directors, title.movie.cast):
        assert numbers(credits) == list(range(1, len(credits) + 1))


@pytest.mark.parametrize("capture", each(NEXT_PAGES))
def test_a_page_with_next_data_says_what_its_other_parts_say(capture: CapturedTitle) -> None:
    movie, page = parsed(capture).movie, capture.page
    linked = page.linked_data
    assert movie.title == html.unescape(linked.get("alternateName", linked["name"]))
    assert movie.original_title == html.unescape(linked["name"])
    ratings = linked.get("aggregateRating", {})
    assert (movie.rating, movie.votes) == (ratings.get("ratingValue"), ratings.get("ratingCount"))
    assert movie.duration_minutes == (linked_minutes(linked["duration"]) if "duration" in linked else None)
    assert movie.certificate == linked.get("contentRating")
    assert movie.poster_url == linked.get("image")
    assert list(movie.genres[:3]) == linked.get("genre", [])
    assert people(movie.directors) == linked_people(linked.get("director"))
    assert {person for person, _ in linked_people(linked.get("actor"))} <= {person for person, _ in people(movie.cast)}
    beginning = html.unescape(linked.get("description", "")).removesuffix("...").strip()
    assert (movie.plot or "").startswith(beginning)
    assert bool(movie.plot) == bool(beginning)
    if "datePublished" in linked:
        assert movie.release_date == linked["datePublished"]

    score = page.text('//span[contains(@class,"score-meta") or contains(@class,"metacritic-score-box")]')
    assert movie.metascore == (int(score) if score else None)
    shown = page.cast
    assert people(movie.cast)[: len(shown)] == shown
    assert len(shown) in {len(movie.cast), 18}
    in_brackets = re.search(r"\(([^()]*?) ?(\d{4})\) - IMDb$", page.window_title)
    if in_brackets:
        assert movie.year == int(in_brackets[2])
        assert movie.kind == {"": "movie", "TV Movie": "tvMovie", "Video": "video"}[in_brackets[1]]
    else:
        assert (movie.year, movie.kind) == (None, "movie")


@pytest.mark.parametrize("capture", each(NEXT_PAGES))
def test_roles_and_dates_are_those_of_the_raw_json(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    page = capture.page.next_data["props"]["pageProps"]
    above, main = page["aboveTheFoldData"], page["mainColumnData"]
    assert movie.release_date == iso(above["releaseDate"])
    assert movie.kind == above["titleType"]["id"]
    if "castV2" in main:
        lines = [line for group in main["castV2"] for line in group["credits"]]
        roles = {line["name"]["id"]: _roles_of_2026(line) for line in lines}
    else:
        lines = [line for group in main.get("principalCast", []) for line in group["credits"]]
        lines += [edge["node"] for edge in main["cast"]["edges"]]
        roles = {line["name"]["id"]: [role["name"] for role in line["characters"] or []] for line in lines}
    assert {credit.person.person_id: list(credit.characters) for credit in movie.cast} == roles


def _roles_of_2026(line: dict[str, Any]) -> list[str]:
    nodes = [edge["node"]["characters"] for edge in line["creditedRoles"]["edges"]]
    return [edge["node"]["name"] for characters in nodes if characters for edge in characters["edges"]]


@pytest.mark.parametrize("capture", each(NEXT_DATA))
def test_bare_next_data_says_what_its_raw_json_says(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    page = json.loads(capture.body)["props"]["pageProps"]
    above, main = page["aboveTheFoldData"], page["mainColumnData"]
    assert movie.title == above["titleText"]["text"]
    assert movie.original_title == above["originalTitleText"]["text"]
    assert movie.year == above["releaseYear"]["year"]
    assert movie.rating == above["ratingsSummary"]["aggregateRating"]
    assert movie.votes == above["ratingsSummary"]["voteCount"]
    assert movie.duration_minutes == above["runtime"]["seconds"] / 60
    assert movie.metascore == (main["metacritic"]["metascore"]["score"] if main["metacritic"] else None)
    assert list(movie.genres) == [genre["genre"]["text"] for genre in above["titleGenres"]["genres"]]
    assert movie.plot == above["plot"]["plotText"]["plainText"]
    assert movie.poster_url == above["primaryImage"]["url"]
    assert movie.certificate == above["certificate"]["rating"]
    assert movie.release_date == iso(main["releaseDate"])
    for found, kind in ((movie.directors, "director"), (movie.cast, "cast")):
        listed = [credit for group in _credit_groups(main, kind) for credit in group["credits"]["edges"]]
        names = [(edge["node"]["name"]["id"], edge["node"]["name"]["nameText"]["text"]) for edge in listed]
        assert people(found)[: len(names)] == names
        totals = [section["section"]["total"] for section in main.get("categories", []) if _is(kind, section["id"])]
        assert len(found) in {*totals, 50} or not totals  # the first fifty of a thousand are on the page
    if listed:
        assert movie.cast[0].characters == tuple(_roles(listed[0]["node"]))


_GROUPS = {"director": "ace5cb4c-8708-4238-9542-04641e7c8171", "cast": "7caf7d16-5db9-4f4f-8864-d4c6e711c686"}


def _is(kind: str, identity: str) -> bool:
    return identity == kind or identity[-36:] == _GROUPS[kind]


def _credit_groups(main: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    groups = main.get("creditCategories", []) + [
        edge["node"] for edge in main.get("creditGroupings", {}).get("edges", [])
    ]
    return [
        group
        for group in groups
        if _is(kind, group["category"]["id"] if "category" in group else group["grouping"]["groupingId"])
    ]


def _roles(line: dict[str, Any]) -> list[str]:
    return [role["name"] for role in line["characters"]] if "characters" in line else _roles_of_2026(line)


@pytest.mark.parametrize("capture", each(NEXT_PAGES[::4]))
@pytest.mark.parametrize("gone", ["next_data", "both"])
def test_what_is_left_of_a_page_never_contradicts_the_whole(capture: CapturedTitle, gone: str) -> None:
    whole = parsed(capture).movie
    body = capture.body.replace(b'id="__NEXT_DATA__" type="application/json">{', b'id="__NEXT_DATA__">{{', 1)
    if gone == "both":
        body = re.sub(rb'<script type="application/ld\+json">.*?</script>', b"", body, flags=re.DOTALL)
    assert body != capture.body
    left = parse_title(body, imdb_id=capture.imdb_id, scraped_at=NOW)
    assert left.missing
    for field in fields(Movie):
        _agree(field.name, getattr(whole, field.name), getattr(left.movie, field.name), field.name in left.missing)


@pytest.mark.parametrize("capture", each(NEXT_PAGES[::4]))
def test_the_texts_of_the_interface_say_nothing_of_the_title(capture: CapturedTitle) -> None:
    """The parser skips them; read with them, as under another name, the page is the same."""
    body = capture.body.replace(b'"translationContext":', b'"anotherContext":')
    assert body != capture.body
    assert parse_title(body, imdb_id=capture.imdb_id, scraped_at=NOW) == parsed(capture)


def _agree(field: str, whole: Any, left: Any, cut: bool) -> None:
    if field in {"directors", "cast", "crew"}:
        assert people(left) == people(whole)[: len(left)] or {*people(left)} <= {*people(whole)}
        assert all({*some.characters} <= {*full.characters} for full, some in zip(whole, left, strict=False) if cut)
        assert cut or left == whole
    elif field == "genres":
        assert left == whole[: len(left)]
        assert cut or left == whole
    elif field == "plot" and left is not None and cut:
        assert whole.startswith(left.removesuffix("..."))
    elif field == "incomplete":
        assert {*left} >= {*whole}
    else:
        beginning = left is None or (isinstance(left, tuple) and left == whole[: len(left)])
        assert left == whole or (cut and beginning)


# What the program says of a record, and no page.
OF_THE_RECORD = ("imdb_id", "source_url", "scraped_at", "source", "dataset_day", "incomplete", "rank")

# The index took an invitation to write a summary for one, and the date of a visitor's review for a release.
MISTAKEN = {"tt0114320": {"plot"}, "tt0166222": {"release_date"}}


@pytest.mark.parametrize("capture", each(OLD_PAGES))
def test_an_old_page_has_what_the_index_lists_and_names_what_it_lacks(capture: CapturedTitle) -> None:
    title = parsed(capture)
    listed = capture.listed - MISTAKEN.get(capture.imdb_id, set())
    assert told(title.movie) == listed
    read = {field.name for field in fields(Movie)} - {*OF_THE_RECORD}
    lacking = {field for field in read if getattr(title.movie, field) in (None, ())}
    assert lacking <= title.missing
    beginnings_of_longer_ones = {"plot", "cast", "crew", "keywords", "companies", "locations", "taglines"}
    assert title.missing - lacking <= beginnings_of_longer_ones


@pytest.mark.parametrize("capture", each(WITH_LINKED_DATA))
def test_a_page_of_2018_or_2019_says_what_its_linked_data_says(capture: CapturedTitle) -> None:
    movie, page = parsed(capture).movie, capture.page
    linked = page.linked_data
    heading = page.text('//div[@class="title_wrapper"]//h1/text()[1]')
    assert movie.title == heading
    assert movie.original_title in {linked["name"], None}
    assert (movie.original_title is None) == (linked["name"] == heading)
    ratings = linked.get("aggregateRating", {})
    assert movie.rating == (float(ratings["ratingValue"]) if ratings else None)
    assert movie.votes == ratings.get("ratingCount")
    if "duration" in linked:
        assert movie.duration_minutes == linked_minutes(linked["duration"])
    genre = linked.get("genre", [])
    assert list(movie.genres) == (genre if isinstance(genre, list) else [genre])
    assert people(movie.directors) == linked_people(linked.get("director"))
    assert movie.certificate == linked.get("contentRating")
    if "image" in linked:
        assert movie.poster_url == linked["image"]
    assert movie.release_date == linked.get("datePublished")
    _cast_and_plot_are_those_of_the_markup(movie, capture)


@pytest.mark.parametrize("capture", each(WITHOUT_ISLANDS))
def test_a_page_of_2014_to_2016_says_what_its_microdata_says(capture: CapturedTitle) -> None:
    movie, page = parsed(capture).movie, capture.page
    overview = '//*[@id="overview-top" or @id="title-overview-widget"]'
    assert f"{movie.title} ({movie.year})" in page.window_title
    assert str(movie.rating) == page.text(f'{overview}//*[@itemprop="ratingValue"]')
    assert f"{movie.votes:,}" == page.text(f'{overview}//*[@itemprop="ratingCount"]')
    length = page.text(f'{overview}//*[@itemprop="duration"]/@datetime')
    assert movie.duration_minutes == (linked_minutes(length) if length else None)
    assert movie.certificate == page.text(f'{overview}//*[@itemprop="contentRating"]/@content')
    assert movie.release_date == page.text(f'{overview}//*[@itemprop="datePublished"]/@content')
    genres = page.texts('//*[@id="titleStoryLine"]//div[h4[normalize-space()="Genres:"]]/a')
    assert list(movie.genres) == genres
    assert page.texts(f'{overview}//*[@itemprop="director"]//*[@itemprop="name"]') == [
        credit.person.name for credit in movie.directors
    ]
    _cast_and_plot_are_those_of_the_markup(movie, capture)


def _cast_and_plot_are_those_of_the_markup(movie: Movie, capture: CapturedTitle) -> None:
    page = capture.page
    shown = page.cast or linked_people(page.linked_data.get("actor"))
    assert people(movie.cast) == shown
    for credit, text in zip(
        movie.cast, page.texts('//table[@class="cast_list"]//td[@class="character"]'), strict=False
    ):
        assert text.startswith(" / ".join(credit.characters))
    score = page.text('//div[contains(@class,"metacriticScore")]') or page.text('//a[contains(text(),"/100")]')
    assert movie.metascore == (int(score.partition("/")[0]) if score else None)
    if movie.plot is not None:
        summary = page.text('//*[@class="summary_text"] | //*[@id="overview-top"]/p[@itemprop="description"]')
        assert movie.plot == (summary or page.linked_data["description"]).removesuffix("See full summary »").strip()


def test_a_page_saved_under_an_id_with_a_nought_too_many_says_its_own() -> None:
    capture = next(capture for capture in OLD_PAGES if capture and "tt01207372" in capture.name)
    title = parse_title(capture.body, imdb_id="tt01207372", scraped_at=NOW)
    assert title.movie.imdb_id == "tt1207372"


def test_the_page_of_another_title_is_refused() -> None:
    for capture in (NEXT_PAGES[0], OLD_PAGES[0]):
        assert capture is not None
        with pytest.raises(WrongTitle, match=f"asked for tt9999999, got the page of {capture.imdb_id}"):
            parse_title(capture.body, imdb_id="tt9999999", scraped_at=NOW)


def test_a_search_page_is_no_title(captures: Path) -> None:
    body = gzip.decompress((captures / "title_html/_other_advanced_search__cinemagoer-cinemagoer.html.gz").read_bytes())
    with pytest.raises(UnknownLayout, match="no __NEXT_DATA__, no ld\\+json, no title's heading"):
        parse_title(body, imdb_id=None, scraped_at=NOW)


def test_no_chart_is_a_title(captures: Path) -> None:
    charts = sorted((captures / "chart").glob("*.gz"))
    assert len(charts) == 13
    for chart in charts:
        with pytest.raises(NotATitlePage, match="not a title's"):
            parse_title(gzip.decompress(chart.read_bytes()), imdb_id=None, scraped_at=NOW)


def test_a_challenge_is_a_block(captures: Path) -> None:
    body = (captures / "blocked/aws_waf_challenge_202_body__wangtoone-geo-audit.html").read_bytes()
    with pytest.raises(Blocked, match="challenge"):
        parse_title(body, imdb_id="tt0111161", scraped_at=NOW)
