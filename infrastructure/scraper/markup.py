"""The markup of a title page: the last resort, for it costs thirty times what an island does."""

from __future__ import annotations

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup

from domain.movie import IMDB_ID
from infrastructure.scraper import markup_2014, markup_2022
from infrastructure.scraper.addresses import addresses, title_id
from infrastructure.scraper.markup_values import attribute, full_size, kind_and_year, words
from infrastructure.scraper.reading import Reading, TitleFields


def read_markup(body: bytes) -> Reading | None:
    """What the markup tells; ``None`` when it has no title's heading of a known layout."""
    try:
        page = BeautifulSoup(body, "lxml")
    except ParserRejectedMarkup:
        return None
    whole, cut = TitleFields(), TitleFields()
    if not (markup_2022.read(page, whole, cut) or markup_2014.read(page, whole, cut)):
        return None
    kind, year = kind_and_year(words(page.select_one("title")))
    if kind == "movie" and "Short" in (*whole.get("genres", ()), *cut.get("genres", ())):
        kind = "short"  # the window's title did not say so before 2018
    if kind is not None:
        whole["kind"] = kind
    if year is not None:
        whole["year"] = year
    if "poster_url" not in whole and (poster := _picture(page)):
        whole["poster_url"] = poster
    return Reading(_imdb_id(page, body), whole, cut)


def _picture(page: BeautifulSoup) -> str | None:
    return full_size(attribute(page.select_one('meta[property="og:image"]'), "content"))


def _imdb_id(page: BeautifulSoup, body: bytes) -> str | None:
    """The page's own word on its title; its address is that of the request, where the two differ."""
    own = attribute(page.select_one('meta[property="pageId"], meta[property="imdb:pageConst"]'), "content")
    if IMDB_ID.fullmatch(own):
        return own
    return next((imdb_id for address in addresses(body) if (imdb_id := title_id(address))), None)
