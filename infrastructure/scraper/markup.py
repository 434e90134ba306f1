"""The markup of a title page: the last resort, because it costs thirty times what an island does.

Two layouts:

- since 2022, known by its ``data-testid`` attributes. Votes are rounded there (``2.2M``), so they are
  not told; the chips that were genres became interests in 2024. Lists hold the first three, casts one
  role each.
- from 2014 to 2020: a heading, an overview, a table of the cast. Microdata marked the fields until
  2017, class names alone after that; the headings over the lists stayed. A shown title without an
  original one beside it may be either.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from bs4 import BeautifulSoup, NavigableString, Tag, XMLParsedAsHTMLWarning
from bs4.exceptions import ParserRejectedMarkup

from domain.movie import IMDB_ID
from infrastructure.scraper.page_bytes import own_title
from infrastructure.scraper.title_fields import CreditLine, TitlePart
from infrastructure.scraper.values import (
    count,
    full_size,
    iso_seconds,
    minutes,
    running_minutes,
    worded_country,
    worded_date,
)

warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)  # pages of 2014 were XHTML in name

_REMARK: Final = re.compile(r"\s*\(([^()]+)\)")
_NAME_PATH: Final = re.compile(r"/name/(nm[0-9]+)")
_WINDOW_TITLE: Final = re.compile(
    r".*\((?P<kind>[A-Za-z -]*?) ?(?P<year>\d{4})?(?:\s*[–-]\s*(?P<end>\d{4})?\s*)?\) - IMDb", re.S
)
_KINDS: Final = {
    "": "movie",
    "Short": "short",
    "TV Movie": "tvMovie",
    "TV Series": "tvSeries",
    "TV Mini Series": "tvMiniSeries",
    "TV Mini-Series": "tvMiniSeries",
    "TV Episode": "tvEpisode",
    "TV Special": "tvSpecial",
    "TV Short": "tvShort",
    "Video": "video",
    "Video Game": "videoGame",
    "Music Video": "musicVideo",
    "Podcast Series": "podcastSeries",
    "Podcast Episode": "podcastEpisode",
}


def read_markup(body: bytes) -> TitlePart | None:
    """What the markup tells; ``None`` when it has no title's heading of a known layout."""
    try:
        page = BeautifulSoup(body, "lxml", from_encoding="utf-8")
    except (ParserRejectedMarkup, RecursionError):
        return None
    part = TitlePart("markup")
    # To look for an element in the whole page takes a hundred times as long as to look for its name in the bytes.
    if b"data-testid" not in body or not _read_2022(page, part):
        part.name = "markup of 2014"
        if not _read_2014(page, body, part):
            return None
    part.whole |= window_facts(words(page.select_one("title")))
    if part.whole.get("kind") == "movie" and "Short" in (
        *part.whole.get("genres", ()), *part.partial.get("genres", ())
    ):  # fmt: skip
        part.whole["kind"] = "short"  # the window's title did not say so before 2018
    if "poster_url" not in part.whole:
        part.tell("poster_url", full_size(attribute(page.select_one('meta[property="og:image"]'), "content")))
    part.imdb_id = _imdb_id(page, body)
    return part


def _imdb_id(page: BeautifulSoup, body: bytes) -> str | None:
    """The id that the page states itself; its address is that of the request, where the two differ."""
    own = attribute(page.select_one('meta[property="pageId"], meta[property="imdb:pageConst"]'), "content")
    return own if IMDB_ID.fullmatch(own) else own_title(body)


def words(tag: Tag | None) -> str:
    """The text of an element on one line, empty for none."""
    return " ".join(tag.get_text(" ").split()) if tag else ""


def attribute(tag: Tag | None, name: str) -> str:
    """One attribute, empty for none."""
    value = tag.get(name) if tag else None
    return value if isinstance(value, str) else ""


def linked_person(link: Tag | None, characters: tuple[str, ...] = ()) -> CreditLine | None:
    """The person whose ``/name/nm…`` page a link leads to."""
    path, name = _NAME_PATH.search(attribute(link, "href")), words(link)
    return CreditLine(path[1], name, characters) if path and name else None


