"""A title out of the bytes of its page. Pure: no network, no files, no clock.

The ``__NEXT_DATA__`` island tells everything, and its null means that the title has
none. Where it is missing or broken, ld+json and then the markup fill what is not
told, field by field, and what nobody tells is named in ``missing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.errors import UnknownLayout, WrongTitle
from domain.movie import IMDB_ID, Movie
from infrastructure.scraper.addresses import addresses, title_id
from infrastructure.scraper.islands import as_utf8, load_json
from infrastructure.scraper.next_data import read_next_data
from infrastructure.scraper.page_parts import readings
from infrastructure.scraper.reading import combine, to_movie


@dataclass(frozen=True, slots=True)
class ParsedTitle:
    """A movie, and the fields that its page could not tell (or only the beginning of)."""

    movie: Movie
    missing: frozenset[str]


def parse_title(body: bytes, *, imdb_id: str | None, scraped_at: datetime, final_url: str | None = None) -> ParsedTitle:
    """Read a title page.

    Args:
        body: the page as it came, decompressed.
        imdb_id: the title asked for; ``None`` for a saved page, which says itself whose it is.
        scraped_at: when the page was fetched, in UTC.
        final_url: where the request ended after redirects. IMDb redirects a title that has
            moved, so a page of another id that was redirected to is the title asked for.

    Raises:
        Blocked: a challenge or a refusal instead of the page.
        NotATitlePage: the page of something else.
        UnknownLayout: nothing in the page is where it is known to be.
        WrongTitle: the page of another title.
        InvalidMovie: the page says what cannot be true.
    """
    body = as_utf8(body)
    gaps: list[str] = []
    parts = list(readings(body, gaps))
    fields, missing = combine(parts)
    if "title" not in fields:
        raise UnknownLayout("this page is not recognised: " + ", ".join(gaps))
    own_id = next((reading.imdb_id for reading in parts if reading.imdb_id), None)
    if own_id is None:
        raise UnknownLayout("this page does not say whose it is: no title's id in its data and none in its address")
    if imdb_id is not None and own_id != imdb_id and not _has_moved(body, imdb_id, own_id, final_url):
        raise WrongTitle(f"asked for {imdb_id}, got the page of {_shown(own_id)}")
    return ParsedTitle(to_movie(fields, imdb_id=own_id, scraped_at=scraped_at), missing)


def parse_next_data(document: bytes, *, imdb_id: str | None, scraped_at: datetime) -> ParsedTitle:
    """Read a title page's ``__NEXT_DATA__`` that was saved without the page.

    Raises:
        NotATitlePage: the data of another page.
        UnknownLayout: no title's data in it, or no JSON at all.
        WrongTitle: the data of another title.
        InvalidMovie: it says what cannot be true.
    """
    try:
        reading = read_next_data(load_json(as_utf8(document)))
    except ValueError as error:
        raise UnknownLayout(f"this is no JSON: {error}") from error
    if reading is None or reading.imdb_id is None:
        raise UnknownLayout("neither aboveTheFoldData nor mainColumnData with an id in props.pageProps")
    fields, missing = combine([reading])
    if "title" not in fields:
        raise UnknownLayout("no titleText in aboveTheFoldData or mainColumnData")
    if imdb_id is not None and reading.imdb_id != imdb_id:
        raise WrongTitle(f"asked for {imdb_id}, got the data of {_shown(reading.imdb_id)}")
    return ParsedTitle(to_movie(fields, imdb_id=reading.imdb_id, scraped_at=scraped_at), missing)


def _has_moved(body: bytes, asked: str, own: str, final_url: str | None) -> bool:
    """Whether IMDb gave this page as the one asked for: by redirecting to it, or by its address of old."""
    if final_url is not None and title_id(final_url) == own:
        return True
    return asked in map(title_id, addresses(body))


def _shown(imdb_id: str) -> str:
    """An id for a message; what is none may hold anything."""
    return imdb_id if IMDB_ID.fullmatch(imdb_id) else repr(imdb_id[:40])
