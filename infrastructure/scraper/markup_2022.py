"""The markup of title pages since 2022, by its ``data-testid`` attributes.

Votes are rounded there (``2.2M``), so they are not told; the chips that were genres
became interests in 2024. Lists hold the first three, casts one role each.
"""

from __future__ import annotations

import re
from typing import Final

from bs4 import BeautifulSoup, Tag

from infrastructure.scraper.markup_values import (
    attribute,
    count,
    date,
    full_size,
    linked_person,
    running_minutes,
    words,
)
from infrastructure.scraper.reading import Credited, TitleFields

_ORIGINAL: Final = re.compile(r"\s*Original title: (.+)", re.S)
_RATING: Final = re.compile(r"(\d{1,2}(?:\.\d)?) ?/")
_DIRECTOR: Final = re.compile(r"Directors?")
_SHORT_LIST: Final = 3


def read(page: BeautifulSoup, whole: TitleFields, cut: TitleFields) -> bool:
    """Add what the markup tells; whether it is of this layout at all."""
    heading = _by_id(page, "hero__pageTitle") or _by_id(page, "hero-title-block__title")
    if heading is None or not (title := words(heading)):
        return False
    whole["title"] = title
    _read_heading(page, heading, whole)
    _read_facts(page, whole)
    _read_genres(page, whole, cut)
    _read_people(page, whole, cut)
    return True


def _by_id(page: Tag, testid: str) -> Tag | None:
    return page.select_one(f'[data-testid="{testid}"]')


def _read_heading(page: BeautifulSoup, heading: Tag, whole: TitleFields) -> None:
    block = heading.parent
    for text in block.find_all(string=_ORIGINAL, limit=1) if block else ():
        if match := _ORIGINAL.match(str(text)):
            whole["original_title"] = " ".join(match[1].split())
    links = block.select('ul a[href*="parentalguide"]') if block else []
    if links and (certificate := words(links[0])):
        whole["certificate"] = certificate
    if poster := full_size(attribute(page.select_one('[data-testid="hero-media__poster"] img'), "src")):
        whole["poster_url"] = poster


def _read_facts(page: BeautifulSoup, whole: TitleFields) -> None:
    score = _by_id(page, "hero-rating-bar__aggregate-rating__score")
    if match := _RATING.match(words(score)):
        whole["rating"] = float(match[1])
        votes = score.find_next_sibling("div", string=True) if score else None
        if isinstance(votes, Tag) and (number := count(words(votes))) is not None:
            whole["votes"] = number
    if (metascore := count(words(page.select_one(".metacritic-score-box, .score-meta")))) is not None:
        whole["metascore"] = metascore
    if plot := words(_by_id(page, "plot-xl")):
        whole["plot"] = plot
    runtime = words(_by_id(page, "title-techspec_runtime"))
    if (minutes := running_minutes(runtime.removeprefix("Runtime").strip())) is not None:
        whole["duration_minutes"] = minutes
    release = words(_by_id(page, "title-details-releasedate"))
    if (released := date(release.removeprefix("Release date").strip())) is not None:
        whole["release_date"] = released


def _read_genres(page: BeautifulSoup, whole: TitleFields, cut: TitleFields) -> None:
    if every := _texts(page.select('[data-testid="storyline-genres"] li a')):
        whole["genres"] = every
    elif first := _texts(page.select('[data-testid="genres"] a')):
        (whole if len(first) < _SHORT_LIST else cut)["genres"] = first


def _read_people(page: BeautifulSoup, whole: TitleFields, cut: TitleFields) -> None:
    for line in page.select('[data-testid="title-pc-principal-credit"]'):
        if _DIRECTOR.fullmatch(words(line.select_one(".ipc-metadata-list-item__label"))):
            directors = tuple(person for link in line.select("a") if (person := linked_person(link)))
            (whole if len(directors) < _SHORT_LIST else cut)["directors"] = directors
            break
    cast: list[Credited] = []
    for item in page.select('[data-testid="title-cast-item"]'):
        first = item.select_one('[data-testid="cast-item-characters-link"] span')
        role = words(first or _by_id(item, "cast-item-characters-link"))
        if person := linked_person(_by_id(item, "title-cast-item__actor"), (role,) if role else ()):
            cast.append(person)
    if cast:
        cut["cast"] = tuple(cast)  # second roles are left out, often without a sign of it


def _texts(tags: list[Tag]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for tag in tags if (text := words(tag))))
