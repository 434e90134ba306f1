"""A title out of the bytes of its page. Pure: no network, no files, no clock.

The ``__NEXT_DATA__`` island tells everything, and its null means that the title has
none. Where it is missing or broken, ld+json and the markup supply what is missing,
field by field. What no part tells is named in ``untold``, what is incomplete in ``cut``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain.errors import Blocked, NotATitlePage, UnknownLayout, WrongTitle
from domain.movie import IMDB_ID
from infrastructure.http import find_block
from infrastructure.scraper.islands import read_island, read_linked_data
from infrastructure.scraper.page_bytes import (
    LINKED_DATA,
    NEXT_DATA,
    addresses,
    as_utf8,
    is_archived,
    is_guessed,
    is_whole_document,
    load_json,
    own_title,
    scripts,
    title_id,
    valid_utf8,
)
from infrastructure.scraper.title_fields import CORE_FIELDS, ParsedTitle, TitlePart, merge_parts


class TruncatedPage(UnknownLayout):
    """The page ends before its end, and no title could be read from what there is of it."""


class _Page(msgspec.Struct):
    """A page while it is being read.

    Attributes:
        body: in UTF-8.
        problems: what was not found, for a message.
        torn: the page ends before its end.
        damaged: the main island is not valid JSON, although more of the page follows it.
        guessed: the encoding was found by the bytes alone.
    """

    body: bytes
    problems: list[str]
    torn: bool = False
    damaged: bool = False
    guessed: bool = False

    def to_utf8(self) -> None:
        """Decodes the page by what its bytes suggest, if it is not in UTF-8."""
        self.guessed |= is_guessed(self.body)
        self.body = valid_utf8(self.body)


def parse_title(
    body: bytes,
    *,
    imdb_id: str | None,
    scraped_at: datetime,
    final_url: str | None = None,
    charset: str | None = None,
) -> ParsedTitle:
    """Read a title page.

    Args:
        body: the page as it came, decompressed.
        imdb_id: the title asked for; ``None`` for a saved page, which says itself whose it is.
        scraped_at: when the page was fetched, in UTC.
        final_url: where the request ended after redirects. IMDb redirects a title that has
            moved, so a page of another id that was redirected to is the title asked for.
        charset: the encoding that the HTTP response declared.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: the page of something else.
        UnknownLayout: nothing in the page is where it is known to be; a TruncatedPage where it is cut off.
        WrongTitle: the page of another title.
        InvalidMovie: the page's id or title cannot be true.
    """
    page = _Page(as_utf8(body, charset), [])
    parts = list(_parts(page))
    merged = merge_parts(parts) if parts else None
    if merged is None or "title" not in merged.values:
        kind = TruncatedPage if page.torn else UnknownLayout
        raise kind("this page is not recognised: " + ", ".join(page.problems))
    own_id = next((part.imdb_id for part in parts if part.imdb_id), None)
    if own_id is None:
        raise UnknownLayout("this page does not say whose it is: no title's id in its data and none in its address")
    if imdb_id is not None and own_id != imdb_id and not _has_moved(page.body, imdb_id, own_id, final_url):
        shown = own_id if IMDB_ID.fullmatch(own_id) else repr(own_id[:40])  # what is no id may be any text
        raise WrongTitle(f"asked for {imdb_id}, got the page of {shown}")
    if page.torn:
        merged = replace(merged, cut=merged.cut | (merged.untold & CORE_FIELDS))
    return merged.parsed(own_id, scraped_at, torn=page.torn or page.damaged)


def parse_next_data(document: bytes, *, scraped_at: datetime) -> ParsedTitle:
    """Read a title page's ``__NEXT_DATA__`` that was saved without the page.

    Raises:
        NotATitlePage: the data of another page.
        UnknownLayout: no title's data in it, or no JSON at all.
        InvalidMovie: its id or title cannot be true.
    """
    try:
        page = _Page(as_utf8(document), [])
        page.to_utf8()
        part = read_island(page.body)
    except ValueError as error:
        raise UnknownLayout(f"this is no JSON: {error}") from error
    if part is None or part.imdb_id is None:
        raise UnknownLayout(
            "this is JSON of something else: neither aboveTheFoldData nor mainColumnData with an id in props.pageProps"
        )
    merged = merge_parts([_doubted(part) if page.guessed else part])
    if "title" not in merged.values:
        raise UnknownLayout("no titleText in aboveTheFoldData or mainColumnData")
    return merged.parsed(part.imdb_id, scraped_at)


def _parts(page: _Page) -> Iterator[TitlePart]:
    """Read part after part until every core field is known.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: the page of something else.
    """
    first = _next_data(page)
    if first is None:
        raw = page.body
        page.to_utf8()
        if page.body is not raw:
            page.problems, page.torn, page.damaged = [], False, False
            first = _next_data(page)
            if first and page.guessed:
                first = _doubted(first)
    known: str | None = None
    if first:
        yield first
        known = first.imdb_id
        if "title" not in first.whole:
            page.problems.append("__NEXT_DATA__ without a readable titleText")
        if known and first.whole.keys() | first.settled >= CORE_FIELDS:
            return
        page.to_utf8()
    else:
        _refuse_other_pages(page.body)
    if second := _linked_data(page, known):
        yield _doubted(second) if page.guessed else second
    ends = is_whole_document(page.body)
    if not ends:
        page.problems.append("no end of the page (</html>)")
        page.torn |= first is None
    if not page.torn and ends and (third := _markup(page)):
        yield _doubted(third) if page.guessed else third


def _doubted(part: TitlePart) -> TitlePart:
    """The part of a page whose encoding is a guess: what is not ASCII may be the text, and is not known to be."""
    for name in [name for name, value in part.whole.items() if not _is_ascii(value)]:
        part.partial[name] = part.whole.pop(name)
    part.cut |= {name for name, value in part.partial.items() if not _is_ascii(value)}
    return part


def _is_ascii(value: object) -> bool:
    return all(map(_is_ascii, value)) if isinstance(value, tuple) else not isinstance(value, str) or value.isascii()


def _next_data(page: _Page) -> TitlePart | None:
    problem = "no __NEXT_DATA__"
    for script in scripts(page.body, NEXT_DATA):
        page.torn |= not script.closed
        try:
            part = read_island(script.body, script.start, script.end)
            if part is None:
                part = read_island(script.body, script.start, script.end, own=own_title(page.body))
        except ValueError as error:
            problem = f"__NEXT_DATA__ is no JSON ({error})" if script.closed else "__NEXT_DATA__ is cut off"
            page.damaged = page.body.startswith(b"{", script.start)
            continue
        if part:
            page.damaged = False
            return part
        problem = "__NEXT_DATA__ without aboveTheFoldData and mainColumnData"
    page.problems.append(problem)
    return None


def _linked_data(page: _Page, known: str | None) -> TitlePart | None:
    problem = "no ld+json"
    for script in scripts(page.body, LINKED_DATA):
        if not script.closed:
            page.torn = True
            problem = "ld+json is cut off"
            continue
        try:
            part = read_linked_data(load_json(script.content, unique=True))
        except ValueError as error:
            problem = f"ld+json is no JSON ({error})"
            continue
        if part and known in (None, part.imdb_id):
            return part
        problem = "ld+json without a title's url"
    page.problems.append(problem)
    return None


def _markup(page: _Page) -> TitlePart | None:
    """The markup; not of a page that is cut off, where the early end of a text or a list cannot be seen."""
    from infrastructure.scraper.markup import read_markup  # loading BeautifulSoup takes 0.1 s that few runs need

    part = read_markup(page.body)
    if part is None:
        page.problems.append("no title's heading in the markup")
    return part


def _refuse_other_pages(body: bytes) -> None:
    """Keep from reading a challenge, or a page below a title's or of something else, as a title.

    Raises:
        Blocked: a challenge or a refusal.
        NotATitlePage: the page of something else.
    """
    if reason := find_block(200, {}, body):
        raise Blocked(reason)
    places = addresses(body)
    if places and not any(map(title_id, places)):
        copy = "an archive's copy of " if is_archived(body) else ""
        raise NotATitlePage(f"this is {copy or 'the page '}{places[0][:120]!r}, not a title's page")


def _has_moved(body: bytes, asked: str, own: str, final_url: str | None) -> bool:
    """Whether IMDb gave this page as the one asked for: it redirected to it, or the page names the earlier address."""
    return (final_url is not None and title_id(final_url) == own) or asked in map(title_id, addresses(body))