def _people(block: Tag) -> tuple[CreditLine, ...]:
    return tuple(person for link in block.select("a") if (person := linked_person(link)))


def _writers(block: Tag) -> tuple[CreditLine, ...]:
    """The writers of an element, each with the job behind the link: ``<a>Jeb Stuart</a> (screenplay)``."""
    writers = []
    for link in block.select("a"):
        if person := linked_person(link):
            behind = link.next_sibling
            match = _REMARK.match(words(behind) if isinstance(behind, Tag) else str(behind or ""))
            writers.append(person._replace(category="writer", job=(match[1],) if match else ()))
    return tuple(writers)


def window_facts(window_title: str) -> dict[str, str | int]:
    """What the window's title says in brackets: ``Carny (TV Movie 2009) - IMDb``, ``Up (2009) - IMDb``."""
    match = _WINDOW_TITLE.match(window_title)
    if not match or not (match["kind"] or match["year"]):
        return {}
    kind, year, end = _KINDS.get(match["kind"]), match["year"], match["end"]
    facts: dict[str, str | int] = {} if kind is None else {"kind": kind}
    return facts | {name: int(text) for name, text in (("year", year), ("end_year", end)) if text}


# Since 2022

_ORIGINAL: Final = re.compile(r"^\s*Original title: \s*\S")
_RATING_OF_TEN: Final = re.compile(r"(\d{1,2}(?:\.\d)?) ?/ ?10")
_DIRECTOR: Final = re.compile(r"Directors?")
_WRITER: Final = re.compile(r"(?:Writers?|Creators?)(?: \(WGA\))?:?")
_SHORT_LIST: Final = 3
_PLOTS: Final = ("plot-xl", "plot-l", "plot-xs_to_m")  # for wide windows first, where it is least likely to be cut


def _read_2022(page: BeautifulSoup, part: TitlePart) -> bool:
    """Add what the markup tells; whether it is of this layout at all."""
    heading = _by_id(page, "hero__pageTitle") or _by_id(page, "hero-title-block__title")
    if heading is None or not (title := words(heading)):
        return False
    part.whole["title"] = title
    _read_heading(page, heading, part)
    _read_facts_2022(page, part)
    _read_people_2022(page, part)
    _read_details_2022(page, part)
    return True


def _by_id(page: Tag, testid: str) -> Tag | None:
    return page.select_one(f'[data-testid="{testid}"]')


def _labelled(page: Tag, testid: str, label: str) -> str:
    """The text of an element without the label it begins with."""
    return words(_by_id(page, testid)).removeprefix(label).strip()


def _read_heading(page: BeautifulSoup, heading: Tag, part: TitlePart) -> None:
    if block := heading.parent:
        for text in block.find_all(string=_ORIGINAL, limit=1):
            part.tell("original_title", " ".join(str(text).split()).removeprefix("Original title: "))
        part.tell("certificate", words(block.select_one('ul a[href*="parentalguide"]')))
    part.tell("poster_url", full_size(attribute(page.select_one('[data-testid="hero-media__poster"] img'), "src")))


def _read_facts_2022(page: BeautifulSoup, part: TitlePart) -> None:
    score = _by_id(page, "hero-rating-bar__aggregate-rating__score")
    if score and (match := _RATING_OF_TEN.fullmatch(words(score))):
        part.whole["rating"] = float(match[1])
        votes = score.find_next_sibling("div", string=True)
        part.tell("votes", count(words(votes)) if isinstance(votes, Tag) else None)
    part.tell("metascore", count(words(page.select_one(".metacritic-score-box, .score-meta"))))
    _read_plot(next((plot for name in _PLOTS if (plot := _by_id(page, name))), None), part)
    part.tell("duration_minutes", running_minutes(_labelled(page, "title-techspec_runtime", "Runtime")))
    release = _labelled(page, "title-details-releasedate", "Release date")
    part.tell("release_date", worded_date(release))
    part.tell("release_country", worded_country(release))
    if every := _texts(page.select('[data-testid="storyline-genres"] li a')):
        part.whole["genres"] = every
    else:
        first = _texts(page.select('[data-testid="genres"] a'))
        part.tell("genres", first, cut=len(first) >= _SHORT_LIST)


