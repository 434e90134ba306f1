"""The details of captured title pages, read from the JSON by the parser and from the markup by other means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import lxml.html
import pytest

from infrastructure.scraper.markup import read_markup
from tests.integration.captured_titles import CapturedTitle, captured, each, name, parsed

pytestmark = pytest.mark.usefixtures("captures")
PAGES = captured(lambda title: title.layout.startswith("Next.js"))
SHOWN = captured(lambda title: title.layout.startswith("Next.js") and title.imdb_id != "tt3303790")  # only in its JSON
OLD = captured(lambda title: title.layout.startswith("old"))
DATA = captured(lambda title: title.name.startswith("title_next_data/"))


class Details:
    """What the markup of a page shows, found with XPath by the attributes of its elements."""

    def __init__(self, body: bytes) -> None:
        self._tree: Any = lxml.html.document_fromstring(body)

    def shown(self, testid: str) -> Any:
        found = self._tree.xpath(f'//*[@data-testid="{testid}"]')
        return found[0] if found else None

    def text(self, testid: str) -> str:
        element = self.shown(testid)
        return "" if element is None else " ".join(element.text_content().split())

    def codes(self, testid: str, key: str) -> tuple[str, ...]:
        element = self.shown(testid)
        links = [] if element is None else element.xpath(".//a/@href")
        found = [match[1] for link in links if (match := re.search(rf"{key}=(\w+)", link))]
        return tuple(dict.fromkeys(found))

    def links(self, testid: str, part: str) -> tuple[str, ...]:
        element = self.shown(testid)
        links = [] if element is None else element.xpath(f'.//a[contains(@href, "{part}")]')
        return tuple(" ".join(link.text_content().split()) for link in links)

    def amount(self, testid: str) -> int | None:
        digits = re.search(r"([\d,]{4,})", self.text(testid))
        return int(digits[1].replace(",", "")) if digits else None


@pytest.mark.parametrize("capture", each(SHOWN))
def test_details_are_those_that_the_page_shows(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    page = Details(capture.body)
    assert movie.countries == page.codes("title-details-origin", "country_of_origin")
    assert movie.languages == page.codes("title-details-languages", "primary_language")
    assert movie.budget == page.amount("title-boxoffice-budget")
    assert movie.gross_worldwide == page.amount("title-boxoffice-cumulativeworldwidegross")
    assert movie.gross_domestic == page.amount("title-boxoffice-grossdomestic")
    assert movie.companies == page.links("title-details-companies", "/company/")
    assert movie.locations[:1] == page.links("title-details-filminglocations", "locations=")[:1]
    awards = re.search(r"(?:(\d+) wins?)?(?: & )?(?:(\d+) nominations?)? total", page.text("award_information"))
    if awards:
        assert (movie.award_wins, movie.award_nominations) == (int(awards[1] or 0), int(awards[2] or 0))
    oscars = re.search(r"Won (\d+) Oscar", page.text("award_information"))
    if oscars:
        assert movie.oscar_wins == int(oscars[1])
    popularity = page.text("hero-rating-bar__popularity__score")
    if popularity:
        assert movie.popularity_rank == int(popularity.replace(",", ""))
    for text in (*movie.color, *movie.aspect_ratios, *movie.sound_mixes):
        shown = " ".join(page.text(f"title-techspec_{kind}") for kind in ("color", "aspectratio", "soundmix"))
        assert text in shown or not shown.strip() or len(movie.color) == 0 or "title-techspec_color" not in shown
    writers = [credit.person.name for credit in movie.crew if credit.category == "writer"]
    shown_credits = page._tree.xpath('//*[@data-testid="title-pc-principal-credit"]')
    for line in shown_credits:
        label = " ".join(line.text_content().split())
        if label.startswith(("Writer", "Writers")):
            names = [" ".join(link.text_content().split()) for link in line.xpath('.//a[contains(@href, "/name/nm")]')]
            assert writers[: len(names)] == names


@pytest.mark.parametrize("capture", each(PAGES))
def test_the_markup_tells_the_same_details_as_the_json(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    part = read_markup(capture.body)
    assert part is not None
    names = (
        "countries", "languages", "budget", "budget_currency", "gross_worldwide", "gross_domestic", "gross_currency",
        "award_wins", "award_nominations", "popularity_rank", "color", "aspect_ratios", "sound_mixes",
    )  # fmt: skip
    told = {name: part.whole[name] for name in names if name in part.whole}
    assert told == {name: getattr(movie, name) for name in told}
    assert part.partial.get("companies", movie.companies) == movie.companies


def by_path(value: Any) -> dict[str, list[Any]]:
    """The leaves of a JSON document by their paths, which are few where the leaves are many."""
    found: dict[str, list[Any]] = {}
    for path, leaf in flattened(value):
        found.setdefault(path, []).append(leaf)
    return found


def matching(leaves: dict[str, list[Any]], pattern: str) -> list[Any]:
    """The leaves whose path is of this pattern."""
    return [leaf for path, found in leaves.items() if re.fullmatch(pattern, path) for leaf in found]


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON document with its path, lists written as ``[]``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from flattened(inner, f"{path}[]")
    else:
        yield path, value


# Where the JSON of every layout since 2022 has a field: patterns of whole paths below either of its two objects.
ONE: dict[str, str] = {
    "end_year": r"releaseYear\.endYear",
    "series_id": r"series\.series\.id",
    "season": r"series\.episodeNumber\.seasonNumber",
    "episode": r"series\.episodeNumber\.episodeNumber",
    "episodes": r"episodes\.(?:episodes|totalEpisodes)\.total",
    "release_country": r"releaseDate\.country\.id",
    "production_status": r"productionStatus\.currentProductionStage\.text",
    "is_adult": r"isAdult",
    "budget": r"productionBudget\.budget\.amount",
    "budget_currency": r"productionBudget\.budget\.currency",
    "gross_worldwide": r"worldwideGross\.total\.amount",
    "gross_domestic": r"lifetimeGross\.total\.amount",
    "gross_currency": r"(?:worldwideGross|lifetimeGross)\.total\.currency",
    "award_wins": r"wins\.total",
    "award_nominations": r"(?:nominationsExcludeWins|nominations)\.total",
    "popularity_rank": r"(?:meterRanking|meterRank)\.currentRank",
    "user_reviews": r"reviews\.total",
    "critic_reviews": r"criticReviewsTotal\.total",
}
MANY: dict[str, str] = {
    "countries": r"(?:countriesOfOrigin|countriesDetails)\.countries\[\]\.id",
    "languages": r"spokenLanguages\.spokenLanguages\[\]\.id",
    "keywords": r"(?:keywords|storylineKeywords)\.edges\[\]\.node\.text",
    "taglines": r"taglines\.edges\[\]\.node\.text",
    "companies": r"production\.edges\[\]\.node\.company\.companyText\.text",
    "color": r"technicalSpecifications\.colorations\.items\[\]\.text",
    "aspect_ratios": r"technicalSpecifications\.aspectRatios\.items\[\]\.aspectRatio",
    "sound_mixes": r"technicalSpecifications\.soundMixes\.items\[\]\.text",
    "locations": r"filmingLocations\.edges\[\]\.node\.text",
    "akas": r"akas\.edges\[\]\.node\.text",
}


def seasons_in(parts: list[dict[str, Any]]) -> int | None:
    """The number of seasons that have a number."""
    for part in parts:
        episodes = part.get("episodes") or {}
        if displayed := episodes.get("displayableSeasons"):
            return len([edge for edge in displayed["edges"] if edge["node"]["season"].isdigit()])
        if "seasons" in episodes:
            return len([season for season in episodes["seasons"] if season["number"] is not None])
    return None


@pytest.mark.parametrize("capture", each(PAGES + DATA))
def test_every_detail_of_the_json_is_read(capture: CapturedTitle) -> None:
    is_data = capture.name.startswith("title_next_data/")
    document = json.loads(capture.body) if is_data else capture.page.next_data
    movie = parsed(capture).movie
    props = document["props"]["pageProps"]
    nodes = [by_path(props.get(part) or {}) for part in ("aboveTheFoldData", "mainColumnData")]
    for field, pattern in ONE.items():
        told = {value for node in nodes for value in matching(node, pattern)} - {None}
        assert told == {getattr(movie, field)} - {None}, field
    for field, pattern in MANY.items():
        lists = [matching(node, pattern) for node in nodes]
        read = tuple(aka.title for aka in movie.akas) if field == "akas" else getattr(movie, field)
        assert read == tuple(dict.fromkeys(text.strip() for text in max(lists, key=len))), field
    parts = [props.get(part) or {} for part in ("aboveTheFoldData", "mainColumnData")]
    oscars = {
        summary["wins"]
        for part in parts
        if (summary := part.get("prestigiousAwardSummary")) and '"ev0000003"' in json.dumps(summary)
    }
    assert oscars == {movie.oscar_wins} - {None}
    assert seasons_in(parts) == movie.seasons
    totals = matching(nodes[1], r"castV2\[\]\.totalCredits") or matching(nodes[1], r"cast\.total")
    for section in parts[1].get("categories") or []:
        if section["id"].endswith(("cast", "7caf7d16-5db9-4f4f-8864-d4c6e711c686")):
            totals.append(section["section"]["total"])
    assert movie.cast_total == max(totals, default=None)
    shown = " ".join(" ".join(str(value) for node in nodes for values in node.values() for value in values).split())
    assert all(credit.person.name in shown or "  " in credit.person.name for credit in movie.credits)


# Written down from the pages as a reader sees them.
BY_HAND: dict[str, dict[str, Any]] = {
    "tt0133093__Flexget-Flexget.html.gz": {
        "countries": ("US", "AU"), "languages": ("en",), "budget": 63_000_000, "budget_currency": "USD",
        "gross_worldwide": 467_222_728, "gross_domestic": 172_076_928, "award_wins": 42, "award_nominations": 52,
        "oscar_wins": 4, "popularity_rank": 244, "critic_reviews": 256, "aspect_ratios": ("2.39 : 1",),
        "sound_mixes": ("Dolby Digital", "SDDS", "Dolby Atmos"), "color": ("Color",),
        "companies": ("Warner Bros.", "Village Roadshow Pictures", "Groucho Film Partnership"),
        "production_status": "Released", "release_country": "US", "is_adult": False,
    },
    "tt0111161__Yass-Devv-TP-Movies-PHP.html.gz": {
        "countries": ("US",), "languages": ("en",), "budget": 25_000_000, "gross_worldwide": 29_400_357,
        "gross_domestic": 28_767_189, "award_wins": 21, "award_nominations": 42, "oscar_wins": 0,
        "popularity_rank": 45, "critic_reviews": 153, "cast_total": 74, "companies": ("Castle Rock Entertainment",),
    },
    "tt0111161__AdrianTodd-Watchlist-Wizard.html.gz": {
        "gross_worldwide": 29_332_133, "award_wins": 21, "award_nominations": 42, "popularity_rank": 59,
        "critic_reviews": 171, "aspect_ratios": ("1.85 : 1",),
    },
    "tt0086425__Flexget-Flexget-202203.html.gz": {
        "budget": 8_000_000, "gross_worldwide": 108_423_749, "gross_domestic": 108_423_489, "award_wins": 32,
        "award_nominations": 18, "oscar_wins": 5, "popularity_rank": 2_998, "user_reviews": 222, "critic_reviews": 63,
        "sound_mixes": ("Mono",), "companies": ("Paramount Pictures",),
        "taglines": ("Come to Laugh, Come to Cry, Come to Care, Come to Terms.",),
    },
    "tt0245429__Flexget-Flexget.html.gz": {
        "countries": ("JP",), "languages": ("ja", "en"), "budget": 19_000_000, "gross_domestic": 13_750_644,
        "gross_worldwide": 355_725_195, "award_wins": 58, "award_nominations": 31, "oscar_wins": 1,
        "popularity_rank": 525, "color": ("Color",), "sound_mixes": ("DTS-ES", "Dolby Digital EX"),
        "aspect_ratios": ("1.85 : 1",), "release_date": "2003-03-28", "release_country": "US", "certificate": "PG",
        "companies": ("Tokuma Shoten", "Studio Ghibli", "Nippon Television Network (NTV)"), "duration_minutes": 125,
    },
    "tt1300562__Flexget-Flexget.html.gz": {
        "countries": ("MA",), "languages": ("ar", "fr"), "locations": ("Casablanca, Morocco",), "budget": None,
        "companies": ("Maya Films",), "release_date": "2008-02", "release_country": "MA", "released": None,
        "award_wins": 2, "award_nominations": 0, "user_reviews": 1, "duration_minutes": 115, "rating": 7.4, "votes": 50,
        "metascore": None, "color": ("Color",),
    },
    "tt0944947__PaulMilMor-MoviesList.html.gz": {
        "countries": ("US", "GB"), "languages": ("en",), "locations": ("Iceland",), "color": ("Color",),
        "taglines": ("When you play the game of thrones, you win or you die.",), "aspect_ratios": ("1.78 : 1",),
        "sound_mixes": ("Dolby Digital", "Dolby Atmos"),
        "companies": ("Home Box Office (HBO)", "Television 360", "Grok! Studio"),
        "user_reviews": 1_433, "critic_reviews": 286, "rating": 9.5, "votes": 1_427_606, "popularity_rank": 2,
        "duration_minutes": 57,
    },
    "tt0095016__ariejan-imdb.html.gz": {
        "countries": ("US",), "languages": ("en", "de", "it"), "release_date": "1988-07-20",
        "sound_mixes": ("70 mm 6-Track", "Dolby Stereo"), "aspect_ratios": ("2.35 : 1",), "budget_currency": "USD",
        "budget": 28_000_000, "gross_domestic": 81_350_242, "user_reviews": 700, "critic_reviews": 221,
        "popularity_rank": 866, "metascore": 70, "rating": 8.3, "votes": 543_444, "duration_minutes": 131,
        "certificate": "R",
    },
    "tt1520211-series__tveronesi-imdbinfo.json.gz": {
        "end_year": 2022, "seasons": 11, "series_id": None, "cast_total": 993, "award_wins": 86, "oscar_wins": None,
    },
    "tt1628065-episode__tveronesi-imdbinfo.json.gz": {
        "series_id": "tt1520211", "season": 1, "episode": 3, "languages": ("en", "es"), "user_reviews": 29,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "capture", [one for one in PAGES + OLD + DATA if one is None or name(one) + ".gz" in BY_HAND], ids=name
)
def test_details_are_those_written_down_by_hand(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    expected = BY_HAND[name(capture) + ".gz"]
    assert {field: getattr(movie, field) for field in expected} == expected


def test_writers_of_a_page_of_2015() -> None:
    capture = next(one for one in OLD if one and name(one).startswith("tt0095016__"))
    movie = parsed(capture).movie
    assert [(credit.person.name, credit.category, credit.job) for credit in movie.crew] == [
        ("Roderick Thorp", "writer", ("novel",)),
        ("Jeb Stuart", "writer", ("screenplay",)),
    ]


def test_jobs_and_remarks_of_credits() -> None:
    capture = next(one for one in PAGES if one and name(one).startswith("tt0086425__Flexget-Flexget-202203"))
    movie = parsed(capture).movie
    writers = [(credit.person.name, credit.job) for credit in movie.crew if credit.category == "writer"]
    assert writers == [("Larry McMurtry", ("based on the novel by",)), ("James L. Brooks", ("screenplay",))]


@pytest.mark.parametrize("capture", each(DATA))
def test_jobs_and_remarks_of_reference_pages_are_those_of_their_rows(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    main = json.loads(capture.body)["props"]["pageProps"]["mainColumnData"]
    categories = {"amzn1.imdb.concept.name_credit_category.0af123ce-1605-4a51-93cf-7ad477b11832": "producer"}
    for section in main.get("categories", []):
        category = categories.get(section["id"], section["id"])
        if category not in ("producer", "writer", "cast"):
            continue
        remarks: dict[str, str] = {}
        for row in section["section"]["items"]:
            remarks[row["id"]] = remarks.get(row["id"], "") + " / " + (row.get("attributes") or "")
        credits = {credit.person.person_id: credit for credit in movie.credits if credit.category == category}
        assert credits.keys() == remarks.keys()
        for person, text in remarks.items():
            parts = [*credits[person].job, *credits[person].attributes]
            rest = text
            for part in sorted(parts, key=len, reverse=True):
                assert part in text
                rest = rest.replace(part, "")
            assert not re.search(r"\w", rest.replace(" and", "")), text


COUNTRIES = {
    "USA": "US", "Mexico": "MX", "Japan": "JP", "France": "FR", "Morocco": "MA", "India": "IN", "UK": "GB",
}  # fmt: skip


@pytest.mark.parametrize("capture", each(OLD))
def test_pages_of_2014_to_2020_give_what_their_text_says(capture: CapturedTitle) -> None:
    movie = parsed(capture).movie
    page = capture.page
    release = page.text('//h4[normalize-space()="Release Date:"]/..') or ""
    country = re.search(r"\((.*)\)", release)
    assert movie.release_country == (COUNTRIES[country[1]] if country else None)
    awards = " ".join(page.texts('//*[@id="titleAwardsRanks"]/span[@class="awards-blurb" or @itemprop="awards"]'))
    named = re.match(r"(Won|Nominated for) (\d+)", awards)
    wins, nominations = (re.search(rf"(\d+) {word}", awards) for word in ("win", "nomination"))
    first = int(named[2]) if named else 0
    won = named is not None and named[1] == "Won"
    assert movie.award_wins == (int(wins[1]) + first * won if wins else None)
    if not won and wins:
        assert movie.award_nominations == (int(nominations[1]) if nominations else 0) + first
    episodes = page.text('//span[@class="bp_sub_heading"]') or ""
    assert movie.episodes == (int(episodes.split()[0]) if "episode" in episodes else None)


def test_an_episode_and_a_series_of_2019_know_their_places() -> None:
    movies = {
        capture.imdb_id: parsed(capture).movie
        for capture in OLD
        if capture and capture.imdb_id in ("tt1207372", "tt0944947")
    }
    episode, series = movies["tt1207372"], movies["tt0944947"]
    assert (episode.kind, episode.series_id, episode.season, episode.episode) == ("tvEpisode", "tt1051942", 2, 5)
    assert (series.kind, series.end_year, series.seasons, series.episodes) == ("tvSeries", None, 8, 73)
