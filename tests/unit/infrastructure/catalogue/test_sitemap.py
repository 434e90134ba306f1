"""The sitemap against its schema."""

from __future__ import annotations

import pytest
from lxml import etree

from domain.errors import UsageError
from infrastructure.catalogue.feeds import site_address, sitemaps
from infrastructure.catalogue.renderer import page_address
from tests.unit.infrastructure.catalogue import sitemap_schema

_SITE = "https://films.example/catalogue/"
_LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def _locations(body: bytes) -> list[str | None]:
    return [element.text for element in etree.fromstring(body).iter(_LOC)]


def test_every_page_stands_in_it() -> None:
    files = sitemaps(_SITE, ["index.html", "films/tt0000001.html"], {"films/tt0000001.html": "2026-11-20"})
    assert list(files) == ["sitemap.xml"]
    root = etree.fromstring(files["sitemap.xml"])
    sitemap_schema.URLS.assertValid(root)
    assert _locations(files["sitemap.xml"]) == [_SITE, f"{_SITE}films/tt0000001.html"]
    assert [element.text for element in root.iter("{*}lastmod")] == ["2026-11-20"]


@pytest.mark.parametrize(
    ("pages", "files"), [(50_000, 1), (50_001, 3), pytest.param(100_001, 4, marks=pytest.mark.long)]
)
def test_it_is_split_where_the_protocol_wants_it(pages: int, files: int) -> None:
    paths = [f"films/{number}.html" for number in range(pages)]
    made = sitemaps(_SITE, paths, {})
    assert len(made) == files
    index = made.pop("sitemap.xml")
    if not made:
        sitemap_schema.URLS.assertValid(etree.fromstring(index))
        return
    sitemap_schema.INDEX.assertValid(etree.fromstring(index))
    assert _locations(index) == [f"{_SITE}{name}" for name in made]
    for body in made.values():
        sitemap_schema.URLS.assertValid(etree.fromstring(body))
    assert sum(len(_locations(body)) for body in made.values()) == pages


def test_the_schema_itself_refuses_what_is_wrong() -> None:
    assert not sitemap_schema.URLS.validate(etree.fromstring(sitemaps(_SITE, [], {})["sitemap.xml"]))
    wrong = sitemaps(_SITE, ["a.html"], {"a.html": "yesterday"})["sitemap.xml"]
    assert not sitemap_schema.URLS.validate(etree.fromstring(wrong))


def test_an_address_with_an_ampersand_is_escaped() -> None:
    body = sitemaps("https://films.example/a&b/", ["index.html"], {})["sitemap.xml"]
    assert b"a&amp;b" in body


@pytest.mark.parametrize(
    ("given", "site"),
    [
        ("", ""),
        ("  ", ""),
        ("https://films.example", "https://films.example/"),
        (" http://films.example/x/ ", "http://films.example/x/"),
        ("https://films.example:8443/x", "https://films.example:8443/x/"),
    ],
)
def test_site_addresses_come_in_one_form(given: str, site: str) -> None:
    assert site_address(given) == site


@pytest.mark.parametrize(
    "given",
    ["films.example", "ftp://films.example/", "https://", "https://a.example/?q=1", "https://a.example/#x",
     "https://a b/", "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_what_is_no_site_address_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="SITE_URL: allowed"):
        site_address(given)


def test_the_front_page_is_the_folder() -> None:
    assert page_address(_SITE, "index.html") == _SITE
    assert page_address(_SITE, "people.html") == f"{_SITE}people.html"
