"""The parts of a title page that tell something, the most trusted first, and no more of them than needed."""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import Blocked, NotATitlePage
from infrastructure.http import find_block
from infrastructure.scraper.addresses import addresses, title_id
from infrastructure.scraper.islands import LINKED_DATA, NEXT_DATA, load_json, scripts
from infrastructure.scraper.linked_data import read_linked_data
from infrastructure.scraper.next_data import read_next_data, title_part
from infrastructure.scraper.reading import FIELDS, Reading


def readings(body: bytes, gaps: list[str]) -> Iterator[Reading]:
    """Read part after part until every field is told.

    Args:
        body: the page, in UTF-8.
        gaps: filled with what was not found, in words for a message.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: the page of something else.
    """
    known: str | None = None
    if first := _next_data(body, gaps):
        yield first
        known = first.imdb_id
        if known and first.whole.keys() >= FIELDS:
            return
    else:
        _refuse_other_pages(body)
    if second := _linked_data(body, gaps, known):
        yield second
    if third := _markup(body, gaps):
        yield third


def _next_data(body: bytes, gaps: list[str]) -> Reading | None:
    gap = "no __NEXT_DATA__"
    for script in scripts(body, NEXT_DATA):
        island = bytes(script)
        if (part := title_part(island)) and (reading := _title_in(part)):
            return reading
        try:
            document = load_json(island)
        except ValueError as error:
            gap = f"__NEXT_DATA__ is no JSON ({error})"
            continue
        if reading := read_next_data(document):
            return reading
        gap = "__NEXT_DATA__ without aboveTheFoldData and mainColumnData"
    gaps.append(gap)
    return None


def _title_in(part: bytes) -> Reading | None:
    try:
        reading = read_next_data(load_json(part))
    except ValueError:
        return None
    return reading if reading and reading.imdb_id and "title" in reading.whole else None


def _linked_data(body: bytes, gaps: list[str], known: str | None) -> Reading | None:
    gap = "no ld+json"
    for script in scripts(body, LINKED_DATA):
        try:
            reading = read_linked_data(load_json(script))
        except ValueError as error:
            gap = f"ld+json is no JSON ({error})"
            continue
        if reading and known in (None, reading.imdb_id):
            return reading
        gap = "ld+json without a title's url"
    gaps.append(gap)
    return None


def _markup(body: bytes, gaps: list[str]) -> Reading | None:
    """The markup, unless it is cut off: where a text or a list ends early cannot be seen."""
    if b"</html" not in body[-4096:].lower():
        gaps.append("no end of the page (</html>)")
        return None
    from infrastructure.scraper.markup import read_markup  # loading BeautifulSoup takes 0.1 s that few runs need

    reading = read_markup(body)
    if reading is None:
        gaps.append("no title's heading in the markup")
    return reading


def _refuse_other_pages(body: bytes) -> None:
    """Keep from reading a challenge, or a page below a title's or of something else, as a title."""
    if reason := find_block(200, {}, body):
        raise Blocked(reason)
    places = addresses(body)
    if places and not any(map(title_id, places)):
        raise NotATitlePage(f"this is the page {places[0][:120]!r}, not a title's")