def _read_people_2022(page: BeautifulSoup, part: TitlePart) -> None:
    for line in page.select('[data-testid="title-pc-principal-credit"]'):
        label = words(line.select_one(".ipc-metadata-list-item__label"))
        if "directors" not in part.whole.keys() | part.partial.keys() and _DIRECTOR.fullmatch(label):
            directors = _people(line)
            part.tell("directors", directors, cut=len(directors) >= _SHORT_LIST)
        elif "crew" not in part.partial and _WRITER.fullmatch(label):
            part.partial["crew"] = _writers(line)
    cast: list[CreditLine] = []
    for item in page.select('[data-testid="title-cast-item"]'):
        first = item.select_one('[data-testid="cast-item-characters-link"] span')
        role = words(first or _by_id(item, "cast-item-characters-link"))
        if person := linked_person(_by_id(item, "title-cast-item__actor"), (role,) if role else ()):
            cast.append(person)
    part.tell("cast", tuple(cast), cut=True)  # second roles are left out, often without a sign of it


_COUNTRY: Final = re.compile(r"(?:country_of_origin=|/country/)([A-Za-z]{2,4})\b")
_LANGUAGE: Final = re.compile(r"(?:primary_language=|/language/)([a-z]{2,3})\b")
_AMOUNT: Final = re.compile(r"(\$|€|£|₹|¥) ?([0-9]{1,3}(?:,[0-9]{3}){0,5})(?: \(estimated\))?")
_CURRENCIES: Final = {"$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "¥": "JPY"}
_AWARDS: Final = re.compile(r"(?:(\d[\d,]*) wins?)?(?: & )?(?:(\d[\d,]*) nominations?)?(?: total)?")
_OSCARS: Final = re.compile(r"Won (\d+) Oscars?")


def _read_details_2022(page: BeautifulSoup, part: TitlePart) -> None:
    """Countries, languages, companies, technical details, awards, popularity, budget and gross."""
    for name, testid, pattern in (
        ("countries", "title-details-origin", _COUNTRY),
        ("languages", "title-details-languages", _LANGUAGE),
    ):
        part.tell(name, _codes(page.select(f'[data-testid="{testid}"] a[href]'), pattern))
    for name, testid in (
        ("color", "title-techspec_color"),
        ("aspect_ratios", "title-techspec_aspectratio"),
        ("sound_mixes", "title-techspec_soundmix"),
    ):
        items = page.select(f'[data-testid="{testid}"] li')
        part.tell(name, _texts([item.select_one("a, span, label") or item for item in items]))
    for name, testid, link in (
        ("companies", "title-details-companies", 'a[href*="/company/"]'),
        ("locations", "title-details-filminglocations", 'a[href*="locations="]'),
        ("keywords", "storyline-plot-keywords", 'a[href*="keywords="]'),
    ):
        if first := _texts(page.select(f'[data-testid="{testid}"] {link}')):
            part.partial[name] = first
    awards = _by_id(page, "award_information")
    for item in awards.select("li, a, span") if awards else ():
        text = words(item)
        if numbers := _wins_and_nominations(text):
            part.whole["award_wins"], part.whole["award_nominations"] = numbers
        if match := _OSCARS.fullmatch(text):
            part.whole["oscar_wins"] = int(match[1])
    part.tell("popularity_rank", count(words(_by_id(page, "hero-rating-bar__popularity__score"))))
    for name, currency, testid, label in (
        ("budget", "budget_currency", "title-boxoffice-budget", "Budget"),
        ("gross_worldwide", "gross_currency", "title-boxoffice-cumulativeworldwidegross", "Gross worldwide"),
        ("gross_domestic", "gross_currency", "title-boxoffice-grossdomestic", "Gross US & Canada"),
    ):
        _add_amount(part, name, currency, _labelled(page, testid, label))


def _wins_and_nominations(text: str) -> tuple[int, int] | None:
    """Both numbers of ``4 wins & 9 nominations total``, either of which may be left out."""
    match = _AWARDS.fullmatch(text)
    numbers = [count(each or "0") for each in match.groups()] if match and any(match.groups()) else [None, None]
    wins, nominations = numbers
    return None if wins is None or nominations is None else (wins, nominations)


def _add_amount(part: TitlePart, name: str, currency: str, text: str) -> None:
    """Add ``$28,000,000 (estimated)``; not if its currency is unknown or that of another amount is another one."""
    match = _AMOUNT.fullmatch(text)
    if match and part.whole.setdefault(currency, _CURRENCIES[match[1]]) == _CURRENCIES[match[1]]:
        part.whole[name] = int(match[2].replace(",", ""))


def _codes(links: list[Tag], pattern: re.Pattern[str]) -> tuple[str, ...]:
    """The codes in the addresses of links: countries in upper case, languages in lower case."""
    found = (match[1] for link in links if (match := pattern.search(attribute(link, "href"))))
    return tuple(dict.fromkeys(code.upper() if pattern is _COUNTRY else code for code in found))


def _texts(tags: list[Tag]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for tag in tags if (text := words(tag))))


