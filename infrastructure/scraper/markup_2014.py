"""The markup of title pages from 2014 to 2020: a heading, an overview, a table of the cast.

Microdata marked the fields until 2017, class names alone after that; the headings
over the lists stayed. A shown title without an original one beside it may be either.
"""

from __future__ import annotations

import re
from typing import Final

from bs4 import BeautifulSoup, NavigableString, Tag

from infrastructure.scraper.fields import minutes
from infrastructure.scraper.linked_data import iso_seconds
from infrastructure.scraper.markup_values import attribute, count, date, full_size, linked_person, words
from infrastructure.scraper.reading import Credited, TitleFields

_OVERVIEW: Final = "#overview-top, #title-overview-widget"
_RATING: Final = re.compile(r"\d{1,2}(?:\.\d)?")
_SCORE: Final = re.compile(r"(\d{1,3})(?:/100)?")
_ISO_DATE: Final = re.compile(r"\d{4}(-\d{2}){0,2}")
_ATTRIBUTES: Final = re.compile(r"\(|\b\d+ episodes?\b")  # where a role ends: (voice), (as …), 61 episodes


def read(page: BeautifulSoup, whole: TitleFields, cut: TitleFields) -> bool:
    """Add what the markup tells; whether it is of this layout at all."""
    overview = page.select_one(_OVERVIEW)
    heading = page.select_one(".title_wrapper h1, h1.header")
    if overview is None or heading is None or not (title := _title(heading)):
        return False
    whole["title"] = title
    if original := _own_text(page.select_one(".originalTitle, .title-extra")):
        whole["original_title"] = original.strip('"').strip()
    _read_ratings(overview, whole)
    _read_facts(page, overview, whole)
    _read_plot(overview, whole, cut)
    _read_people(page, overview, whole, cut)
    return True


def _title(heading: Tag) -> str:
    return words(heading.select_one('[itemprop="name"]')) or _own_text(heading)


def _own_text(tag: Tag | None) -> str:
    """The text of an element without that of the elements in it."""
    if tag is None:
        return ""
    return " ".join("".join(str(part) for part in tag.children if type(part) is NavigableString).split())


def _read_ratings(overview: Tag, whole: TitleFields) -> None:
    rating = words(overview.select_one('[itemprop="ratingValue"], .imdbRating strong span'))
    if _RATING.fullmatch(rating):
        whole["rating"] = float(rating)
        votes = count(words(overview.select_one('[itemprop="ratingCount"], .imdbRating a .small')))
        if votes is not None:
            whole["votes"] = votes
    for place in overview.select('.metacriticScore, .star-box-details a[href^="criticreviews"]'):
        if match := _SCORE.fullmatch(words(place)):
            whole["metascore"] = int(match[1])
            break


def _read_facts(page: BeautifulSoup, overview: Tag, whole: TitleFields) -> None:
    if (seconds := iso_seconds(attribute(overview.select_one("time[datetime]"), "datetime"))) is not None:
        whole["duration_minutes"] = minutes(seconds)
    if certificate := attribute(overview.select_one('[itemprop="contentRating"]'), "content"):
        whole["certificate"] = certificate
    marked = attribute(overview.select_one('[itemprop="datePublished"]'), "content")
    released = marked if _ISO_DATE.fullmatch(marked) else date(_after_heading(page, "Release Date:"))
    if released:
        whole["release_date"] = released
    genres = [words(link) for block in _under_heading(page, "Genres:") for link in block.select("a")]
    if genres:
        whole["genres"] = tuple(genre for genre in genres if genre)
    picture = overview.select_one(".poster img") or page.select_one("#img_primary img")
    if poster := full_size(attribute(picture, "src")):
        whole["poster_url"] = poster


def _read_plot(overview: Tag, whole: TitleFields, cut: TitleFields) -> None:
    """The summary; an invitation to write one or to read on is a link in it."""
    summary = overview.select_one('.summary_text, p[itemprop="description"]')
    if plot := _own_text(summary).removesuffix("»").strip():
        (cut if plot.endswith(("...", "…")) else whole)["plot"] = plot


def _read_people(page: BeautifulSoup, overview: Tag, whole: TitleFields, cut: TitleFields) -> None:
    for block in (*_under_heading(overview, "Director:"), *_under_heading(overview, "Directors:")):
        directors = [person for link in block.select("a") if (person := linked_person(link))]
        more = any("more credit" in words(link) for link in block.select("a"))
        (cut if more else whole)["directors"] = tuple(directors)
    cast = [member for row in page.select("table.cast_list tr") if (member := _cast_member(row))]
    if cast:
        whole["cast"] = tuple(cast)


def _cast_member(row: Tag) -> Credited | None:
    role = _ATTRIBUTES.split(words(row.select_one("td.character")), maxsplit=1)[0]
    characters = tuple(part for text in re.split(r"(?:^| )/(?: |$)", role) if (part := text.strip()))
    named = (linked_person(link, characters) for link in row.select("td:not(.character) a"))
    return next((person for person in named if person), None)


def _under_heading(part: Tag, heading: str) -> list[Tag]:
    """The blocks that a small heading opens."""
    return [title.parent for title in part.select("h4.inline") if words(title) == heading and title.parent]


def _after_heading(part: Tag, heading: str) -> str:
    return next((words(block).removeprefix(heading).strip() for block in _under_heading(part, heading)), "")
