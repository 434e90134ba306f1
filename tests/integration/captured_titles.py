"""The captured title pages: what their index says, and what they say when read by other means.

`parsed` is what the tests judge. Nothing else here uses the parser: scripts and elements are found
by lxml, JSON is read by the standard library.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, Final

import lxml.html
import pytest
from _pytest.mark import ParameterSet

from domain.movie import Movie
from infrastructure.scraper.title_fields import ParsedTitle
from infrastructure.scraper.title_page import parse_next_data, parse_title
from tests.conftest import CAPTURES

NOW: Final = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)

LETTERS: Final[dict[str, str]] = {
    "T": "title",
    "O": "original_title",
    "Y": "year",
    "R": "rating",
    "V": "votes",
    "S": "duration_minutes",
    "M": "metascore",
    "G": "genres",
    "D": "directors",
    "C": "cast",
    "P": "plot",
    "I": "poster_url",
    "X": "certificate",
    "L": "release_date",
}


@dataclass(frozen=True)
class CapturedTitle:
    """One row of the index."""

    name: str
    imdb_id: str
    layout: str
    letters: str

    @cached_property
    def body(self) -> bytes:
        return gzip.decompress((CAPTURES / self.name).read_bytes())

    @property
    def listed(self) -> frozenset[str]:
        """The fields that the index says this file has."""
        return frozenset(LETTERS[letter] for letter, mark in zip(LETTERS, self.letters, strict=True) if mark == letter)

    @property
    def page(self) -> PageByOtherMeans:
        return PageByOtherMeans(self.body)


@cache
def parsed(capture: CapturedTitle) -> ParsedTitle:
    """What the parser makes of a page, asked once for all tests that look at it."""
    if ".json" not in capture.name:
        return parse_title(capture.body, imdb_id=capture.imdb_id, scraped_at=NOW)
    title = parse_next_data(capture.body, scraped_at=NOW)
    assert title.movie.imdb_id == capture.imdb_id
    return title


def name(capture: CapturedTitle | None) -> str:
    """The file's name, as the id of a test."""
    return capture.name.partition("/")[2].removesuffix(".gz") if capture else "none"


def captured(chosen: Callable[[CapturedTitle], bool]) -> list[CapturedTitle | None]:
    """The chosen rows, for a test's parameters; one ``None`` where there are no captures, for the test to skip."""
    if not CAPTURES.is_dir():
        return [None]
    rows = (line.split("|") for line in (CAPTURES / "INDEX.md").read_text("utf-8").splitlines())
    titles = [
        CapturedTitle(cells[1].strip(), cells[3].strip(), cells[4].strip(), cells[7].strip())
        for cells in rows
        if len(cells) == 9 and cells[1].strip().startswith("title_") and cells[3].strip()
    ]
    return [title for title in titles if chosen(title)]


def each(captures: list[CapturedTitle | None]) -> list[ParameterSet]:
    """Makes a test's parameters of these rows: the first of each layout for every run, the others for the long one."""
    seen: set[str] = set()
    parameters = []
    for capture in captures:
        layout = capture.layout[:12] if capture else "none"  # such as "Next.js 2026" or "old, ld+json"
        parameters.append(pytest.param(capture, id=name(capture), marks=pytest.mark.long if layout in seen else ()))
        seen.add(layout)
    return parameters


def told(movie: Movie) -> frozenset[str]:
    """The fields of the index that the movie has."""
    return frozenset(name for name in LETTERS.values() if getattr(movie, name) not in (None, ()))


class PageByOtherMeans:
    """A page read with XPath, the standard JSON parser and no rule of IMDb's about which part to trust."""

    def __init__(self, body: bytes) -> None:
        self._tree: Any = lxml.html.document_fromstring(body)

    def texts(self, xpath: str) -> list[str]:
        """The texts of these elements or attributes, blanks made single."""
        found = self._tree.xpath(xpath)
        texts = (item if isinstance(item, str) else item.text_content() for item in found)
        return [" ".join(text.split()) for text in texts]

    def text(self, xpath: str) -> str | None:
        return next((text for text in self.texts(xpath) if text), None)

    @cached_property
    def linked_data(self) -> dict[str, Any]:
        return self._island('//script[@type="application/ld+json"]')

    @cached_property
    def next_data(self) -> dict[str, Any]:
        return self._island('//script[@id="__NEXT_DATA__"]')

    @property
    def window_title(self) -> str:
        return self.text("//title") or ""

    @property
    def cast(self) -> list[tuple[str, str]]:
        """Ids and names, in the order of the markup of either layout."""
        links = self._tree.xpath(
            '//a[@data-testid="title-cast-item__actor"]'
            ' | //table[@class="cast_list"]//td[not(@class="primary_photo") and not(@class="character")]'
            '/a[contains(@href,"/name/nm")]'
        )
        return [(person_id(link.get("href")), " ".join(link.text_content().split())) for link in links]

    def _island(self, xpath: str) -> dict[str, Any]:
        text = self._tree.xpath(f"string({xpath})")
        island: dict[str, Any] = json.loads(text) if text else {}
        return island


def person_id(address: str) -> str:
    match = re.search(r"nm\d+", address)
    assert match, address
    return match[0]


def linked_people(value: Any) -> list[tuple[str, str]]:
    """``director`` or ``actor`` of ld+json as ids and names."""
    people = value if isinstance(value, list) else [value] if value else []
    return [(person_id(person["url"]), html.unescape(person["name"])) for person in people]


def linked_minutes(duration: str) -> int:
    """``PT2H22M`` in minutes."""
    return sum(int(n) * {"H": 60, "M": 1}[unit] for n, unit in re.findall(r"(\d+)([HM])", duration))