# From 2014 to 2020

_OF_SERIES: Final = (b"titleParent", b"bp_heading", b"bp_sub_heading", b"seasons-and-year-nav")
_OVERVIEW: Final = "#overview-top, #title-overview-widget"
_RATING: Final = re.compile(r"\d{1,2}(?:\.\d)?")
_SCORE: Final = re.compile(r"(\d{1,3})(?:/100)?")
_NAME_IN_PLOT: Final = re.compile(r"/(?:name|character|company)/|/title/tt\d+/?(?:\?|$)")
_ISO_DATE: Final = re.compile(r"\d{4}(-\d{2}){0,2}")
_RATIO: Final = re.compile(r"\d(?:\.\d{1,2})? : 1")
_USER_REVIEWS: Final = re.compile(r"(\d[\d,]*) user")
_CRITIC_REVIEWS: Final = re.compile(r"(\d[\d,]*) critic")
_POPULARITY: Final = re.compile(r"(?:Popularity )?(\d[\d,]*)(?: |$)")
_TITLE_PATH: Final = re.compile(r"/title/(tt[0-9]+)")
_EPISODE_PLACE: Final = re.compile(r"Season (\d{1,5}) \| Episode (\d{1,6})")
_EPISODES: Final = re.compile(r"(\d[\d,]*) episodes?")
_SEASON: Final = re.compile(r"[?&]season=(\d{1,5})\b")
_NAMED_AWARD: Final = re.compile(r"(Won|Nominated for) (\d{1,4}) [^.]*\. Another (.*)")
_ATTRIBUTES: Final = re.compile(r"\(|\b\d+ episodes?\b")  # where a role ends: (voice), (as …), 61 episodes


def _read_2014(page: BeautifulSoup, body: bytes, part: TitlePart) -> bool:
    """Add what the markup tells; whether it is of this layout at all."""
    overview = page.select_one(_OVERVIEW)
    heading = page.select_one(".title_wrapper h1, h1.header")
    if overview is None or heading is None or not (title := _title(heading)):
        return False
    part.whole["title"] = title
    part.tell("original_title", _own_text(page.select_one(".originalTitle, .title-extra")).strip('"').strip())
    headings = _small_headings(page)
    _read_ratings(overview, part)
    _read_facts_2014(page, overview, headings, part)
    _read_plot(overview.select_one('.summary_text, p[itemprop="description"]'), part)
    _read_people_2014(page, overview, part)
    _read_details_2014(page, body, overview, headings, part)
    if any(name in body for name in _OF_SERIES):
        _read_series_2014(page, part)
    return True


def _title(heading: Tag) -> str:
    return words(heading.select_one('[itemprop="name"]')) or _own_text(heading)


def _own_text(tag: Tag | None) -> str:
    """The text of an element without that of the elements in it."""
    if tag is None:
        return ""
    # A blank for each element, because the texts around it are not one word; comments are nothing.
    parts = (" " if isinstance(part, Tag) else str(part) * (type(part) is NavigableString) for part in tag.children)
    return " ".join("".join(parts).split())


def _read_ratings(overview: Tag, part: TitlePart) -> None:
    rating = words(overview.select_one('[itemprop="ratingValue"], .imdbRating strong span'))
    if _RATING.fullmatch(rating):
        part.whole["rating"] = float(rating)
        part.tell("votes", count(words(overview.select_one('[itemprop="ratingCount"], .imdbRating a .small'))))
    for place in overview.select('.metacriticScore, .star-box-details a[href^="criticreviews"]'):
        if match := _SCORE.fullmatch(words(place)):
            part.whole["metascore"] = int(match[1])
            break


def _read_facts_2014(page: BeautifulSoup, overview: Tag, headings: list[Tag], part: TitlePart) -> None:
    if (seconds := iso_seconds(attribute(overview.select_one("time[datetime]"), "datetime"))) is not None:
        part.whole["duration_minutes"] = minutes(seconds)
    part.tell("certificate", attribute(overview.select_one('[itemprop="contentRating"]'), "content"))
    marked = attribute(overview.select_one('[itemprop="datePublished"]'), "content")
    worded = next(
        (words(block).removeprefix("Release Date:").strip() for block in _under(headings, "Release Date:")), ""
    )
    part.tell("release_date", marked if _ISO_DATE.fullmatch(marked) else worded_date(worded))
    part.tell("release_country", worded_country(worded))
    genres = [words(link) for block in _under(headings, "Genres:") for link in block.select("a")]
    if genres:
        part.whole["genres"] = tuple(genre for genre in genres if genre and not genre.endswith("»"))  # See all »
    picture = overview.select_one(".poster img") or page.select_one("#img_primary img")
    part.tell("poster_url", full_size(attribute(picture, "src")))


def _read_plot(summary: Tag | None, part: TitlePart) -> None:
    """The summary. A link in it that leads to no name leads to the rest of it, or to a form where one is written."""
    if summary is None:
        return
    # By identity: to hash an element, Beautiful Soup renders all that is in it.
    links = {id(link) for link in summary.select("a[href]") if not _NAME_IN_PLOT.search(attribute(link, "href"))}
    texts = [
        str(part) if type(part) is NavigableString else " "
        for part in summary.descendants
        if (type(part) is NavigableString and links.isdisjoint(map(id, part.parents)))
        or (isinstance(part, Tag) and part.name == "br")
    ]
    plot = " ".join("".join(texts).split()).removesuffix("»").strip()
    part.tell("plot", plot, cut=plot.endswith(("...", "…")))


def _read_people_2014(page: BeautifulSoup, overview: Tag, part: TitlePart) -> None:
    headings = _small_headings(overview)
    for block in (*_under(headings, "Director:"), *_under(headings, "Directors:")):
        more = any("more credit" in words(link) for link in block.select("a"))
        part.tell("directors", _people(block), cut=more)
    for block in overview.select(".credit_summary_item, .txt-block"):
        if _WRITER.fullmatch(words(block.select_one("h4.inline"))):
            part.partial["crew"] = _writers(block)
    part.tell("cast", tuple(member for row in page.select("table.cast_list tr") if (member := _cast_member(row))))


def _read_details_2014(page: BeautifulSoup, body: bytes, overview: Tag, headings: list[Tag], part: TitlePart) -> None:
    """What stands under small headings, the counts of reviews, the rank among the popular, and awards."""
    blocks = {words(heading): heading.parent for heading in headings if heading.parent}
    for name, heading, pattern in (("countries", "Country:", _COUNTRY), ("languages", "Language:", _LANGUAGE)):
        if heading in blocks:
            part.tell(name, _codes(blocks[heading].select("a[href]"), pattern))
    for name, heading, link in (
        ("color", "Color:", 'a[href*="colors="]'),
        ("sound_mixes", "Sound Mix:", 'a[href*="sound_mixes="]'),
        ("locations", "Filming Locations:", 'a[href*="locations="]'),
        ("companies", "Production Co:", 'a[href*="/company/"]'),
    ):
        if heading in blocks and (listed := _texts(blocks[heading].select(link))):
            (part.whole if name in ("color", "sound_mixes") else part.partial)[name] = listed
    if tagline := _own_text(blocks.get("Taglines:")):
        part.partial["taglines"] = (tagline,)
    if _RATIO.fullmatch(ratio := _own_text(blocks.get("Aspect Ratio:"))):
        part.whole["aspect_ratios"] = (ratio,)
    for name, currency, heading, where in (
        ("budget", "budget_currency", "Budget:", ""),
        ("gross_domestic", "gross_currency", "Gross:", "(USA)"),
        ("gross_domestic", "gross_currency", "Gross USA:", ""),
        ("gross_worldwide", "gross_currency", "Cumulative Worldwide Gross:", ""),
    ):
        text = words(blocks.get(heading)).removeprefix(heading).strip()
        if text.endswith(where):
            _add_amount(part, name, currency, text.removesuffix(where).strip())
    for name, pattern in (("user_reviews", _USER_REVIEWS), ("critic_reviews", _CRITIC_REVIEWS)):
        for item in overview.select('a[href*="reviews"], [itemprop="reviewCount"]'):
            if (match := pattern.fullmatch(words(item))) and (number := count(match[1])) is not None:
                part.whole[name] = number
                break
    rank = words(page.select_one("#meterRank")) if b"meterRank" in body else ""
    if not rank:
        bars = map(words, page.select(".titleReviewBarSubItem"))
        rank = next((bar for bar in bars if bar.startswith("Popularity")), "")
    if match := _POPULARITY.match(rank):
        part.tell("popularity_rank", count(match[1]))
    awards = page.select("#titleAwardsRanks")
    _read_awards_2014(awards, part)
    for blurb in [blurb for block in awards for blurb in block.select("b")]:
        if match := _OSCARS.fullmatch(words(blurb).rstrip(" .")):
            part.whole["oscar_wins"] = int(match[1])


def _read_awards_2014(awards: list[Tag], part: TitlePart) -> None:
    """Wins and nominations; "another" leaves out those of the award that is named before.

    The page does not say how often a title was nominated for an award that it has won.
    """
    blurbs = [blurb for block in awards for blurb in block.select('.awards-blurb, [itemprop="awards"]')]
    text = " ".join(map(words, blurbs)).strip(" .")
    named = _NAMED_AWARD.fullmatch(text)
    numbers = _wins_and_nominations(named[3] if named else text)
    if numbers is None:
        return
    wins, nominations = numbers
    if named and named[1] == "Won":
        part.whole["award_wins"] = wins + int(named[2])
    else:
        part.whole["award_wins"] = wins
        part.whole["award_nominations"] = nominations + (int(named[2]) if named else 0)


def _read_series_2014(page: BeautifulSoup, part: TitlePart) -> None:
    """The series and the place of an episode, or the number of seasons and episodes of a series."""
    if match := _TITLE_PATH.search(attribute(page.select_one(".titleParent a"), "href")):
        part.whole["series_id"] = match[1]
    for heading in page.select(".bp_heading"):
        if match := _EPISODE_PLACE.fullmatch(words(heading)):
            part.whole["season"], part.whole["episode"] = int(match[1]), int(match[2])
    if match := _EPISODES.fullmatch(words(page.select_one(".bp_sub_heading"))):
        part.whole["episodes"] = count(match[1])
    seasons = [
        int(match[1])
        for link in page.select(".seasons-and-year-nav a[href]")
        if (match := _SEASON.search(attribute(link, "href")))
    ]
    if seasons:
        part.whole["seasons"] = max(seasons)  # the oldest may be hidden behind "See all"


def _cast_member(row: Tag) -> CreditLine | None:
    role = _ATTRIBUTES.split(words(row.select_one("td.character")), maxsplit=1)[0]
    characters = tuple(part for text in re.split(r"(?:^| )/(?: |$)", role) if (part := text.strip()))
    named = (linked_person(link, characters) for link in row.select("td:not(.character) a"))
    return next((person for person in named if person), None)


def _small_headings(part: Tag) -> list[Tag]:
    return part.find_all("h4", class_="inline")


def _under(headings: list[Tag], text: str) -> list[Tag]:
    """The blocks that the headings of this text open."""
    return [heading.parent for heading in headings if words(heading) == text and heading.parent]
